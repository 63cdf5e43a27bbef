import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { PlayerId } from '../../schema/ids.ts';
import { populate } from '../../loadtest/bench/kit/economy.ts';
import { seededRandom } from '../../loadtest/bench/kit/holdings.ts';
import { shardOfSlot, slotOf } from '../../persistence/slots.ts';
import { Books } from './books.ts';
import { Crew } from './crew.ts';
import { SimDatabase } from './database.ts';
import { settled, withinTime } from './simulator.ts';
import { judge } from './verdict.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const GOLD = 100_000;
/** For the workers to start, and to finish what they are at. */
const AROUND_MAX_MS = 40_000;

export interface RingRunOptions {
  seconds: number;
  /** It goes on beyond its seconds until so many trades were asked for, however slow the machine. Default 1. */
  tradesMin?: number;
  seed: number;
  /** Of three players each, on three shards. */
  rings: number;
  /** Trades under way at a time, per worker. */
  inFlight: number;
  shards: number;
  workers: number;
  /** Of the first worker, sources other than ours, see mutant.ts. */
  root?: string;
}

export interface RingRun {
  trades: number;
  acknowledged: number;
  tookMs: number;
  /** Shards that a ring has a player on. */
  shardsUsed: number;
  /** What does not hold. */
  violations: string[];
}

/**
 * Rings A to B to C to A, and the same the other way round, by several processes at full speed and with nothing broken:
 * nobody waits for a lock until it is given up, nobody meets a deadlock, and what was acknowledged is there. [LD2]
 */
export async function runRings({ seconds, tradesMin = 1, seed, rings, inFlight, shards, workers, root = ROOT }: RingRunOptions): Promise<RingRun> {
  const database = await SimDatabase.open(shards);
  try {
    const random = seededRandom(seed);
    const placeOf = (player: PlayerId) => shardOfSlot(slotOf(player), shards);
    const players = dealRings(await populate(database, { players: rings * 3 * 2, itemsEach: 1, random, fungibles: { gold: GOLD } }), rings, placeOf);
    const books = new Books();
    const crew = new Crew({ roots: [root, ...Array.from({ length: workers - 1 }, () => ROOT)], orders: { urls: database.urls, players, inFlight, inRings: true }, random, take: (report) => books.take(report) });
    let tookMs = 0;
    const late = await withinTime(seconds * 1_000 + AROUND_MAX_MS, crew.brokenDown, async () => {
      await books.reached(1);
      const began = performance.now();
      await Promise.all([delay(seconds * 1_000), books.reached(tradesMin)]);
      await crew.finish();
      tookMs = performance.now() - began;
    }).finally(() => crew.close());
    const [{ violations: open }, verdict] = [await settled(database), await judge(books, { shards: database.shards, players, placeOf })];
    const unexpected = [...books.refusals].filter(([code]) => code !== 'INSUFFICIENT').map(([code, count]) => `${count} × refused with ${code}`);
    return {
      trades: books.trades.size,
      acknowledged: books.acknowledged,
      tookMs,
      shardsUsed: new Set(players.map(placeOf)).size,
      violations: [
        ...late, ...crew.crashes.map((stderr) => `a worker ended by itself: ${stderr}`),
        ...(await lostRaces(database)), ...unexpected, ...(books.unknown > 0 ? [`${books.unknown} × no answer`] : []), ...open, ...verdict.violations,
      ],
    };
  } finally {
    await database.close();
  }
}

/** In threes, each on three shards: always on those that were used least, so that all are. */
function dealRings(players: readonly PlayerId[], rings: number, placeOf: (player: PlayerId) => number): PlayerId[] {
  const byShard = [...Map.groupBy(players, placeOf).values()].map((left) => ({ left, used: 0 }));
  const deal = () => {
    const shards = byShard.filter(({ left }) => left.length > 0).toSorted((a, b) => a.used - b.used || b.left.length - a.left.length).slice(0, 3);
    return shards.flatMap((shard) => {
      shard.used++;
      return shard.left.pop() ?? [];
    });
  };
  return Array.from({ length: rings }, deal).flat();
}

/** What PostgreSQL says of locks that were not had in time, and of deadlocks, whoever got over them. */
async function lostRaces({ hosts }: SimDatabase): Promise<string[]> {
  const [host] = hosts;
  const { timeouts, deadlocks } = host?.lostRaces() ?? { timeouts: Number.NaN, deadlocks: Number.NaN };
  const counted = Number((await host?.query<{ count: string }>('select sum(deadlocks) as count from pg_stat_database'))?.[0]?.count);
  return timeouts + deadlocks + counted === 0 ? [] : [`lost races: ${timeouts} waits for a lock given up, ${deadlocks} deadlocks in the log, ${counted} counted`];
}
