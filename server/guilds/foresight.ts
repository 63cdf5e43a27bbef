import { LRUCache } from 'lru-cache';
import { PLENTY, type Foreseen, type GuildChange, type GuildPlayerRow, type GuildRow } from '../../persistence/index.ts';
import type { GuildId, HolderId, PlayerId } from '../../schema/ids.ts';
import type { GuildAction } from './actions.ts';
import type { GuildEntry } from './directory.ts';

/** So many flushes of a guild are decided under the locks after one that was foreseen wrongly: another process acts there too. */
const BLIND_FLUSHES = 16;
/** Nobody's, by which the bank is told from a player. */
const BANK_EPOCH = -1;

/** What this process made of a guild when it last wrote there. */
interface Seen {
  version: number;
  logged: number;
  motd: string;
  /** The version since which nobody came, went or changed rank, as far as this process saw without a gap. */
  membersSince: number;
  blind: number;
}

/**
 * What guilds will be under the locks of their next flush if only this process acts there: as they were when it last wrote. By that, deposits are
 * decided before the locks are had, and the write looks whether it was right. Bounded; nothing else trusts it. [GA6]
 */
export class Foresight {
  readonly #seen: LRUCache<GuildId, Seen>;

  constructor({ max }: { max: number }) {
    this.#seen = new LRUCache({ max });
  }

  /** What a flush was decided by, and did. */
  note({ id, version, logged, motd }: GuildRow, change: GuildChange | undefined): void {
    const before = this.#seen.get(id);
    if (change?.disbanded) return void this.#seen.delete(id);
    const now = version + (change === undefined ? 0 : 1);
    const hasMoved = change !== undefined && change.members.set.length + change.members.removed.length > 0;
    const since = before?.version === version ? before.membersSince : version;
    this.#seen.set(id, { version: now, logged: logged + (change?.log.length ?? 0), motd: change?.motd ?? motd, membersSince: hasMoved ? now : since, blind: Math.max(0, (before?.blind ?? 0) - 1) });
  }

  /** It was not as was foreseen. */
  missed(id: GuildId): void {
    const seen = this.#seen.get(id);
    if (seen !== undefined) seen.blind = BLIND_FLUSHES;
  }

  /** Whether these are actions that can be decided by it, of a guild that was seen. */
  covers(id: GuildId, actions: readonly GuildAction[]): boolean {
    return this.#seen.get(id)?.blind === 0 && actions.every((action) => action.type === 'deposit' && action.items.length === 0);
  }

  /** Absent where something is not known. @param entry who is in it, as members see it */
  of({ id, name, tag, version, members }: GuildEntry, actions: readonly GuildAction[]): Foreseen | undefined {
    const seen = this.#seen.get(id);
    if (seen === undefined || version < seen.membersSince || version > seen.version) return undefined;
    const players = new Map<PlayerId, GuildPlayerRow>();
    const epochs = new Map<HolderId, number>([[id, BANK_EPOCH]]);
    const ranks: GuildRow['members'][number][] = [];
    for (const { actor, epoch } of actions) {
      const member = members.get(actor);
      if (member === undefined || (epochs.get(actor) ?? epoch) !== epoch) return undefined;
      if (players.has(actor)) continue;
      players.set(actor, { name: member.name, guildId: id, epoch, frozen: false, isInvited: false });
      epochs.set(actor, epoch);
      ranks.push({ playerId: actor, rank: member.rank, joinedAt: 0 });
    }
    const guild: GuildRow = { id, name, tag, motd: seen.motd, version: seen.version, logged: seen.logged, now: 0, memberCount: 0, members: ranks, taken: new Map(), bankItems: 0, bankIsEmpty: false };
    return { snapshot: { guild, players, balance: () => PLENTY, item: () => undefined, known: () => undefined }, epochs };
  }
}
