import { Migrator } from '@mikro-orm/migrations';
import { MikroORM, type EntityManager } from '@mikro-orm/postgresql';
import type { Pool } from 'pg';
import { isUndefinedTable } from './database-errors.ts';
import { ENTITIES } from './entities/index.ts';
import { Migration20261122000000First } from './migrations/migration-20261122000000-first.ts';
import { Migration20261124000000Slots } from './migrations/migration-20261124000000-slots.ts';
import { Migration20261124120000Fences } from './migrations/migration-20261124120000-fences.ts';
import { Migration20261128000000Guilds } from './migrations/migration-20261128000000-guilds.ts';
import { Migration20261129000000Leaderboards } from './migrations/migration-20261129000000-leaderboards.ts';
import { Migration20261130000000Support } from './migrations/migration-20261130000000-support.ts';
import { Migration20261201000000SessionClient } from './migrations/migration-20261201000000-session-client.ts';
import { PgClient } from './pg-client.ts';

const MIGRATIONS = [Migration20261122000000First, Migration20261124000000Slots, Migration20261124120000Fences, Migration20261128000000Guilds, Migration20261129000000Leaderboards, Migration20261130000000Support, Migration20261201000000SessionClient];

/** A waiter gives up after this long; with a fixed lock order it is a net, not a plan. */
const LOCK_TIMEOUT_MS = 2_000;
/** A coordinator that is paused in the middle of a transaction must not hold its locks for ever. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 10_000;
const STATEMENT_TIMEOUT_MS = 60_000;
/** A settlement is planned once per connection: planning one anew takes as long as a lonely trade does. */
const PLAN_CACHE_MODE = 'force_generic_plan';
/** Such a plan is kept while a table grows: one that was made when a thousand rows were one page would read them all for ever. Who reads all says so. */
const ENABLE_SEQSCAN = 'off';
/** Migrating takes two at once: one holds the lock. */
const CONNECTIONS_MIN = 2;

export interface ShardOptions {
  index: number;
  url: string;
  /** Connections per process to this shard; fewer than two count as two. */
  poolMax: number;
}

/** One database: its ORM for what is off the hot path, and its pool for prepared set-based SQL. */
export class Shard {
  readonly index: number;
  readonly url: string;
  readonly poolMax: number;
  readonly pool: Pool;
  readonly #orm: MikroORM;

  private constructor({ index, url, poolMax }: ShardOptions, orm: MikroORM, pool: Pool) {
    this.index = index;
    this.url = url;
    this.poolMax = poolMax;
    this.#orm = orm;
    this.pool = pool;
  }

  /** @throws when the server cannot be reached; the message names no password */
  static async open(options: ShardOptions): Promise<Shard> {
    const { index, url, poolMax } = options;
    const settings = { lock_timeout: LOCK_TIMEOUT_MS, idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS, statement_timeout: STATEMENT_TIMEOUT_MS, plan_cache_mode: PLAN_CACHE_MODE, enable_seqscan: ENABLE_SEQSCAN };
    const orm = new MikroORM({
      // Own context per shard: with the default name, a fork of one shard runs on another's transaction.
      contextName: `shard${index}`,
      dbName: decodeURIComponent(new URL(url.replace(/@\//, '@localhost/')).pathname.slice(1)),
      entities: ENTITIES,
      extensions: [Migrator],
      migrations: { migrationsList: MIGRATIONS, tableName: 'migration', snapshot: false, silent: true },
      // The default batched versioned update loses updates.
      useBatchUpdates: false,
      pool: { min: 0, max: Math.max(poolMax, CONNECTIONS_MIN) },
      driverOptions: {
        Client: PgClient,
        connectionString: url,
        connectionTimeoutMillis: 5_000,
        // What is sent without waiting goes in one round trip: `begin` with the first statement.
        pipeline: true,
        options: Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`).join(' '),
      },
      debug: false,
    });
    try {
      const connection = orm.em.getConnection();
      // A first query, because `close()` leaves the native pool open if the ORM never ran one.
      await connection.execute('select 1');
      return new Shard(options, orm, await connection.getNativeClient());
    } catch (error) {
      await orm.close(true);
      throw error;
    }
  }

  /** A fresh unit of work; never kept. */
  em(): EntityManager {
    return this.#orm.em.fork();
  }

  /** How many migrations are to run. In one statement: the migrator looks for its table first, which is slow, on connections of its own. */
  async pendingMigrations(): Promise<number> {
    const { rows } = await this.pool.query<{ name: string }>('select name from migration').catch((error: unknown) => (isUndefinedTable(error) ? { rows: [] } : Promise.reject(error)));
    const done = new Set(rows.map(({ name }) => name));
    return MIGRATIONS.filter(({ name }) => !done.has(name)).length;
  }

  async migrate(): Promise<void> {
    await this.#orm.migrator.up();
  }

  async close(): Promise<void> {
    await this.#orm.close(true);
  }
}
