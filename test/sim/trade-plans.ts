import type { Holdings } from '../../schema/holdings.ts';
import type { ItemId } from '../../schema/ids.ts';
import type { Offer } from '../../schema/messages/trade.ts';
import { pick, whole, type Random } from '../../loadtest/bench/kit/holdings.ts';

const ITEMS_MAX = 3;
const GOLD_MAX = 20;
const RING_GOLD_MAX = 3;
/** How often a trade is wrong on purpose. */
const SHARES = { severalItems: 0.2, allGold: 0.03, tooMuchGold: 0.02, notHeld: 0.02, staleRevision: 0.02 };

export interface Draft {
  offers: [Offer, Offer];
  /** How far behind the last revision the second acceptance is. */
  behind: number;
}

/** Who trades with whom, and what. */
export interface TradePlan {
  /** By their place among the players. */
  pair(): [number, number];
  /** From what both have; undefined when one of them has nothing to give. */
  draft(seen: readonly [Holdings, Holdings]): Draft | undefined;
}

/** Anybody with anybody: an item for an item and gold, mostly. */
export function anybody(players: number, random: Random): TradePlan {
  const itemsOf = ({ items }: Holdings): ItemId[] => {
    const count = random() < SHARES.severalItems ? whole(random, 2, ITEMS_MAX) : 1;
    return [...new Set(Array.from({ length: count }, () => pick(random, items).id))];
  };
  return {
    pair() {
      const first = whole(random, 0, players - 1);
      // One of the others, each as likely.
      return [first, (first + whole(random, 1, players - 1)) % players];
    },
    draft([mine, theirs]) {
      const gold = mine.fungibles['gold'] ?? 0;
      if (mine.items.length === 0 || theirs.items.length === 0 || gold === 0) return undefined;
      const given = itemsOf(mine);
      const taken = itemsOf(theirs);
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
    },
  };
}

/** Players in threes, A to B to C to A and the other way round: gold, so that nothing but a lock can be in the way. */
export function rings(players: number, random: Random): TradePlan {
  return {
    pair() {
      const first = 3 * whole(random, 0, players / 3 - 1);
      const [at, ahead] = [whole(random, 0, 2), whole(random, 1, 2)];
      return [first + at, first + ((at + ahead) % 3)];
    },
    draft([{ fungibles: { gold = 0 } }]) {
      if (gold < RING_GOLD_MAX) return undefined;
      return { offers: [{ items: [], fungibles: { gold: whole(random, 1, RING_GOLD_MAX) } }, { items: [], fungibles: {} }], behind: 0 };
    },
  };
}
