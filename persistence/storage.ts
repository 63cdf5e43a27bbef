import type { ItemId } from '../schema/ids.ts';
import { auditShards, type AuditReport } from './audit.ts';
import { closeShards } from './cluster.ts';
import { commandReader, type CommandReader } from './commands.ts';
import type { ReachFaultPoint } from './fault-points.ts';
import { holdingsReader, type HoldingsReader } from './holdings-reader.ts';
import { readItemHistory, type ItemHistory } from './item-history.ts';
import { judger, type Judge } from './judge.ts';
import type { Movement } from './movement.ts';
import { playerStore, type PlayerStore } from './players.ts';
import { collectDecisions, countInDoubt, IN_DOUBT_AFTER_MS, resolveInDoubt, type Resolution } from './resolver.ts';
import { settler, shardsOf, type Settle } from './settle.ts';
import type { Shard } from './shard.ts';
import { shardOfSlot, slotOf } from './slots.ts';
import { transactor } from './transact.ts';

const REMEMBERED_KEYS_MAX = 100_000;

export interface StorageOptions {
  reach: ReachFaultPoint;
  onUnfinished: (error: unknown) => void;
  onLostRace?: () => void;
}

/** Storage over all shards, routed by key: nothing above it knows how many there are. */
export interface Storage {
  shardCount: number;
  holdings: HoldingsReader;
  players: PlayerStore;
  commands: CommandReader;
  settle: Settle;
  judge: Judge;
  /** Movements of one lane commit together at no extra cost: those of one shard, or those that cross. */
  laneOf(movement: Movement): string;
  itemHistory(itemId: ItemId): Promise<ItemHistory | undefined>;
  audit(): Promise<AuditReport>;
  resolveInDoubt(): Promise<Resolution[]>;
  countInDoubt(ageMs: number): Promise<number>;
  collectDecisions(): Promise<void>;
  /** Answers when every shard answers and has all migrations. @throws when one does not */
  ready(): Promise<void>;
  close(): Promise<void>;
}

export function openStorage(shards: readonly Shard[], { reach, onUnfinished, onLostRace }: StorageOptions): Storage {
  const shardOf = rememberedShards(shards.length);
  const transact = transactor({ shards, reach, onUnfinished, onLostRace });
  const onUnreachable = (error: unknown): undefined => void onUnfinished(error);
  return {
    shardCount: shards.length,
    holdings: holdingsReader(shards, shardOf),
    players: playerStore(shards, shardOf, transact),
    commands: commandReader(shards, shardOf),
    settle: settler({ transact, shardOf, reach }),
    judge: judger(shards, shardOf),
    laneOf: (movement) => {
      const [home, ...others] = shardsOf(movement, shardOf);
      return others.length === 0 ? String(home) : 'crossing';
    },
    itemHistory: (itemId) => readItemHistory(shards, itemId),
    audit: () => auditShards(shards),
    resolveInDoubt: () => resolveInDoubt(shards, IN_DOUBT_AFTER_MS, onUnreachable),
    countInDoubt: (ageMs) => countInDoubt(shards, ageMs),
    collectDecisions: () => collectDecisions(shards),
    async ready() {
      const pending = await Promise.all(shards.map((shard) => shard.pendingMigrations()));
      const behind = pending.findIndex((count) => count > 0);
      if (behind >= 0) throw new Error(`shard ${behind} has migrations to run`);
    },
    close: () => closeShards(shards),
  };
}

/** A trade asks for the same few keys a dozen times, and a hash costs a microsecond. Bounded by forgetting all at once. */
function rememberedShards(shardCount: number): (key: string) => number {
  const remembered = new Map<string, number>();
  return (key) => {
    let shard = remembered.get(key);
    if (shard === undefined) {
      shard = shardOfSlot(slotOf(key), shardCount);
      if (remembered.size >= REMEMBERED_KEYS_MAX) remembered.clear();
      remembered.set(key, shard);
    }
    return shard;
  };
}
