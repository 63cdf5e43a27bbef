import { setTimeout as delay } from 'node:timers/promises';
import { freePort, startServer, type StartOptions, type TestServer } from '../kit/server.ts';

const RETRY_MS = 200;

/** Where one server process belongs: whenever it ends, another one is started there, as a process manager would. */
export class Place {
  readonly url: string;
  readonly #options: StartOptions & { port: number };
  #server: TestServer | undefined;
  #manned: Promise<void>;
  #leaving = false;
  /** What processes said that ended without having been killed. */
  readonly crashes: string[] = [];
  kills = 0;

  private constructor(options: StartOptions & { port: number }, first: TestServer) {
    this.#options = options;
    this.url = first.url;
    this.#server = first;
    this.#manned = this.#man(first);
  }

  static async open(options: StartOptions): Promise<Place> {
    const port = await freePort();
    return new Place({ ...options, port }, await startServer({ ...options, port }));
  }

  get server(): TestServer | undefined {
    return this.#server;
  }

  /** SIGKILL, if a process is there. */
  async kill(): Promise<boolean> {
    const server = this.#server;
    if (server === undefined) return false;
    this.kills++;
    await server.kill('SIGKILL');
    return true;
  }

  async leave(): Promise<void> {
    this.#leaving = true;
    await this.#server?.stop();
    await this.#manned;
  }

  async #man(first: TestServer): Promise<void> {
    let server: TestServer | undefined = first;
    for (;;) {
      const { code, signal } = (await server?.exited) ?? {};
      this.#server = undefined;
      if (this.#leaving) return;
      if (server && signal !== 'SIGKILL') this.crashes.push(`ended by itself (${code ?? signal}): ${server.log().slice(-2_000)}`);
      // One that starts while PostgreSQL or Redis is away says so and ends; it is started again.
      server = await startServer(this.#options).catch(() => undefined);
      if (server === undefined) await delay(RETRY_MS);
      this.#server = server;
    }
  }
}
