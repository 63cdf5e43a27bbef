import type { ItemId, PlayerId } from '../../../schema/ids.ts';
import { Refusal } from '../../../schema/refusals.ts';
import type { BenchResult } from '../kit/bench.ts';

/** What a client may be told for offering what it no longer had. */
const CLIENTS_MISTAKES = ['NOT_OWNER', 'TRADE_STALE', 'INSUFFICIENT'];

/** A trade as a client meant it, and when it chose what to offer. */
export interface Attempt {
  pair: readonly [PlayerId, PlayerId];
  items: readonly [ItemId, ItemId];
  since: number;
}

/**
 * How trades under contention ended. An item is chosen from what the feature shows as held, so a refusal with NOT_OWNER
 * is right only if a trade that ended after the choice took the item from its giver: others count against the feature.
 */
export class Tally {
  settled = 0;
  readonly #refused = new Map<string, number>();
  readonly #left = new Map<string, number>();
  readonly #doubted: { key: string; since: number }[] = [];

  succeeded({ pair, items }: Attempt): void {
    this.settled++;
    for (const [side, item] of items.entries()) this.#left.set(`${item} ${pair[side]}`, performance.now());
  }

  failed({ pair, items, since }: Attempt, error: unknown): void {
    const code = error instanceof Refusal ? error.code : 'INTERNAL';
    this.#refused.set(code, (this.#refused.get(code) ?? 0) + 1);
    if (code !== 'NOT_OWNER') return;
    const side = items.indexOf((error as Refusal).details['item'] as ItemId);
    this.#doubted.push({ key: `${items[side]} ${pair[side]}`, since });
  }

  get tried(): number {
    return this.settled + [...this.#refused.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Of the trades that were valid when their turn came, the share that happened; and what was refused, by code. */
  rows(at: string): BenchResult[] {
    const wrong = this.#doubted.filter(({ key, since }) => (this.#left.get(key) ?? Number.NEGATIVE_INFINITY) < since).length;
    const against = [...this.#refused].filter(([code]) => !CLIENTS_MISTAKES.includes(code)).reduce((sum, [, count]) => sum + count, wrong);
    return [
      { what: `${at}, settled, of the trades that were valid at their turn`, ours: this.settled, ceiling: this.settled + against, unit: 'trades', targets: [{ of: 'ratio', bound: 'at least', value: 0.99 }] },
      ...[...this.#refused].map(([code, count]) => ({
        what: `${at}, refused with ${code}${CLIENTS_MISTAKES.includes(code) ? ' (traded away meanwhile: the client’s mistake)' : ''}, of all that were tried`,
        ours: count, ceiling: this.tried, unit: 'trades',
      })),
    ];
  }
}
