import { WorkerProcess } from '../kit/worker-process.ts';
import type { GameServer } from './game-server.ts';
import type { Step } from './trader.ts';

export type ClientOrder = { gather: number; url: string; serviceKey?: string } | { trade: number; forMs: number };
export type ClientReply = { gathered: number } | Traded;

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
  readonly #worker = new WorkerProcess<ClientOrder, ClientReply>(new URL('./client-process.ts', import.meta.url), REPLY_MAX_MS);

  private constructor() {}

  /** Signs in two players for each pair, with goods. */
  static async gather(pairs: number, { url, serviceKey }: GameServer): Promise<Clients> {
    const clients = new Clients();
    try {
      await clients.#worker.ask({ gather: pairs, url, ...(serviceKey !== undefined && { serviceKey }) });
      return clients;
    } catch (error) {
      await clients.leave();
      throw error;
    }
  }

  /** The first so many pairs, each one trade after the other. */
  async trade(pairs: number, forMs: number): Promise<Traded> {
    const reply = await this.#worker.ask({ trade: pairs, forMs });
    if (!('steps' in reply)) throw new Error('the clients answered something else');
    return reply;
  }

  /** Ends the process, and with it the connections. */
  async leave(): Promise<void> {
    await this.#worker.end();
  }
}
