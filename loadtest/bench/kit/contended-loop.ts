import type { Pool } from 'pg';
import type { PlayerId } from '../../../schema/ids.ts';
import { anyTrade, settleByHand, type HandTrade } from './hand-trade.ts';
import type { Random } from './holdings.ts';
import type { ItemView } from './item-view.ts';
import { openPool } from './pool.ts';
import type { More } from './rate.ts';
import type { HandStatements } from './trade-ceiling-statements.ts';

/** As many as ours has. */
const CONNECTIONS = 10;
const ATTEMPTS_MAX = 3;

/**
 * The hand-written transaction with one trade in each, under contention: who wants a locked row waits for it, in id order.
 * A trade whose items are still held, but at other versions, is tried again.
 */
export class ContendedLoop {
  readonly #pool: Pool;
  readonly #view: ItemView;
  readonly #statements: HandStatements;

  constructor(url: string, view: ItemView, statements: HandStatements) {
    this.#view = view;
    this.#statements = statements;
    this.#pool = openPool({ connectionString: url, max: CONNECTIONS, options: '-c plan_cache_mode=force_generic_plan' });
  }

  /** @returns how long each trade took that succeeded, in milliseconds */
  async run(workers: number, pairOf: (random: Random) => [PlayerId, PlayerId], more: More, random: Random): Promise<number[]> {
    const tookMs: number[] = [];
    const worker = async () => {
      while (more()) {
        const began = performance.now();
        if (await this.#attempts(anyTrade(this.#view, pairOf(random), random))) tookMs.push(performance.now() - began);
      }
    };
    await Promise.all(Array.from({ length: workers }, worker));
    return tookMs;
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #attempts(trade: HandTrade): Promise<boolean> {
    let wanted: HandTrade | undefined = trade;
    for (let attempt = 1; wanted !== undefined && attempt <= ATTEMPTS_MAX; attempt++) {
      const client = await this.#pool.connect();
      try {
        const done = await settleByHand(client, this.#statements, this.#view, [wanted]);
        if (done.size === 1) return true;
      } finally {
        client.release();
      }
      wanted = this.#asHeldNow(wanted);
    }
    return false;
  }

  #asHeldNow({ id, players, items }: HandTrade): HandTrade | undefined {
    const [given, taken] = [this.#view.find(players[0], items[0].id), this.#view.find(players[1], items[1].id)];
    return given && taken && { id, players, items: [given, taken] };
  }
}
