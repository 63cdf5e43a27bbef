import { Client } from 'pg';
import { startEmbeddedPostgres } from '../../persistence/index.ts';
import { temporaryFolder } from './temporary-folder.ts';

const SHARDS = 4;

/** One PostgreSQL for the many servers of a test file, each on new databases: starts cost less than with one each. */
export interface ShardHost {
  /** A value for `SHARD_URLS` that no server has used. */
  freshShards(): Promise<string>;
  stop(): Promise<void>;
}

/** Without fsync: it is never killed. What a crash of PostgreSQL leaves is tested on the servers' own. */
export async function startShardHost(): Promise<ShardHost> {
  const { folder, remove } = temporaryFolder();
  const embedded = await startEmbeddedPostgres({ dir: folder, databases: ['admin'], settings: { fsync: 'off', max_connections: 400 } });
  const admin = new Client({ connectionString: embedded.urls[0] });
  await admin.connect();
  let made = 0;
  return {
    async freshShards() {
      const urls: string[] = [];
      for (let shard = 0; shard < SHARDS; shard++) {
        const url = new URL(embedded.urls[0] ?? '');
        url.pathname = `/shard_${made++}`;
        await admin.query(`create database ${url.pathname.slice(1)}`);
        urls.push(url.href);
      }
      return urls.join(',');
    },
    async stop() {
      await admin.end();
      await embedded.stop();
      remove();
    },
  };
}
