import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Client, type QueryResultRow } from 'pg';
import { startEmbeddedPostgres } from '../../persistence/index.ts';
import { temporaryDataFolder } from './data-folder.ts';

const SHARDS = 4;

/** One PostgreSQL for the many servers of a test file, each on new databases: starts cost less than with one each. */
export interface ShardHost {
  /** A value for `SHARD_URLS` that no server has used. */
  freshShards(): Promise<string>;
  /** How many statements lost a race so far: to a lock timeout, or to a deadlock that PostgreSQL had to break. */
  lostRaces(): { timeouts: number; deadlocks: number };
  /** Over all databases: the deadlocks that PostgreSQL has counted, transactions that are prepared, statements that wait for a lock. */
  count(what: 'deadlocks' | 'prepared' | 'waiting'): Promise<number>;
  /** The gids of what is prepared, over all databases. */
  prepared(): Promise<string[]>;
  /** Runs a query on each of some shards, in their order. */
  onEach<Row extends QueryResultRow>(shards: string, text: string, values: unknown[]): Promise<Row[][]>;
  stop(): Promise<void>;
}

/** Without fsync: it is never killed. What a crash of PostgreSQL leaves is tested on the servers' own. */
export async function startShardHost(): Promise<ShardHost> {
  const { folder, remove } = temporaryDataFolder('postgres');
  const embedded = await startEmbeddedPostgres({ dir: folder, databases: ['admin'], settings: { fsync: 'off', max_connections: 400, log_min_messages: 'error' } });
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
    lostRaces() {
      const log = readFileSync(path.join(folder, 'postgres.log'), 'utf8');
      const times = (said: string) => log.split(`ERROR:  ${said}`).length - 1;
      return { timeouts: times('canceling statement due to lock timeout'), deadlocks: times('deadlock detected') };
    },
    async count(what) {
      const counts = {
        deadlocks: 'select sum(deadlocks)::int as count from pg_stat_database',
        prepared: 'select count(*)::int as count from pg_prepared_xacts',
        waiting: `select count(*)::int as count from pg_stat_activity where wait_event_type = 'Lock'`,
      };
      return (await admin.query<{ count: number }>(counts[what])).rows[0]?.count ?? 0;
    },
    async prepared() {
      return (await admin.query<{ gid: string }>('select gid from pg_prepared_xacts')).rows.map(({ gid }) => gid);
    },
    async onEach<Row extends QueryResultRow>(shards: string, text: string, values: unknown[]) {
      return await Promise.all(
        shards.split(',').map(async (connectionString) => {
          const client = new Client({ connectionString });
          await client.connect();
          return (await client.query<Row>(text, values).finally(() => client.end())).rows;
        }),
      );
    },
    async stop() {
      await admin.end();
      await embedded.stop();
      remove();
    },
  };
}
