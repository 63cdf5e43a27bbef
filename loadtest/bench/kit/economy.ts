import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { faultPoints, migrateShards, openShards, openStorage, SERVICE_ACTOR, startEmbeddedPostgres, type Movement, type Storage } from '../../../persistence/index.ts';
import { invariant } from '../../../schema/invariant.ts';
import type { Holdings } from '../../../schema/holdings.ts';
import type { CommandId, PlayerId } from '../../../schema/ids.ts';
import { keepHeapYoung } from '../../../server/young-heap.ts';
import { newHoldings, type Random } from './holdings.ts';
import { timeEach } from './measure.ts';

const SHARD_COUNT = 4;
/** Connections per shard: a server's default. */
const POOL_MAX = 10;
/** For what is measured against, and for whoever fills a database. */
const CONNECTIONS_BESIDE = 60;
const CONNECTIONS_MIN = 100;
/** Room for all databases that are measured in turn, or what one reads pushes out what the other does. */
const BUFFERS = '1GB';
const CREATIONS_IN_FLIGHT = 16;
const GRANTS_PER_BATCH = 25;

/** An embedded PostgreSQL with fsync on and four shards, as `npm start` has it, in a folder that goes with it. */
export interface Economy {
  /** Empty databases on the same server, for what is measured against. */
  spareUrls: readonly string[];
  /** The shards' databases, in their order. */
  urls: readonly string[];
  /** The server's own process, from which all others of it descend. */
  postgresPid: number;
  shards: Awaited<ReturnType<typeof openShards>>;
  storage: Storage;
  close(): Promise<void>;
}

export async function openEconomy(shardCount = SHARD_COUNT, spareCount = 1, settings: Record<string, string> = {}): Promise<Economy> {
  // As the server does.
  keepHeapYoung();
  const folder = mkdtempSync(path.join(realpathSync(tmpdir()), 'strongroom-bench-'));
  // A server that lost us is still ending there.
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  process.once('exit', remove);
  const named = (name: string, count: number) => Array.from({ length: count }, (_, index) => `${name}_${index}`);
  const postgres = await startEmbeddedPostgres({
    dir: folder,
    databases: [...named('bench', shardCount), ...named('spare', spareCount)],
    settings: { max_connections: Math.max(CONNECTIONS_MIN, shardCount * POOL_MAX + CONNECTIONS_BESIDE), shared_buffers: BUFFERS, ...settings },
  });
  const cluster = await openOn(postgres.urls.slice(0, shardCount));
  return {
    ...cluster,
    spareUrls: postgres.urls.slice(shardCount),
    postgresPid: postgres.pid,
    async close() {
      await cluster.close();
      await postgres.stop();
      process.off('exit', remove);
      remove();
    },
  };
}

/** Shards on databases of their own, which are there. */
export type Cluster = Pick<Economy, 'urls' | 'shards' | 'storage' | 'close'>;

/** Makes our tables on empty databases: on a spare one, what is measured against ours has the same. */
export async function openOn(urls: readonly string[]): Promise<Cluster> {
  const shards = await openShards([...urls], POOL_MAX);
  await migrateShards(shards);
  const storage = await openStorage(shards, { reach: faultPoints(undefined), onUnfinished: (error) => console.error(error) });
  return { urls, shards, storage, close: () => storage.close() };
}

/** Several at the same time, or none: starting one is waiting for the disk. */
export async function openAll(openings: readonly (() => Promise<Economy>)[]): Promise<Economy[]> {
  const opened = await Promise.allSettled(openings.map((open) => open()));
  const economies = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const failed = opened.find((result) => result.status === 'rejected');
  if (failed === undefined) return economies;
  await Promise.all(economies.map((economy) => economy.close()));
  throw failed.reason;
}

export interface Population {
  players: number;
  itemsEach: number;
  random: Random;
  /** Counts that everybody has, instead of any. */
  fungibles?: Record<string, number>;
}

/** Makes players with `itemsEach` items, by the one way in which value comes into being, and has PostgreSQL know its statistics. */
export async function populate({ shards, storage }: Pick<Economy, 'shards' | 'storage'>, { players, itemsEach, random, fungibles = {} }: Population): Promise<PlayerId[]> {
  const ids: PlayerId[] = [];
  await timeEach(Array.from({ length: players }, (_, index) => index), CREATIONS_IN_FLIGHT, async (index) => {
    ids.push(await storage.players.create({ name: `Bencher ${index}`, region: 'eu' }));
  });
  for (let at = 0; at < ids.length; at += GRANTS_PER_BATCH) {
    const outcomes = await storage.settle(ids.slice(at, at + GRANTS_PER_BATCH).map((receiver) => grant(receiver, newHoldings(random, itemsEach), fungibles)));
    invariant(outcomes.every(({ status }) => status === 'committed'), 'every grant is committed');
  }
  await Promise.all(shards.map((shard) => shard.pool.query('vacuum analyze')));
  return ids;
}

/** What they have now, by the databases. */
export async function goodsOf({ storage }: Pick<Economy, 'storage'>, players: readonly PlayerId[]): Promise<Map<PlayerId, Holdings>> {
  const found = await storage.holdings.holdings(players);
  return new Map(players.map((player) => [player, found.get(player) ?? { version: 0, fungibles: {}, items: [] }]));
}

function grant(receiver: PlayerId, { fungibles, items }: Holdings, instead: Record<string, number>): Movement {
  return {
    reason: 'grant',
    postings: [
      ...Object.entries({ ...fungibles, ...instead }).map(([asset, quantity]) => ({ asset, quantity, giver: null, receiver })),
      ...items.map(({ id, kind, attributes, bound }) => ({ item: id, kind, attributes, bound, receiver })),
    ],
    commands: [{ actor: SERVICE_ACTOR, id: randomUUID() as CommandId, hash: createHash('sha256').update(receiver).digest(), answer: () => ({}) }],
  };
}
