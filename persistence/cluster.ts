import type { PoolClient } from 'pg';
import { Cluster } from './entities/cluster.ts';
import { newId } from './new-id.ts';
import { Shard, type ShardOptions } from './shard.ts';
import { mergeMaps, readShardMap, type ShardMap } from './slot-map.ts';
import { shardOfSlot } from './slots.ts';

const SERVER_VERSION_MIN = 15;
const PREPARED_TRANSACTIONS_MIN = 16;
/** Any number, the same in every process: holds while one of them migrates. */
const MIGRATION_LOCK = 7_203_451;

/** Why the databases cannot be used, in one line that says what to do. */
export class ClusterError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ClusterError';
  }
}

/**
 * Connects to every shard and refuses what could lose value: an old server, no two-phase commit, one database named
 * twice, databases of another cluster or in another order. [SH2]
 * @throws {ClusterError} one line that names the shard and says what to do
 */
export async function openShards(urls: readonly string[], poolMax: number): Promise<Shard[]> {
  const opened = await Promise.allSettled(urls.map((url, index) => openShard({ index, url, poolMax }, 'SHARD_URLS: ')));
  const shards = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  try {
    for (const result of opened) if (result.status === 'rejected') throw result.reason;
    await refuseTwins(shards);
    return shards;
  } catch (error) {
    await closeShards(shards);
    throw error;
  }
}

/**
 * Connects to a shard that was added while this process ran, and to those before it: every shard knows where they are.
 * @throws {ClusterError} when it is not where it was
 */
export async function joinShard(shards: Shard[], index: number): Promise<void> {
  const [first] = shards;
  if (first === undefined || index < shards.length) return;
  const addresses = await addressesOn(first);
  // A place for each: a slot may come to the second of two new shards before one comes to the first.
  while (shards.length <= index) {
    const next = shards.length;
    const url = addresses.get(next);
    if (url === undefined) throw new ClusterError(`SHARD_URLS: the slot map names shard ${index}, and the address of shard ${next} is not known; name it and start again`);
    const joined = await openShard({ index: next, url, poolMax: first.poolMax }, 'SHARD_URLS: ');
    // Whoever was faster has joined it already.
    if (shards.length === next) shards.push(joined);
    else await joined.close();
  }
}

/** Where the shards are that were added while processes ran. */
export async function addressesOn(shard: Shard): Promise<Map<number, string>> {
  const { rows } = await shard.pool.query<{ shard: number; url: string }>('select shard, url from shard_url');
  return new Map(rows.map(({ shard, url }) => [shard, url]));
}

export async function closeShards(shards: readonly Shard[]): Promise<void> {
  await Promise.all(shards.map((shard) => shard.close()));
}

/** Brings every shard's tables up to date, one process at a time, and stamps the shard with its place. */
export async function migrateShards(shards: readonly Shard[]): Promise<void> {
  await Promise.all(
    shards.map(async (shard) => {
      if ((await shard.pendingMigrations()) > 0) await alone(shard, () => shard.migrate());
    }),
  );
  const [first] = shards;
  if (first) await alone(first, () => stampCluster(shards));
}

