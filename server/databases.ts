import { findEmbeddedPostgres, startEmbeddedPostgres, type EmbeddedPostgres } from '../persistence/index.ts';
import type { Config } from './config/index.ts';

/** The shards of a machine that has no PostgreSQL of its own: four, so that the sharded path is the ordinary path. */
const EMBEDDED_DATABASES = [0, 1, 2, 3].map((index) => `strongroom_${index}`);

export interface Databases {
  urls: readonly string[];
  /** Absent when `SHARD_URLS` names servers that somebody else runs, or another process of ours runs the embedded one. */
  embedded?: EmbeddedPostgres;
}

/** The databases that the settings name, or the embedded ones, started. */
export async function openDatabases({ shardUrls, dataDir }: Pick<Config, 'shardUrls' | 'dataDir'>): Promise<Databases> {
  if (shardUrls !== undefined) return { urls: shardUrls };
  const embedded = await startEmbeddedPostgres({ dir: dataDir, databases: EMBEDDED_DATABASES });
  return { urls: embedded.urls, embedded };
}

/** For commands beside a server: the databases that it runs already, else as the server would. */
export async function joinDatabases(config: Pick<Config, 'shardUrls' | 'dataDir'>): Promise<Databases> {
  const running = config.shardUrls ?? findEmbeddedPostgres({ dir: config.dataDir, databases: EMBEDDED_DATABASES });
  return running === undefined ? await openDatabases(config) : { urls: running };
}
