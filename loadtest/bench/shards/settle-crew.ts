import { randomUUID } from 'node:crypto';
import type { CommandRecord, Movement, Storage } from '../../../persistence/index.ts';
import type { CommandId, PlayerId } from '../../../schema/ids.ts';
import { invariant } from '../../../schema/invariant.ts';
import { BULK_CONTENT } from '../kit/bulk-players.ts';
import type { Pairs } from '../kit/free-players.ts';
import { anyTrade, type HandTrade } from '../kit/hand-trade.ts';
import type { Random } from '../kit/holdings.ts';
import type { ItemView } from '../kit/item-view.ts';
import type { More } from '../kit/rate.ts';

/** How what is in flight is shared out: so many transactions at once, of so many trades each. */
export interface Load {
  atOnce: number;
  batch: number;
}

/** Settlements of trades with nothing of the trading feature around them: the same loop as one written by hand, and our transaction in it. */
export class SettleCrew {
  readonly #storage: Pick<Storage, 'settle'>;
  readonly #view: ItemView;
  readonly #pairs: Pairs;

  constructor(storage: Pick<Storage, 'settle'>, view: ItemView, pairs: Pairs) {
    this.#storage = storage;
    this.#view = view;
    this.#pairs = pairs;
  }

  /** @returns how long each trade took, which is its batch's time, in milliseconds */
  async run(load: Load, more: More, random: Random): Promise<number[]> {
    return await runBatches(load, more, random, { view: this.#view, pairs: this.#pairs }, async (trades) => {
      const outcomes = await this.#storage.settle(trades.map(movementOf));
      invariant(outcomes.every(({ status }) => status === 'committed'), 'nothing speaks against a trade of what is held');
    });
  }
}

/** The loop itself: batches of trades between players who are in none meanwhile, of which each happens. */
export async function runBatches({ atOnce, batch }: Load, more: More, random: Random, { view, pairs }: { view: ItemView; pairs: Pairs }, settle: (trades: readonly HandTrade[]) => Promise<void>): Promise<number[]> {
  const tookMs: number[] = [];
  const worker = async () => {
    while (more()) {
      const trades = Array.from({ length: batch }, () => anyTrade(view, pairs.pair(random), random));
      const began = performance.now();
      await settle(trades);
      const took = performance.now() - began;
      for (const { players: [a, b], items: [given, taken] } of trades) {
        view.moved(given, a, b);
        view.moved(taken, b, a);
        tookMs.push(took);
      }
      pairs.release(trades.flatMap(({ players }) => players));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return tookMs;
}

const HASH = Buffer.alloc(32, 7);

function movementOf({ players: [a, b], items: [given, taken] }: HandTrade): Movement {
  return {
    reason: 'trade',
    postings: [
      { item: given.id, version: given.version, content: BULK_CONTENT, giver: a, receiver: b },
      { asset: 'gold', quantity: 1, giver: a, receiver: b },
      { item: taken.id, version: taken.version, content: BULK_CONTENT, giver: b, receiver: a },
    ],
    commands: [a, b].map(commandOf),
    fences: [a, b].map((player) => ({ player, epoch: 0 })),
  };
}

function commandOf(actor: PlayerId): CommandRecord {
  return { actor, id: randomUUID() as CommandId, hash: HASH, answer: () => ({ status: 'settled' }) };
}