/** Which database a URL names, without who opens it. */
export function databaseOf(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host || 'unix socket'}${pathname}`;
}

/** @throws {ClusterError} whose line begins with `setting`: where the URL came from */
export async function openShard(options: ShardOptions, setting: string): Promise<Shard> {
  const place = `shard ${options.index} (${databaseOf(options.url)})`;
  let shard: Shard;
  try {
    shard = await Shard.open(options);
  } catch (error) {
    const reason = String((error as Error).message).split('\n')[0];
    throw new ClusterError(`${setting}${place} cannot be reached: ${reason}; start that PostgreSQL or correct the URL`);
  }
  const { rows } = await shard.pool.query<{ version: number; prepared: number }>(
    `select current_setting('server_version_num')::int / 10000 as version, current_setting('max_prepared_transactions')::int as prepared`,
  );
  const { version = 0, prepared = 0 } = rows[0] ?? {};
  const wrong =
    version < SERVER_VERSION_MIN
      ? `${place} runs PostgreSQL ${version}; version ${SERVER_VERSION_MIN} or later is needed`
      : prepared < PREPARED_TRANSACTIONS_MIN
        ? `${place} has max_prepared_transactions = ${prepared}; set it to ${PREPARED_TRANSACTIONS_MIN} or more in postgresql.conf and restart that server`
        : undefined;
  if (wrong === undefined) return shard;
  await shard.close();
  throw new ClusterError(`${setting}${wrong}`);
}

/** What tells one database from every other, under whatever name it is reached. */
export async function identityOf({ pool }: Shard): Promise<string> {
  const { rows } = await pool.query<{ key: string }>(
    `select system_identifier || '/' || (select oid from pg_database where datname = current_database()) as key from pg_control_system()`,
  );
  return rows[0]?.key ?? '';
}

async function refuseTwins(shards: readonly Shard[]): Promise<void> {
  const seen = new Map<string, number>();
  for (const shard of shards) {
    const key = await identityOf(shard);
    const twin = seen.get(key);
    if (twin !== undefined) throw new ClusterError(`SHARD_URLS: shards ${twin} and ${shard.index} are one database; name each database once`);
    seen.set(key, shard.index);
  }
}

/** Two processes that migrate or stamp at once race; a waiter finds nothing left to do. No statement or lock timeout here. */
export async function alone<Result>(shard: Shard, work: (session: PoolClient) => Promise<Result>): Promise<Result> {
  const client = await shard.pool.connect();
  let isClean = false;
  try {
    await client.query(`set lock_timeout = 0; set statement_timeout = 0; select pg_advisory_lock(${MIGRATION_LOCK})`);
    const result = await work(client);
    await client.query(`select pg_advisory_unlock(${MIGRATION_LOCK}); reset lock_timeout; reset statement_timeout`);
    isClean = true;
    return result;
  } finally {
    client.release(!isClean);
  }
}

/** Gives a new cluster its identity and its map; refuses databases that are not the ones of an old one, in its order. [SH2] */
async function stampCluster(shards: readonly Shard[]): Promise<void> {
  const stamps = await Promise.all(shards.map((shard) => shard.em().findOne(Cluster, { id: { $ne: null } })));
  const id = stamps.find((stamp) => stamp !== null)?.id ?? newId();
  for (const [index, stamp] of stamps.entries()) {
    if (stamp === null) {
      // The first is stamped last: once it is, all that were named with it were.
      if (stamps[0]) throw new ClusterError(`SHARD_URLS: shard ${index} is a database that this cluster does not know; name the one that was there, or add it with: npm run shards -- add <url>`);
    } else if (stamp.id !== id) {
      throw new ClusterError(`SHARD_URLS: shard ${index} belongs to another cluster; name only the databases of one`);
    } else if (stamp.shard !== index) {
      throw new ClusterError(`SHARD_URLS: place ${index} holds shard ${stamp.shard}; name the same databases in the same order as before`);
    }
  }
  await refuseMissing(shards);
  for (const shard of shards.toReversed()) {
    if (stamps[shard.index]) continue;
    await shard.pool.query('insert into cluster (id, shard) select $1, $2 where not exists (select 1 from cluster)', [id, shard.index]);
  }
  await giveMaps(shards);
}

/** @throws {ClusterError} when the map names a shard that the settings do not */
async function refuseMissing(shards: readonly Shard[]): Promise<void> {
  const { owners } = mergeMaps(await mapsOf(shards));
  const missing = Math.max(...owners);
  if (missing < shards.length) return;
  const addresses = await addressesOn(shards[0] as Shard);
  const unlisted = Array.from({ length: missing + 1 - shards.length }, (_, at) => shards.length + at);
  const added = unlisted.flatMap((index) => (addresses.has(index) ? [`shard ${index} (${databaseOf(addresses.get(index) as string)})`] : []));
  const remedy = added.length < unlisted.length ? 'name all of them, in the same order as before' : `name also, behind them and in this order: ${added.join(', ')}`;
  throw new ClusterError(`SHARD_URLS: the slot map names shard ${missing}, and only ${shards.length} are listed; ${remedy}`);
}

export async function mapsOf(shards: readonly Shard[]): Promise<ShardMap[]> {
  return (await Promise.all(shards.map(readShardMap))).filter((map) => map !== undefined);
}

/** Every shard that has no map yet is given one: the others', or that of a new cluster. */
async function giveMaps(shards: readonly Shard[]): Promise<void> {
  const maps = await mapsOf(shards);
  const { owners, epochs } = mergeMaps(maps);
  for (const slot of owners.keys()) {
    if ((owners[slot] ?? -1) >= 0) continue;
    owners[slot] = shardOfSlot(slot, shards.length);
    epochs[slot] = 1;
  }
  const known = new Set(maps.map(({ shard }) => shard));
  for (const shard of shards) if (!known.has(shard.index)) await giveMap(shard, owners, epochs);
}

/** In one statement, so that a shard has all of the map or none; of a slot that it knows, it keeps what is newer. */
export async function giveMap({ pool }: Shard, owners: Int16Array, epochs: Float64Array): Promise<void> {
  await pool.query(
    `with given as (insert into slot (slot, shard, epoch) select * from unnest($1::int[], $2::int[], $3::bigint[])
       on conflict (slot) do update set shard = excluded.shard, epoch = excluded.epoch where slot.epoch < excluded.epoch)
     insert into slot_map (version) values ($4) on conflict do nothing`,
    [[...owners.keys()], [...owners], [...epochs], Math.max(...epochs)],
  );
}
