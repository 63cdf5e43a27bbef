import { once } from 'node:events';
import { createServer } from 'node:net';
import { Client } from 'pg';
import { findEmbeddedPostgres, migrateShards, openShards, openStorage, startEmbeddedPostgres, type EmbeddedPostgres, type Storage } from '../../persistence/index.ts';
import { pick, whole, type Random } from '../../loadtest/bench/kit/holdings.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';

/** Below the ports that clients are given: a client that looks for a stopped server must not find itself there. */
const PORTS = { first: 20_000, last: 29_999, attemptsMax: 20 };
const POOL_MAX = 2;
/** Dead processes' backends linger for a moment. A log that is short is replayed within what a request waits. */
const SETTINGS = { max_connections: 300, max_wal_size: '512MB' };

export type Shards = Awaited<ReturnType<typeof openShards>>;

/** Embedded PostgreSQL with fsync on and migrated shards, on a port that stays, so that it can be stopped like by a power cut. */
export class SimDatabase {
  readonly shards: Shards;
  readonly storage: Storage;
  readonly urls: readonly string[];
  readonly #start: () => Promise<EmbeddedPostgres>;
  readonly #adminUrl: string;
  readonly #removeFolder: () => void;
  #server: EmbeddedPostgres;

  private constructor(server: EmbeddedPostgres, start: () => Promise<EmbeddedPostgres>, shards: Shards, storage: Storage, adminUrl: string, removeFolder: () => void) {
    this.#server = server;
    this.#start = start;
    this.shards = shards;
    this.urls = server.urls;
    this.storage = storage;
    this.#adminUrl = adminUrl;
    this.#removeFolder = removeFolder;
  }

  static async open(shardCount: number): Promise<SimDatabase> {
    const { folder, remove } = temporaryFolder();
    process.once('exit', remove);
    const databases = Array.from({ length: shardCount }, (_, shard) => `sim_${shard}`);
    const port = await stablePort();
    const start = () => startEmbeddedPostgres({ dir: folder, databases, port, settings: SETTINGS });
    const server = await start();
    const shards = await openShards(server.urls, POOL_MAX);
    await migrateShards(shards);
    const [adminUrl = ''] = findEmbeddedPostgres({ dir: folder, databases: ['postgres'] }) ?? [];
    return new SimDatabase(server, start, shards, await openStorage(shards, { reach: () => undefined, onUnfinished: () => undefined }), adminUrl, () => {
      process.off('exit', remove);
      remove();
    });
  }

  /** Ends random connections of whatever process. @returns how many */
  async terminate(backends: number, busyOnly: boolean, random: Random): Promise<number> {
    return await this.#admin(async (client) => {
      const busy = busyOnly ? `and state <> 'idle'` : '';
      const { rows } = await client.query<{ pid: number }>(`select pid from pg_stat_activity where datname like 'sim_%' and backend_type = 'client backend' ${busy} order by pid`);
      const chosen = rows.length === 0 ? [] : Array.from({ length: backends }, () => pick(random, rows).pid);
      const ended = await client.query<{ ended: boolean }>('select pg_terminate_backend(pid) as ended from unnest($1::int[]) as pid', [[...new Set(chosen)]]);
      return ended.rows.filter((row) => row.ended).length;
    });
  }

  /** Like a power cut; `meanwhile` runs while it is away. */
  async crash(meanwhile: () => void): Promise<void> {
    await this.#server.stop('immediate');
    meanwhile();
    this.#server = await this.#start();
  }

  /** Everything that is prepared on the server, whoever prepared it. */
  async prepared(): Promise<string[]> {
    return await this.#admin(async (client) => (await client.query<{ gid: string }>('select gid from pg_prepared_xacts')).rows.map(({ gid }) => gid));
  }

  async close(): Promise<void> {
    await this.storage.close();
    await this.#server.stop();
    this.#removeFolder();
  }

  async #admin<Result>(work: (client: Client) => Promise<Result>): Promise<Result> {
    const client = new Client({ connectionString: this.#adminUrl });
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }
}

async function stablePort(): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const port = whole(Math.random, PORTS.first, PORTS.last);
    const probe = createServer().listen(port, '127.0.0.1');
    const free = await Promise.race([once(probe, 'listening').then(() => true), once(probe, 'error').then(() => false)]);
    if (free) {
      probe.close();
      await once(probe, 'close');
      return port;
    }
    if (attempt >= PORTS.attemptsMax) throw new Error(`no free port among ${PORTS.attemptsMax} between ${PORTS.first} and ${PORTS.last}`);
  }
}
