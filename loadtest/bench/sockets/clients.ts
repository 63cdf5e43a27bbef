import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { GameServer } from './game-server.ts';
import type { Step } from './trader.ts';

export type ClientOrder = { gather: number; url: string; serviceKey?: string } | { trade: number; forMs: number };
export type ClientReply = { gathered: number } | Traded | { failed: string };

/** What a round of trades came to, as its clients saw it: each step of each trade, in milliseconds. */
export interface Traded {
  steps: Record<Step, number[]>;
  cpuUs: number;
  seconds: number;
}

/** A round, or all sign-ins, with much to spare. */
const REPLY_MAX_MS = 45_000;

/** A process full of clients. */
export class Clients {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Signs in two players for each pair, with goods. */
  static async gather(pairs: number, { url, serviceKey }: GameServer): Promise<Clients> {
    const clients = new Clients(fork(new URL('./client-process.ts', import.meta.url)));
    try {
      await clients.#ask({ gather: pairs, url, ...(serviceKey !== undefined && { serviceKey }) });
      return clients;
    } catch (error) {
      await clients.leave();
      throw error;
    }
  }

  /** The first so many pairs, each one trade after the other. */
  async trade(pairs: number, forMs: number): Promise<Traded> {
    const reply = await this.#ask({ trade: pairs, forMs });
    if (!('steps' in reply)) throw new Error('the clients answered something else');
    return reply;
  }

  /** Ends the process, and with it the connections. */
  async leave(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  async #ask(order: ClientOrder): Promise<ClientReply> {
    this.#child.send(order);
    const done = new AbortController();
    const signal = AbortSignal.any([done.signal, AbortSignal.timeout(REPLY_MAX_MS)]);
    const ended = once(this.#child, 'exit', { signal }).then(() => [{ failed: 'its process ended' }]);
    ended.catch(() => undefined); // the answer came first, or neither came: then that is what is thrown
    const [reply] = (await Promise.race([once(this.#child, 'message', { signal }), ended]).finally(() => done.abort())) as [ClientReply];
    if ('failed' in reply) throw new Error(`a client failed: ${reply.failed}`);
    return reply;
  }
}
