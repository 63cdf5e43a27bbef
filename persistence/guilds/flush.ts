import type { GuildLogEntry, GuildRank } from '../../schema/guild.ts';
import type { CommandId, GuildId, HolderId, ItemId, PlayerId } from '../../schema/ids.ts';
import { QUANTITY_MAX } from '../../schema/quantities.ts';
import type { KnownCommand } from '../commands.ts';
import type { CommandRecord, ItemContent, Posting } from '../posting.ts';

/**
 * A guild's actions, as many as came together: one movement, whose postings are decided under the locks of the guild's and
 * the players' rows, so that ranks, limits and holdings are those at the commit. [GA2]
 */
export interface GuildFlush {
  guildId: GuildId;
  /** The guild first, and every player whose row is read or written. All of them are locked. */
  holders: readonly HolderId[];
  /** How many actions it is. */
  size: number;
  /** Looked at where it is decided under the locks. */
  readonly wants: GuildWants;
  /** Keys of `guild_name` that it may give up. */
  names: readonly string[];
  /** Absent unless it is all that these actions are decided by. */
  foreseen?: Foreseen;
  /** Pure. Called again when the transaction is. */
  decide: (snapshot: GuildSnapshot) => GuildDecision;
}

/** What everybody has of everything where balances were not read: enough to give, and few enough to get more. The write looks at what there is. */
export const PLENTY = (QUANTITY_MAX + 1) / 2;

/**
 * What a decision may be made by before the locks are had, because it was so when it was last seen: the write fails unless the guild has this version
 * and each holder this epoch. [GA6]
 */
export interface Foreseen {
  snapshot: Omit<GuildSnapshot, 'guild' | 'paused'> & { guild: GuildRow };
  epochs: ReadonlyMap<HolderId, number>;
}

/** What of the databases the decision depends on, beside the guild itself. */
export interface GuildWants {
  /** Whose membership matters; with `everyone` that of all. */
  players: readonly PlayerId[];
  everyone: boolean;
  /** Whether the number of members matters; it is 0 otherwise. */
  memberCount: boolean;
  /** Whether it matters who is invited, and what members took out today. */
  invitations: boolean;
  taken: boolean;
  /** Whether the number of items in the bank matters, or that there is anything in it. */
  bankSize: boolean;
  /** With whoever should hold them. */
  items: readonly (readonly [HolderId, ItemId])[];
  balances: readonly (readonly [HolderId, string])[];
  commands: readonly (readonly [PlayerId, CommandId])[];
}

export interface GuildMemberRow {
  playerId: PlayerId;
  rank: GuildRank;
  /** Unix milliseconds, where everybody's membership matters; who joined at the same instant is ordered by id. */
  joinedAt: number;
}

/** Everything that a decision may look at, as it is under the locks. */
export interface GuildSnapshot {
  /** Absent if there is none, or it was disbanded. */
  guild: GuildRow | undefined;
  players: ReadonlyMap<PlayerId, GuildPlayerRow>;
  balance: (holder: HolderId, asset: string) => number;
  item: (id: ItemId) => (ItemContent & { holder: HolderId; version: number }) | undefined;
  known: (actor: PlayerId, id: CommandId) => KnownCommand | undefined;
  /** Assets and kinds that must not be traded, see `pauseOf`. */
  paused: ReadonlySet<string>;
}

export interface GuildRow {
  id: GuildId;
  name: string;
  tag: string;
  motd: string;
  version: number;
  logged: number;
  /** When the transaction began, by the database's clock, in Unix milliseconds: what its log lines say. */
  now: number;
  memberCount: number;
  /** Those that were asked for. */
  members: readonly GuildMemberRow[];
  /** What members took out today, by asset; items under the empty name. */
  taken: ReadonlyMap<PlayerId, Readonly<Record<string, number>>>;
  bankItems: number;
  bankIsEmpty: boolean;
}

export interface GuildPlayerRow {
  name: string;
  guildId: GuildId | null;
  /** Of the session that may write. */
  epoch: number;
  /** By support: nothing goes out of the account, or into it. */
  frozen: boolean;
  /** Guilds that invite the player, of those that matter here. */
  isInvited: boolean;
}

/** A line before it has its number and its time. */
export type GuildLogLine = Omit<GuildLogEntry, 'seq' | 'at'>;

/** What a flush does. Nothing at all if `commands` and `plain` are empty. */
export interface GuildDecision {
  postings: readonly Posting[];
  /** Of the actions that move value; written with its transaction. */
  commands: readonly CommandRecord[];
  /** Of the others. */
  plain: readonly { actor: PlayerId; id: CommandId; hash: Buffer; answer: unknown }[];
  /** Absent if members would see no change. */
  change?: GuildChange;
}

export interface GuildChange {
  motd: string;
  disbanded: boolean;
  members: { set: readonly { playerId: PlayerId; rank: GuildRank }[]; removed: readonly PlayerId[] };
  /** Whose only membership it becomes, or stops being. */
  joined: readonly PlayerId[];
  left: readonly PlayerId[];
  invited: readonly { playerId: PlayerId; inviter: PlayerId }[];
  /** Invitations that were accepted. */
  accepted: readonly PlayerId[];
  taken: readonly { playerId: PlayerId; taken: Readonly<Record<string, number>> }[];
  log: readonly GuildLogLine[];
}
