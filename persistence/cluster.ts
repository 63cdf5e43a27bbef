import { Cluster } from './entities/cluster.ts';
import { newId } from './new-id.ts';
import { Shard } from './shard.ts';

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
  const opened = await Promise.allSettled(urls.map((url, index) => open(index, url, poolMax)));
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

export async function closeShards(shards: readonly Shard[]): Promise<void> {
  await Promise.all(shards.map((shard) => shard.close()));
}

/** Brings every shard's tables up to date, one process at a time, and stamps the shard with its place. */
export async function migrateShards(shards: readonly Shard[]): Promise<void> {
  await Promise.all(shards.map((shard) => alone(shard, () => shard.migrate())));
  const [first] = shards;
  if (first) await alone(first, () => stampCluster(shards));
}

async function open(index: number, url: string, poolMax: number): Promise<Shard> {
  const place = `shard ${index} (${new URL(url).host || 'unix socket'}${new URL(url).pathname})`;
  let shard: Shard;
  try {
    shard = await Shard.open({ index, url, poolMax });
  } catch (error) {
    const reason = String((error as Error).message).split('\n')[0];
    throw new ClusterError(`SHARD_URLS: ${place} cannot be reached: ${reason}; start that PostgreSQL or correct the URL`);
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
  throw new ClusterError(`SHARD_URLS: ${wrong}`);
}

async function refuseTwins(shards: readonly Shard[]): Promise<void> {
  const seen = new Map<string, number>();
  for (const shard of shards) {
    const { rows } = await shard.pool.query<{ key: string }>(
      `select system_identifier || '/' || (select oid from pg_database where datname = current_database()) as key from pg_control_system()`,
    );
    const key = rows[0]?.key ?? '';
    const twin = seen.get(key);
    if (twin !== undefined) throw new ClusterError(`SHARD_URLS: shards ${twin} and ${shard.index} are one database; name each database once`);
    seen.set(key, shard.index);
  }
}

/** Two processes that migrate or stamp at once race; a waiter finds nothing left to do. No statement or lock timeout here. */
async function alone(shard: Shard, work: () => Promise<void>): Promise<void> {
  const client = await shard.pool.connect();
  try {
    await client.query(`set lock_timeout = 0; set statement_timeout = 0; select pg_advisory_lock(${MIGRATION_LOCK})`);
    await work();
    await client.query(`select pg_advisory_unlock(${MIGRATION_LOCK})`);
  } finally {
    client.release(true);
  }
}

async function stampCluster(shards: readonly Shard[]): Promise<void> {
  const ems = shards.map((shard) => shard.em());
  const stamps = await Promise.all(ems.map((em) => em.findOne(Cluster, { id: { $ne: null } })));
  const id = stamps.find((stamp) => stamp !== null)?.id ?? newId();
  for (const [index, stamp] of stamps.entries()) {
    if (stamp === null) {
      await shards[index]?.pool.query('insert into cluster (id, shard, shard_count) select $1, $2, $3 where not exists (select 1 from cluster)', [id, index, shards.length]);
    } else if (stamp.id !== id) {
      throw new ClusterError(`SHARD_URLS: shard ${index} belongs to another cluster; name only the databases of one`);
    } else if (stamp.shard !== index || stamp.shardCount !== shards.length) {
      throw new ClusterError(
        `SHARD_URLS: place ${index} of ${shards.length} holds shard ${stamp.shard} of ${stamp.shardCount}; name the same databases in the same order as before`,
      );
    }
  }
}
