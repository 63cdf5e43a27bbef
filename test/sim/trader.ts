import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { v7 as uuidv7 } from 'uuid';
import { isConnectionLoss, OutcomeUnknown } from '../../persistence/index.ts';
import type { Holdings } from '../../schema/holdings.ts';
import type { CommandId, ItemId, PlayerId, TradeId } from '../../schema/ids.ts';
import type { Offer } from '../../schema/messages/trade.ts';
import { Refusal } from '../../schema/refusals.ts';
import type { Features } from '../../server/features.ts';
import { Trade } from '../../server/trading/index.ts';
import { pick, whole, type Random } from '../../loadtest/bench/kit/holdings.ts';
import type { Leg, Report } from './messages.ts';

const ITEMS_MAX = 3;
const GOLD_MAX = 20;
const DATABASE_AWAY_RETRY_MS = 50;
/** How often a trade is wrong on purpose, or made from what this process saw last, which others have changed since. */
const SHARES = { severalItems: 0.2, allGold: 0.03, tooMuchGold: 0.02, notHeld: 0.02, staleRevision: 0.02, cached: 0.15 };

export interface TraderDeps {
  features: Pick<Features, 'inventory' | 'trading'>;
  players: readonly PlayerId[];
  random: Random;
  /** Resolves when the report cannot be lost any more. */
  report: (report: Report) => Promise<void>;
}

interface Draft {
  offers: [Offer, Offer];
  /** How far behind the last revision the second acceptance is. */
  behind: number;
}

/** Makes random trades through the trading feature, one after another, and reports what it asks and what it is answered. */
export class Trader {
  readonly #deps: TraderDeps;

  constructor(deps: TraderDeps) {
    this.#deps = deps;
  }

  async tradeOnce(): Promise<void> {
    const { players, random, report } = this.#deps;
    const pair = this.#pair();
    const ids = pair.map((at) => players[at]) as [PlayerId, PlayerId];
    const seen = await this.#look(ids);
    const draft = seen && this.#draft(seen);
    if (draft === undefined) return;

    const trade = new Trade(uuidv7() as TradeId, ids, this.#deps.features.trading);
    const commands = [randomUUID(), randomUUID()] as [CommandId, CommandId];
    await report({ type: 'asked', trade: trade.id, players: pair, commands, legs: legsOf(draft.offers) });
    try {
      for (const player of ids) trade.seat(player, { epoch: 0 });
      await trade.offer(ids[0], draft.offers[0]);
      const { revision } = await trade.offer(ids[1], draft.offers[1]);
      const first = whole(random, 0, 1);
      await trade.accept(ids[first]!, { commandId: commands[first]!, revision });
      await trade.accept(ids[1 - first]!, { commandId: commands[1 - first]!, revision: revision - draft.behind });
    } catch (error) {
      if (error instanceof Refusal) return await report({ type: 'refused', trade: trade.id, code: error.code });
      if (!(error instanceof OutcomeUnknown) && !isConnectionLoss(error)) throw error;
      return await report({ type: 'unanswered', trade: trade.id, error: String(error) });
    }
    const shown = ids.map((player) => trade.window.side(player)).map(({ items, fungibles }) => ({ items: items.map(({ id }) => id), fungibles })) as [Offer, Offer];
    await report({ type: 'acknowledged', trade: trade.id, moved: legsOf(shown) });
  }

  #pair(): [number, number] {
    const { players, random } = this.#deps;
    const first = whole(random, 0, players.length - 1);
    // One of the others, each as likely.
    return [first, (first + whole(random, 1, players.length - 1)) % players.length];
  }

  /** What both have, or what this process believes; undefined when the database did not answer. */
  async #look(ids: readonly PlayerId[]): Promise<[Holdings, Holdings] | undefined> {
    const { features, random } = this.#deps;
    try {
      return (await Promise.all(ids.map((id) => (random() < SHARES.cached ? features.inventory.get(id) : features.inventory.reload(id))))) as [Holdings, Holdings];
    } catch (error) {
      if (!isConnectionLoss(error)) throw error;
      await delay(DATABASE_AWAY_RETRY_MS);
      return undefined;
    }
  }

  /** An item for an item and gold, mostly; undefined when one of them has nothing to give. */
  #draft([mine, theirs]: [Holdings, Holdings]): Draft | undefined {
    const { random } = this.#deps;
    const gold = mine.fungibles['gold'] ?? 0;
    if (mine.items.length === 0 || theirs.items.length === 0 || gold === 0) return undefined;
    const given = this.#items(mine);
    const taken = this.#items(theirs);
    const [wrong, price] = [random(), Math.min(gold, whole(random, 1, GOLD_MAX))];
    const { tooMuchGold, allGold, notHeld, staleRevision } = SHARES;
    const [much, all, unheld, stale] = [wrong < tooMuchGold, wrong < tooMuchGold + allGold, random() < notHeld, random() < staleRevision];
    return {
      offers: [
        { items: unheld ? taken : given, fungibles: { gold: much ? gold + 1 : all ? gold : price } },
        { items: taken, fungibles: {} },
      ],
      behind: stale ? 1 : 0,
    };
  }

  #items({ items }: Holdings): ItemId[] {
    const { random } = this.#deps;
    const count = random() < SHARES.severalItems ? whole(random, 2, ITEMS_MAX) : 1;
    return [...new Set(Array.from({ length: count }, () => pick(random, items).id))];
  }
}

function legsOf(offers: readonly [Offer, Offer]): Leg[] {
  return offers.flatMap(({ items, fungibles }, at): Leg[] => {
    const giver = at as 0 | 1;
    return [...items.map((id): Leg => [giver, id, 1]), ...Object.entries(fungibles).map(([asset, quantity]): Leg => [giver, asset, quantity])];
  });
}
