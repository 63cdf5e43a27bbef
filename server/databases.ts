import { setTimeout as delay } from 'node:timers/promises';
import { findEmbeddedPostgres, startEmbeddedPostgres, type EmbeddedPostgres } from '../persistence/index.ts';
import { ConfigError, type Config } from './config/index.ts';

/** The shards of a machine that has no PostgreSQL of its own: four, so that the sharded path is the ordinary path. */
const EMBEDDED_DATABASES = [0, 1, 2, 3].map((index) => `strongroom_${index}`);

const FIRST_MAX_MS = 30_000;
const FIRST_LOOK_MS = 200;

export interface Databases {
  urls: readonly string[];
  /** Absent when `SHARD_URLS` names servers that somebody else runs, or another process of ours runs the embedded one. */
  embedded?: EmbeddedPostgres;
}

/** The databases that the settings name, or the embedded ones, started. */
export async function openDatabases({ shardUrls, dataDir, instance }: Pick<Config, 'shardUrls' | 'dataDir' | 'instance'>): Promise<Databases> {
  if (shardUrls !== undefined) return { urls: shardUrls };
  if (instance > 0) return { urls: await runByFirst(dataDir) };
  const embedded = await startEmbeddedPostgres({ dir: dataDir, databases: EMBEDDED_DATABASES });
  return { urls: embedded.urls, embedded };
}

/** For commands beside a server: the databases that it runs already, else as the server would. */
export async function joinDatabases(config: Pick<Config, 'shardUrls' | 'dataDir' | 'instance'>): Promise<Databases> {
  const running = config.shardUrls ?? findEmbeddedPostgres({ dir: config.dataDir, databases: EMBEDDED_DATABASES });
  return running === undefined ? await openDatabases(config) : { urls: running };
}

/** Of several processes on one machine the first runs the embedded servers, and the others use them. */
async function runByFirst(dir: string): Promise<readonly string[]> {
  for (const deadline = Date.now() + FIRST_MAX_MS; Date.now() < deadline; await delay(FIRST_LOOK_MS)) {
    const running = findEmbeddedPostgres({ dir, databases: EMBEDDED_DATABASES });
    if (running !== undefined) return running;
  }
  throw new ConfigError(`SHARD_URLS is not set, and the first process (NODE_APP_INSTANCE 0) runs no embedded PostgreSQL in ${dir}: start it first, or set SHARD_URLS.`);
}
