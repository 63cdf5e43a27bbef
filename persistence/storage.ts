import type { ItemId, LeaseId } from '../schema/ids.ts';
import type { ShardState } from '../schema/messages/ops.ts';
import { auditShards, type AuditReport } from './audit.ts';
import { closeShards, joinShard } from './cluster.ts';
import { commandReader, type CommandReader } from './commands.ts';
import type { ReachFaultPoint } from './fault-points.ts';
import { guildStore, type GuildStore } from './guilds/guild-store.ts';
import { holdingsReader, type HoldingsReader } from './holdings-reader.ts';
import { fenceLease, isFenced, Lease } from './lease.ts';
import { readItemHistory, type ItemHistory } from './item-history.ts';
import { judger, type Judge } from './judge.ts';
import type { Movement } from './movement.ts';
import { playerStore, type PlayerStore } from './players.ts';
import { collectDecisions, IN_DOUBT_AFTER_MS, listInDoubt, resolveInDoubt, type InDoubt, type Resolution } from './resolver.ts';
import { routedReader } from './routed-read.ts';
import { everywhereTransactor, routedTransactor } from './routed-transact.ts';
import { keysOf, settler, type Settle } from './settle.ts';
import { scoreScan, type ScoreScan } from './scores/score-scan.ts';
import { scoreStore, type ScoreStore } from './scores/score-store.ts';
import { seasonStore, type SeasonStore } from './scores/season-store.ts';
import type { Shard } from './shard.ts';
import { SlotMap } from './slot-map.ts';
import { auditRuns, type AuditRuns } from './support/audit-runs.ts';
import { personStore, type PersonStore } from './support/person-store.ts';
import { shardStates } from './support/shard-states.ts';
import { supportStore, type SupportStore } from './support/support-store.ts';
import { transactor } from './transact.ts';

export interface StorageOptions {
  reach: ReachFaultPoint;
  /** Whether movements may be sent off before their locks are had, in which no `locked` is reached. */
  foresees?: boolean;
  onUnfinished: (error: unknown) => void;
  onLostRace?: () => void;
}

/** Storage over all shards, routed by key: nothing above it knows how many there are. */
export interface Storage {
  shardCount: number;
  holdings: HoldingsReader;
  players: PlayerStore;
  guilds: GuildStore;
  scores: ScoreStore;
  seasons: SeasonStore;
  scoreScan: ScoreScan;
  commands: CommandReader;
  support: SupportStore;
  persons: PersonStore;
  auditRuns: AuditRuns;
  /** By what this process writes. */
  lease: Lease;
  /** Takes a dead process's lease on every shard. @returns false when a shard did not answer: ask again */
  fence(lease: LeaseId): Promise<boolean>;
  /** @throws when no shard answers */
  isFenced(lease: LeaseId): Promise<boolean>;
  settle: Settle;
  judge: Judge;
  /** Movements of one lane commit together at no extra cost: those of one shard, or those that cross. */
  laneOf(movement: Movement): string;
  itemHistory(itemId: ItemId): Promise<ItemHistory | undefined>;
  audit(): Promise<AuditReport>;
  /** Of each shard what it says within a second; one that is away is not up. */
  shardStates(): Promise<ShardState[]>;
  resolveInDoubt(): Promise<Resolution[]>;
  /** What is prepared for longer, oldest first, and how many shards did not say. */
  listInDoubt(ageMs: number): Promise<{ open: InDoubt[]; silent: number }>;
  collectDecisions(): Promise<void>;
  /** Answers when every shard answers and has all migrations. @throws when one does not */
  ready(): Promise<void>;
  close(): Promise<void>;
}

/** @param shards a new shard that the map names is added to them */
export async function openStorage(shards: Shard[], { reach, foresees, onUnfinished, onLostRace }: StorageOptions): Promise<Storage> {
  const map = await SlotMap.open({ shards, join: (shard) => joinShard(shards, shard) });
  const lease = new Lease();
  const transactOn = transactor({ shards, reach, lease, onUnfinished, onLostRace });
  const transact = routedTransactor(map, transactOn);
  const read = routedReader(map, shards);
  const onUnreachable = (error: unknown): undefined => void onUnfinished(error);
  return {
    get shardCount() {
      return shards.length;
    },
    holdings: holdingsReader(read),
    players: playerStore(transact, read, (key) => map.view.shardOf(key)),
    guilds: guildStore(transact, read),
    scores: scoreStore(transact, read, (key) => map.view.shardOf(key), reach),
    seasons: seasonStore(shards, map, transact),
    scoreScan: scoreScan(shards, map),
    commands: commandReader(read),
    persons: personStore(shards, transact, read),
    auditRuns: auditRuns(shards),
    support: supportStore({ shards, map, transact, everywhere: everywhereTransactor(map, transactOn, shards), read }),
    lease,
    fence: (dead) => fenceLease(shards, dead),
    isFenced: (asked) => isFenced(shards, asked),
    settle: settler({ transact, reach, foresees }),
    judge: judger(shards, map),
    laneOf: (movement) => {
      const [home, ...others] = keysOf(movement).map(map.view.shardOf);
      return others.every((shard) => shard === home) ? String(home) : 'crossing';
    },
    async itemHistory(itemId) {
      await map.keepUp();
      return await readItemHistory(shards, itemId);
    },
    async audit() {
      await map.keepUp();
      return await auditShards(shards);
    },
    shardStates: () => shardStates(shards),
    async resolveInDoubt() {
      const resolved = await resolveInDoubt(shards, IN_DOUBT_AFTER_MS, onUnreachable);
      // Afterwards: a flip that is half done is ended by this very work. A shard that was added has its in doubt too.
      await map.keepUp().catch(onUnreachable);
      return resolved;
    },
    listInDoubt: (ageMs) => listInDoubt(shards, ageMs),
    collectDecisions: () => collectDecisions(shards),
    async ready() {
      const pending = await Promise.all(shards.map((shard) => shard.pendingMigrations()));
      const behind = pending.findIndex((count) => count > 0);
      if (behind >= 0) throw new Error(`shard ${behind} has migrations to run`);
    },
    close: () => closeShards(shards),
  };
}
