import { closeShards, ClusterError, databaseOf, mapsOf, migrateShards, openShards } from '../cluster.ts';
import type { ReachFaultPoint } from '../fault-points.ts';
import { resolveInDoubt } from '../resolver.ts';
import { mergeMaps } from '../slot-map.ts';
import { SLOT_COUNT } from '../slots.ts';
import { transactor } from '../transact.ts';
import { addShard } from './add-shard.ts';
import { joinAdded } from './added-shards.ts';
import { slotMover, type MoveProgress, type MoveReport, type SlotMove } from './move.ts';
import { planRebalance } from './plan.ts';
import { weighMoves, type Route } from './routes.ts';
import { shardStatus, type ShardStatus } from './status.ts';
import { verifyShards } from './verify.ts';

/** On the first shard the lock, a copy's two ends, the flip, and a look at the map. The operations manual counts with it. */
const CONNECTIONS_PER_SHARD = 5;

export interface Plan {
  moves: readonly SlotMove[];
  routes: readonly Route[];
}

/** The shards as one who adds, moves and drains them sees them, beside whatever processes serve players meanwhile. */
export interface Resharding {
  readonly shardCount: number;
  /** Why a shard whose address is known takes no part; nothing if all do. */
  readonly leftOut: string | undefined;
  /** @returns the new shard's number and its database */
  add(url: string): Promise<{ shard: number; database: string }>;
  status(): Promise<ShardStatus[]>;
  /** One line for each problem. */
  verify(): Promise<string[]>;
  /** @throws {ClusterError} when there is no such shard or slot */
  planMove(slots: readonly number[], target: number): Promise<Plan>;
  /** Evenly over the first so many shards. @throws {ClusterError} when there are fewer */
  planRebalance(over: number): Promise<Plan>;
  /** Ends what an interrupted move left. @returns how many slots */
  finish(onProgress?: (progress: MoveProgress) => void): Promise<number>;
  move(plan: Plan, onProgress?: (progress: MoveProgress) => void): Promise<MoveReport>;
  close(): Promise<void>;
}

/** @throws {ClusterError} as at the start of a server; shards that were added need not be listed */
export async function openResharding(urls: readonly string[], reach: ReachFaultPoint): Promise<Resharding> {
  const shards = await openShards(urls, CONNECTIONS_PER_SHARD);
  try {
    const leftOut = await joinAdded(shards);
    await migrateShards(shards);
    // A participant that could not be told is told by the resolver of whatever process runs one.
    const mover = slotMover({ shards, transactOn: transactor({ shards, reach, onUnfinished: () => undefined }), reach });

    const plan = async (of: (owners: Int16Array) => SlotMove[]): Promise<Plan> => {
      const { owners } = mergeMaps(await mapsOf(shards));
      const lost = owners.indexOf(-1);
      if (lost >= 0) throw new ClusterError(`no shard holds slot ${lost}; see: npm run shards -- verify`);
      const moves = of(owners);
      return { moves, routes: await weighMoves(shards, owners, moves) };
    };
    return {
      get shardCount() {
        return shards.length;
      },
      leftOut,
      async add(url) {
        const { index, url: added } = await addShard(shards, url);
        return { shard: index, database: databaseOf(added) };
      },
      status: () => shardStatus(shards),
      verify: () => verifyShards(shards),
      async planMove(slots, target) {
        if (shards[target] === undefined) throw new ClusterError(`there is no shard ${target}; there are ${namesOf(shards.length)}`);
        const beyond = slots.find((slot) => !Number.isInteger(slot) || slot < 0 || slot >= SLOT_COUNT);
        if (beyond !== undefined) throw new ClusterError(`there is no slot ${beyond}; there are 0 to ${SLOT_COUNT - 1}`);
        const wanted = [...new Set(slots)].toSorted((a, b) => a - b);
        return await plan((owners) => wanted.filter((slot) => owners[slot] !== target).map((slot) => ({ slot, target })));
      },
      async planRebalance(over) {
        if (over < 1 || over > shards.length) throw new ClusterError(`slots cannot be spread over ${over} shards; there are ${namesOf(shards.length)}`);
        return await plan((owners) => planRebalance(owners, Array.from({ length: over }, (_, shard) => shard)));
      },
      async finish(onProgress) {
        await resolveInDoubt(shards);
        return await mover.finish(onProgress);
      },
      move: async ({ moves }, onProgress) => await mover.move(moves, onProgress),
      close: () => closeShards(shards),
    };
  } catch (error) {
    await closeShards(shards);
    throw error;
  }
}

const namesOf = (count: number) => (count === 1 ? 'only shard 0' : `shards 0 to ${count - 1}`);
