import type { Posting } from '../../persistence/index.ts';
import type { TradeWindow } from './trade-window.ts';

/** What a trade moves: each side's offer to the other, items in id order. Pure. [TR7] */
export function tradePostings(window: TradeWindow): Posting[] {
  return window.players.flatMap((giver): Posting[] => {
    const receiver = window.partnerOf(giver);
    const { items, fungibles } = window.side(giver);
    return [
      ...items.toSorted((a, b) => (a.id < b.id ? -1 : 1)).map(({ id, version, kind, attributes }) => ({ item: id, version, content: { kind, attributes, bound: false }, giver, receiver })),
      ...Object.entries(fungibles).map(([asset, quantity]) => ({ asset, quantity, giver, receiver })),
    ];
  });
}
