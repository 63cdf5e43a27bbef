import type { TestServer } from './server.ts';

/** Servers that are started one after the other: each while the one before it is used. */
export class ServersAhead<Name extends string> {
  readonly #order: readonly Name[];
  readonly #start: (name: Name) => Promise<TestServer>;
  readonly #started = new Map<Name, Promise<TestServer>>();

  constructor(order: readonly Name[], start: (name: Name) => Promise<TestServer>) {
    this.#order = order;
    this.#start = start;
  }

  /** The server of this name, when it is ready; the next one is started then. */
  async take(name: Name): Promise<TestServer> {
    const server = await this.#startOnce(name);
    const next = this.#order[this.#order.indexOf(name) + 1];
    if (next !== undefined) void this.#startOnce(next);
    return server;
  }

  /** Resolves when none is being started any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#started.values());
  }

  /** Ends those that nobody took, and those that were taken and live. */
  async stop(): Promise<void> {
    await this.settled();
    for (const starting of this.#started.values()) await starting.then((server) => server.stop(), () => undefined);
  }

  #startOnce(name: Name): Promise<TestServer> {
    const starting = this.#started.get(name) ?? this.#start(name);
    this.#started.set(name, starting);
    starting.catch(() => undefined); // thrown where it is taken
    return starting;
  }
}
