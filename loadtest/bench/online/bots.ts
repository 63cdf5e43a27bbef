import { WorkerProcess } from '../kit/worker-process.ts';
import type { BotOptions } from './bot.ts';

export type BotOrder = ({ gather: number } & BotOptions) | { walk: boolean } | { listenMs: number };
export type BotReply = { bots: number } | { heard: Heard };

/** What some bots heard in a while. */
export interface Heard {
  /** From a move that a watcher sent until it saw itself move. */
  echoesMs: number[];
  /** Of the zone, for each bot. */
  patchesPerSecond: number;
  /** What their process used, in shares of a core. */
  cores: number;
  /** Who lost a connection since they came. */
  gone: number;
}

const PROCESSES = 2;
/** Many joins, with much to spare. */
const REPLY_MAX_MS = 180_000;

/** Players with real clients, in processes of their own. */
export class Bots {
  readonly #workers = Array.from({ length: PROCESSES }, () => new WorkerProcess<BotOrder, BotReply>(new URL('./bot-process.ts', import.meta.url), REPLY_MAX_MS));

  /** So many more of them. */
  async gather(count: number, options: BotOptions): Promise<void> {
    await Promise.all(this.#workers.map((worker, at) => worker.ask({ gather: Math.floor((count + at) / PROCESSES), ...options })));
  }

  async walk(walk: boolean): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.ask({ walk })));
  }

  /** @returns what each process's bots heard from now on */
  async listen(listenMs: number): Promise<Heard[]> {
    const replies = await Promise.all(this.#workers.map((worker) => worker.ask({ listenMs })));
    return replies.map((reply) => {
      if (!('heard' in reply)) throw new Error('the bots answered something else');
      return reply.heard;
    });
  }

  async leave(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.end()));
  }
}
