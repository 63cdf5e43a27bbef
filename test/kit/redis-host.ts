import { Redis } from 'ioredis';
import { startEmbeddedRedis, type EmbeddedRedis } from '../../persistence/index.ts';
import { freePort } from './server.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** Of a given Redis the last databases are ours, one for each worker of mocha; nothing else of it is touched. */
const DATABASE_LAST = 15;

/** The Redis of `REDIS_URL`, or else one of our own for as long as the tests take. */
export async function startRedisHost(): Promise<{ url: string; stop(): Promise<void> }> {
  const given = process.env['REDIS_URL'];
  if (given === undefined) return await MortalRedis.start();
  const url = new URL(given);
  url.pathname = `/${DATABASE_LAST - (Number(process.env['MOCHA_WORKER_ID'] ?? 0) % DATABASE_LAST)}`;
  return { url: url.href, stop: async () => undefined };
}

/** A Redis on a port that stays, so that it can be killed and started again, empty, where its clients look for it. */
export class MortalRedis {
  readonly #start: () => Promise<EmbeddedRedis>;
  readonly #remove: () => void;
  #server: EmbeddedRedis | undefined;
  readonly url: string;

  private constructor(server: EmbeddedRedis, start: () => Promise<EmbeddedRedis>, remove: () => void) {
    this.#server = server;
    this.#start = start;
    this.#remove = remove;
    this.url = server.url;
  }

  static async start(): Promise<MortalRedis> {
    const { folder, remove } = temporaryFolder();
    const port = await freePort();
    const start = () => startEmbeddedRedis({ dir: folder, port });
    try {
      return new MortalRedis(await start(), start, remove);
    } catch (error) {
      remove();
      throw error;
    }
  }

  /** It takes what is sent and answers nothing, until it is resumed. */
  stall(): void {
    if (this.#server) process.kill(this.#server.pid, 'SIGSTOP');
  }

  resume(): void {
    if (this.#server) process.kill(this.#server.pid, 'SIGCONT');
  }

  async crash(): Promise<void> {
    await this.#server?.stop('SIGKILL');
    this.#server = undefined;
  }

  /** FLUSHALL, as by an operator who meant another one. */
  async flush(): Promise<void> {
    const client = new Redis(this.url);
    await client.flushall().finally(() => client.disconnect());
  }

  /** Writes down what is in it, for whoever starts it next to find. */
  async save(): Promise<void> {
    const client = new Redis(this.url);
    await client.save().finally(() => client.disconnect());
  }

  async revive(): Promise<void> {
    this.#server ??= await this.#start();
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
    this.#remove();
  }
}
