import type { ItemId, PlayerId, TransactionId } from '../../schema/ids.ts';
import { el, type Child } from '../src/dom.ts';
import { hashOf } from './route.ts';
import { nameOf, shortId, type Names } from './words.ts';

/** Whoever has an end of a posting; players open their file. */
export function holderLink(id: string, names: Names): HTMLElement {
  if (names[id] === undefined) return el('span', { title: id }, nameOf(id, names));
  return el('a', { href: hashOf({ view: 'player', id: id as PlayerId }), title: id }, nameOf(id, names));
}

export function itemLink(id: ItemId, ...text: Child[]): HTMLElement {
  return el('a', { href: hashOf({ view: 'item', id }), title: id, testid: `item-${id}` }, ...text);
}

export function tradeLink(id: TransactionId, ...text: Child[]): HTMLElement {
  return el('a', { href: hashOf({ view: 'trade', id }), title: id, testid: `trade-${id}` }, ...(text.length > 0 ? text : [shortId(id)]));
}

/** An id in full, to be copied. */
export function idText(id: string): HTMLElement {
  return el('code', { class: 'id' }, id);
}
