import { z } from 'zod';
import type { GuildInvitation, GuildRank } from '../guild.ts';
import type { PlayerRecord } from '../holdings.ts';
import { CommandId, type GuildId, type HolderId, type ItemId, type PlayerId, type TransactionId } from '../ids.ts';
import { AssetName } from '../quantities.ts';

/** Why support did something, for whoever asks later. */
export const Reason = z.string().trim().min(3).max(500);

export const Freeze = z.strictObject({ commandId: CommandId, frozen: z.boolean(), reason: Reason });
export type Freeze = z.output<typeof Freeze>;

/** One asset or kind of item, or everything. */
export const SetPause = z.strictObject({ commandId: CommandId, asset: AssetName.or(z.literal('*')), paused: z.boolean(), reason: Reason });
export type SetPause = z.output<typeof SetPause>;

export const Reverse = z.strictObject({ reason: Reason });
export type Reverse = z.output<typeof Reverse>;

export const Erase = z.strictObject({ reason: Reason.default('the person asked for it') });

export const SEARCH_MAX = 50;
export const FindPlayers = z.object({ q: z.string().trim().min(1).max(64) });

/** `before`: an instant, in Unix milliseconds. */
export const ListEntries = z.object({ before: z.coerce.number().int().positive().optional(), limit: z.coerce.number().int().min(1).max(200).default(50) });

export const ReadSeries = z.object({ minutes: z.coerce.number().int().min(1).max(60).default(60) });

export type SupportAction = 'freeze' | 'unfreeze' | 'pause' | 'resume' | 'reverse' | 'erase';

/** One line of what support did: written in the transaction that did it, and never changed. */
export interface SupportEntry {
  id: CommandId;
  /** Unix milliseconds, by the database's clock. */
  at: number;
  action: SupportAction;
  /** A player, an asset or `*`, or a trade's transaction. */
  target: string;
  reason: string;
}

export interface FoundPlayer {
  id: PlayerId;
  name: string;
  region: string;
  level: number;
  guildId: GuildId | null;
  frozen: boolean;
}

/** A movement of value that a player asked for. */
export interface PlayerDeed {
  transactionId: TransactionId;
  reason: string;
  at: number;
}

export interface PlayerFile {
  player: PlayerRecord;
  frozen: boolean;
  /** Whether it signs in with an e-mail. */
  hasLogin: boolean;
  createdAt: number;
  session: { epoch: number; processId: string; roomId: string; takenAt: number } | null;
  /** The newest first. */
  deeds: PlayerDeed[];
}

export interface LedgerPosting {
  seq: number;
  giver: HolderId | null;
  receiver: HolderId | null;
  /** Of a fungible one. */
  asset: string | null;
  quantity: number;
  /** Of a unique item, with the version that the posting made. */
  item: ItemId | null;
  itemVersion: number | null;
  kind: string | null;
}

/** Why a trade cannot be reversed: an item is not where it left it, or the receiver has less than it got. */
export type Obstacle =
  | { code: 'NOT_OWNER'; item: ItemId; kind: string | null; holder: HolderId | null; version: number | null }
  | { code: 'ITEM_BOUND'; item: ItemId; kind: string | null; holder: HolderId }
  | { code: 'INSUFFICIENT'; asset: string; holder: HolderId; held: number; needed: number };

export interface TradeFile {
  transactionId: TransactionId;
  reason: string;
  at: number;
  postings: LedgerPosting[];
  /** What players are called, by id. */
  names: Record<string, string>;
  obstacles: Obstacle[];
  /** The entry of its reversal. */
  reversed: SupportEntry | null;
}

/** Who had an item, from its making on. */
export interface ItemFile {
  itemId: ItemId;
  /** null once it is destroyed. */
  holder: HolderId | null;
  entries: { transactionId: TransactionId; reason: string; at: number; giver: HolderId | null; receiver: HolderId | null }[];
  /** What players are called, by id. */
  names: Record<string, string>;
}

/** The log of what support did, the newest first. */
export interface EntriesAnswer {
  entries: SupportEntry[];
  /** What the players among the targets are called, by id. */
  names: Record<string, string>;
}

export interface ReverseAnswer {
  transactionId: TransactionId;
  entry: SupportEntry;
}

export interface Pause {
  asset: string;
  since: number;
  reason: string;
}

export interface AuditState {
  startedAt: number;
  endedAt: number | null;
  violations: number | null;
  problems: string[];
}

/** What one process says of itself, every few seconds. */
export interface ProcessSample {
  processId: string;
  instance: number;
  pid: number;
  startedAt: number;
  at: number;
  /** Sockets, and player sessions. */
  clients: number;
  sessions: number;
  rooms: Record<string, number>;
  /** Movements that wait for a commit. */
  queue: number;
  loopDelayP99Ms: number;
  rssBytes: number;
  /** Share of one core, since the sample before. */
  cpu: number;
  redisUp: boolean;
  inDoubt: number;
  /** Milliseconds that the oldest score waits for its sorted set. */
  boardLagMs: number;
  cachedInventories: number;
  /** Since the process began: of trades by outcome, refusals by code, movements, commits, reads of the cache. */
  totals: {
    trades: Record<string, number>;
    refusals: Record<string, number>;
    movements: number;
    commits: number;
    queueWaitSeconds: number;
    commitSeconds: number;
    cacheHits: number;
    cacheReads: number;
  };
}

/** A line of the log at level error or above. */
export interface Fault {
  at: number;
  level: 'error' | 'fatal';
  message: string;
}

export interface ShardState {
  shard: number;
  up: boolean;
  slots: number;
  players: number;
  bytes: number;
  connections: number;
  inDoubt: number;
}

export interface OpsState {
  at: number;
  /** The last that each process said within half a minute, by their numbers. */
  processes: ProcessSample[];
  /** The newest first. */
  faults: Fault[];
  shards: ShardState[];
  redis: 'none' | 'up' | 'away';
  pauses: Pause[];
  audit: AuditState | null;
  assets: { name: string; title: string; type: 'fungible' | 'unique' }[];
}

/** What there was at each of `times`, over all processes; null where none said. Rates are per second since the time before. */
export interface OpsSeries {
  times: number[];
  players: (number | null)[];
  tradesPerSecond: (number | null)[];
  refusalsPerSecond: (number | null)[];
  batchSize: (number | null)[];
  queueWaitMs: (number | null)[];
  commitMs: (number | null)[];
  inDoubt: (number | null)[];
  boardLagMs: (number | null)[];
  /** The worst process, and each by its number. */
  loopDelayMs: Record<string, (number | null)[]>;
}

/** Everything that is kept of a player. */
export interface PlayerExport {
  exportedAt: number;
  player: PlayerRecord;
  login: string | null;
  createdAt: number;
  frozen: boolean;
  session: PlayerFile['session'];
  guild: { id: GuildId; name: string; rank: GuildRank; joinedAt: number } | null;
  invitations: GuildInvitation[];
  scores: { board: string; season: number; region: string; value: number; rank: number | null }[];
  ledger: (LedgerPosting & { transactionId: TransactionId; reason: string; at: number })[];
}

export interface EraseAnswer {
  playerId: PlayerId;
  erased: true;
}
