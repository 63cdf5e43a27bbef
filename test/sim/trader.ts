import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { v7 as uuidv7 } from 'uuid';
import { isConnectionLoss, OutcomeUnknown } from '../../persistence/index.ts';
import type { Holdings } from '../../schema/holdings.ts';
import type { CommandId, PlayerId, TradeId } from '../../schema/ids.ts';
import type { Offer } from '../../schema/messages/trade.ts';
import { Refusal } from '../../schema/refusals.ts';
import type { Features } from '../../server/features.ts';
import { Trade } from '../../server/trading/index.ts';
import { whole, type Random } from '../../loadtest/bench/kit/holdings.ts';
import type { Leg, Report } from './messages.ts';
import type { TradePlan } from './trade-plans.ts';

const DATABASE_AWAY_RETRY_MS = 50;
/** How often a trade is made from what this process saw last, which others have changed since. */
const CACHED_SHARE = 0.15;

export interface TraderDeps {
  features: Pick<Features, 'inventory' | 'trading'>;
  players: readonly PlayerId[];
  plan: TradePlan;
  random: Random;
  /** Resolves when the report cannot be lost any more. */
  report: (report: Report) => Promise<void>;
}

/** Makes trades as planned through the trading feature, one after another, and reports what it asks and what it is answered. */
export class Trader {
  readonly #deps: TraderDeps;

  constructor(deps: TraderDeps) {
    this.#deps = deps;
  }

  async tradeOnce(): Promise<void> {
    const { players, plan, random, report } = this.#deps;
    const pair = plan.pair();
    const ids = pair.map((at) => players[at]) as [PlayerId, PlayerId];
    const seen = await this.#look(ids);
    const draft = seen && plan.draft(seen);
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

  /** What both have, or what this process believes; undefined when the database did not answer. */
  async #look(ids: readonly PlayerId[]): Promise<[Holdings, Holdings] | undefined> {
    const { features, random } = this.#deps;
    try {
      return (await Promise.all(ids.map((id) => (random() < CACHED_SHARE ? features.inventory.get(id) : features.inventory.reload(id))))) as [Holdings, Holdings];
    } catch (error) {
      if (!isConnectionLoss(error)) throw error;
      await delay(DATABASE_AWAY_RETRY_MS);
      return undefined;
    }
  }
}

function legsOf(offers: readonly [Offer, Offer]): Leg[] {
  return offers.flatMap(({ items, fungibles }, at): Leg[] => {
    const giver = at as 0 | 1;
    return [...items.map((id): Leg => [giver, id, 1]), ...Object.entries(fungibles).map(([asset, quantity]): Leg => [giver, asset, quantity])];
  });
}
