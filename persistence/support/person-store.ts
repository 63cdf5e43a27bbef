import type { GuildId, PlayerId } from '../../schema/ids.ts';
import type { PlayerExport } from '../../schema/messages/ops.ts';
import { Refusal } from '../../schema/refusals.ts';
import type { CommandRecord } from '../posting.ts';
import type { RoutedRead } from '../routed-read.ts';
import type { Transact } from '../routed-transact.ts';
import type { Shard } from '../shard.ts';
import type { HolderRow } from '../settle-outcomes.ts';
import { LOCK } from '../settle-statements.ts';
import { ERASE, ERASED, FORGET_ACCOUNT, FORGET_ANSWERS, FORGET_INVITATIONS, FORGET_LINES, READ_LOGIN, READ_PERSON, READ_PERSON_LEDGER, READ_PERSON_SCORES, REMEMBER } from './support-statements.ts';

/** What is kept of a player besides its holdings, its session and its guild. */
export type PersonRecord = Pick<PlayerExport, 'login' | 'createdAt' | 'frozen' | 'scores' | 'ledger'> & { guildId: GuildId | null };

/** The person behind a player. */
export interface PersonStore {
  /** undefined if there is none, or it was erased. */
  read(playerId: PlayerId): Promise<PersonRecord | undefined>;
  /**
   * Forgets who it was: the name, the login with its password, the invitations. The id stays, for the ledger's sake, and so does what
   * it holds, which nobody can move any more. [GD2]
   * @throws {Refusal} UNKNOWN_PLAYER
   */
  erase(playerId: PlayerId, command: CommandRecord): Promise<void>;
  /** Takes the name of an erased player out of the logs of guilds. Where slots are just being moved a copy may keep it: again does it. */
  forgetLines(playerId: PlayerId): Promise<void>;
}

export function personStore(shards: readonly Shard[], transact: Transact, read: RoutedRead): PersonStore {
  const loginOf = async (playerId: PlayerId) =>
    (await read([playerId], async ({ pool }) => (await pool.query<{ login: string | null }>({ ...READ_LOGIN, values: [playerId] })).rows.map((row): [PlayerId, { login: string | null }] => [playerId, row]))).get(playerId);

  return {
    async read(playerId) {
      return (await read([playerId], async ({ pool }): Promise<[PlayerId, PersonRecord][]> => {
        const ask = async (text: string) => (await pool.query({ text, values: [playerId] })).rows as unknown[];
        const [persons, scores, ledger] = await Promise.all([ask(READ_PERSON), ask(READ_PERSON_SCORES), ask(READ_PERSON_LEDGER)]);
        return persons.map((person) => [playerId, { ...(person as PersonRecord), scores: scores as PersonRecord['scores'], ledger: ledger as PersonRecord['ledger'] }]);
      })).get(playerId);
    },

    async erase(playerId, command) {
      const found = await loginOf(playerId);
      if (found === undefined) throw new Refusal('UNKNOWN_PLAYER', { playerId });
      const keys = [playerId, command.id, ...(found.login === null ? [] : [found.login])];
      await transact(keys, 'erase', async (transaction) => {
        await transaction.takeSlots(keys);
        const part = transaction.on(transaction.shardOf(playerId));
        const [[row]] = await Promise.all([part.query<HolderRow>(LOCK, [`{${playerId}}`]), transaction.confirm(part)]);
        if (row === undefined || row.epoch < 0) throw new Refusal('UNKNOWN_PLAYER', { playerId });
        const [erased] = await part.query<{ login: string | null }>(ERASE, [playerId, ERASED]);
        // A login that it got meanwhile is on a shard that is not part of this.
        if (erased === undefined || erased.login !== found.login) throw new Refusal('CONCURRENT_MODIFICATION', { playerId });
        await Promise.all([part.query(FORGET_INVITATIONS, [playerId]), part.query(FORGET_ANSWERS, [playerId])]);
        if (found.login !== null) await transaction.on(transaction.shardOf(found.login)).query(FORGET_ACCOUNT, [found.login, playerId]);
        await transaction.on(transaction.shardOf(command.id)).query(REMEMBER, [command.actor, command.id, command.hash, JSON.stringify(command.answer(new Map()))]);
      });
    },

    async forgetLines(playerId) {
      await Promise.all(shards.map(async ({ pool }) => await pool.query({ ...FORGET_LINES, values: [playerId, ERASED] })));
    },
  };
}
