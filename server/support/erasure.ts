import { OPERATOR_ACTOR, type GuildStore, type PersonStore } from '../../persistence/index.ts';
import type { GuildId, PlayerId } from '../../schema/ids.ts';
import type { EraseAnswer, PlayerExport } from '../../schema/messages/ops.ts';
import { Refusal } from '../../schema/refusals.ts';
import type { Guilds } from '../guilds/index.ts';
import type { Idempotency } from '../ledger/index.ts';
import type { Players } from '../players/index.ts';
import type { Sessions } from '../sessions/index.ts';
import { derivedId } from './derived-id.ts';

export interface ErasureDeps {
  persons: PersonStore;
  guildStore: Pick<GuildStore, 'find' | 'invitations'>;
  guilds: Pick<Guilds, 'act'>;
  idempotency: Idempotency;
  players: Pick<Players, 'read'>;
  sessions: Pick<Sessions, 'take' | 'release' | 'find'>;
}

/** Where the session is that closes all others of a player who is erased: in no room. */
const NO_ROOM = '';

/** What a person may ask of those who keep data: all of it, and that it be gone. [GD1] [GD2] */
export class Erasure {
  readonly #deps: ErasureDeps;

  constructor(deps: ErasureDeps) {
    this.#deps = deps;
  }

  /** @throws {Refusal} UNKNOWN_PLAYER, also for one that was erased */
  async export(playerId: PlayerId): Promise<PlayerExport> {
    const { persons, players, sessions, guildStore } = this.#deps;
    const [person, records, session, invitations] = await Promise.all([persons.read(playerId), players.read([playerId]), sessions.find(playerId).catch(() => undefined), guildStore.invitations(playerId)]);
    const player = records.get(playerId);
    if (person === undefined || player === undefined) throw new Refusal('UNKNOWN_PLAYER', { playerId });
    const { guildId, ...kept } = person;
    const guild = guildId === null ? undefined : (await guildStore.find([guildId])).get(guildId);
    const member = guild?.members.find((one) => one.playerId === playerId);
    return {
      exportedAt: Date.now(), player, ...kept, invitations,
      session: session === undefined ? null : { epoch: session.epoch, processId: session.processId, roomId: session.roomId, takenAt: session.takenAt },
      guild: guild === undefined || member === undefined ? null : { id: guild.id, name: guild.name, rank: member.rank, joinedAt: member.joinedAt },
    };
  }

  /**
   * Closes the player's rooms, takes it out of its guild, and forgets who it was. What it held stays with an id that nobody can be any
   * more. A guild whose last member goes while there is something in the bank keeps the id. Asked again, it goes on where it was.
   * @throws {Refusal} UNKNOWN_PLAYER
   */
  async erase(playerId: PlayerId, reason: string): Promise<EraseAnswer> {
    const { persons, idempotency, players, sessions } = this.#deps;
    const commandId = derivedId(`erase:${playerId}`);
    const answer: EraseAnswer = { playerId, erased: true };
    const key = { actor: OPERATOR_ACTOR, id: commandId, type: 'support:erase', payload: { playerId } } as const;
    await idempotency.once(key, async (hash) => {
      const player = (await players.read([playerId])).get(playerId);
      // One that was erased is known by its command.
      if (player === undefined) throw new Refusal('UNKNOWN_PLAYER', { playerId });
      const epoch = await sessions.take(playerId, NO_ROOM);
      try {
        if (player.guildId !== null) await this.#leave(playerId, epoch, player.guildId);
        await persons.erase(playerId, { actor: OPERATOR_ACTOR, id: commandId, hash, answer: () => ({ id: commandId, action: 'erase', target: playerId, reason }) });
      } finally {
        await sessions.release(playerId, epoch);
      }
    });
    await persons.forgetLines(playerId);
    return answer;
  }

  async #leave(id: PlayerId, epoch: number, guildId: GuildId): Promise<void> {
    try {
      await this.#deps.guilds.act(guildId, { id, epoch }, derivedId(`leave:${id}:${guildId}`), { type: 'leave' });
    } catch (error) {
      // It has left meanwhile, or is the last one of a guild that has something in its bank.
      if (!(error instanceof Refusal && ['GUILD_NOT_FOUND', 'GUILD_FORBIDDEN'].includes(error.code))) throw error;
    }
  }
}

