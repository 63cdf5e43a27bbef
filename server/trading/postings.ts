import type { Posting } from '../../persistence/index.ts';
import type { TradeWindow } from './trade-window.ts';

/** What a trade moves: each side's offer to the other, items in id order. Pure. [TR7] */
export function tradePostings(window: TradeWindow): Posting[] {
  const postings: Posting[] = [];
  for (const giver of window.players) {
    const receiver = window.partnerOf(giver);
    const { items, fungibles } = window.side(giver);
    const inOrder = items.length > 1 ? items.toSorted((a, b) => (a.id < b.id ? -1 : 1)) : items;
    for (const { id, version, kind, attributes } of inOrder) postings.push({ item: id, version, content: { kind, attributes, bound: false }, giver, receiver });
    for (const [asset, quantity] of Object.entries(fungibles)) postings.push({ asset, quantity, giver, receiver });
  }
  return postings;
}
