import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { Client } from 'pg';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../persistence/index.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** Below the ports that clients are given: a client that looks for a stopped server must not find itself there. */
const PORTS = { first: 20_000, last: 29_999, attemptsMax: 20 };

/** What an interrupted run removes as well. */
const folders = new Set<() => void>();
process.once('exit', () => folders.forEach((remove) => remove()));

/** PostgreSQL with fsync on, on a port that stays, so that it can be stopped like by a power cut and started again. */
export class MortalHost {
  readonly urls: readonly string[];
  readonly #folder: string;
  readonly #start: () => Promise<EmbeddedPostgres>;
  readonly #remove: () => void;
  #server: EmbeddedPostgres | undefined;

  private constructor(server: EmbeddedPostgres, start: () => Promise<EmbeddedPostgres>, folder: string, remove: () => void) {
    this.#server = server;
    this.#start = start;
    this.#folder = folder;
    this.#remove = remove;
    this.urls = server.urls;
  }

  static async start(databases: readonly string[], settings: Record<string, string | number> = {}): Promise<MortalHost> {
    const { folder, remove } = temporaryFolder();
    folders.add(remove);
    const port = await stablePort();
    const start = () => startEmbeddedPostgres({ dir: folder, databases, port, settings });
    return new MortalHost(await start(), start, folder, () => {
      folders.delete(remove);
      remove();
    });
  }

  /** Like a power cut. */
  async crash(): Promise<void> {
    await this.#server?.stop('immediate');
    this.#server = undefined;
  }

  async revive(): Promise<void> {
    this.#server ??= await this.#start();
  }

  /** What is prepared on the server, whoever prepared it. */
  async prepared(): Promise<string[]> {
    return (await this.query<{ gid: string }>('select gid from pg_prepared_xacts')).map(({ gid }) => gid);
  }

  /** Of the server's log since it was last started: how often it gave up a wait for a lock, or broke a deadlock. */
  lostRaces(): { timeouts: number; deadlocks: number } {
    const log = readFileSync(path.join(this.#folder, 'postgres.log'), 'utf8');
    const times = (said: string) => log.split(`ERROR:  ${said}`).length - 1;
    return { timeouts: times('canceling statement due to lock timeout'), deadlocks: times('deadlock detected') };
  }

  /** Asks the server's own database. */
  async query<Row>(text: string, values: unknown[] = []): Promise<Row[]> {
    const url = new URL(this.urls[0] ?? '');
    url.pathname = '/postgres';
    const client = new Client({ connectionString: url.href });
    await client.connect();
    try {
      return (await client.query(text, values)).rows as Row[];
    } finally {
      await client.end();
    }
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
    this.#remove();
  }
}

async function stablePort(): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const port = PORTS.first + Math.floor(Math.random() * (PORTS.last - PORTS.first + 1));
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
