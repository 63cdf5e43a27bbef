import type { LedgerPosting } from '../../schema/messages/ops.ts';
import { el, type Child } from '../src/dom.ts';
import { quantityText } from '../src/quantity-text.ts';
import { holderLink, itemLink } from './links.ts';
import { titleOf } from './titles.ts';
import { nameOf, shortId, type Names } from './words.ts';

/** All that one gave another in one transaction. */
export interface Leg {
  giver: LedgerPosting['giver'];
  receiver: LedgerPosting['receiver'];
  postings: LedgerPosting[];
}

/** A transaction's postings by who gave whom, in the ledger's order. */
export function legsOf(postings: readonly LedgerPosting[]): Leg[] {
  const legs = new Map<string, Leg>();
  for (const posting of postings) {
    const { giver, receiver } = posting;
    const key = `${giver}>${receiver}`;
    const leg = legs.get(key) ?? { giver, receiver, postings: [] };
    leg.postings.push(posting);
    legs.set(key, leg);
  }
  return [...legs.values()];
}

/** Each leg the other way round, as a reversal moves it. */
export function turned(legs: readonly Leg[]): Leg[] {
  return legs.map(({ giver, receiver, postings }) => ({ giver: receiver, receiver: giver, postings }));
}

/** One leg in full, with its links. */
export function legCard({ giver, receiver, postings }: Leg, names: Names): HTMLElement {
  return el('section', { class: 'leg', testid: 'leg' },
    el('h4', {}, ...(giver === null ? ['Made for ', end(receiver, names)] : receiver === null ? ['Taken from ', end(giver, names)] : [end(giver, names), ' gave ', end(receiver, names)])),
    el('ul', { class: 'lines' }, ...postings.map((posting) => el('li', {}, ...thing(posting)))));
}

/** The same in plain sentences, for a second look. */
export function legLines({ giver, receiver, postings }: Leg, names: Names): HTMLElement {
  return el('div', { class: 'leg-back' },
    el('p', {}, el('strong', {}, `${nameOf(giver, names)} gives back to ${nameOf(receiver, names)}`)),
    el('ul', { class: 'bullets' }, ...postings.map((posting) => el('li', {}, plain(posting)))));
}

const end = (id: string | null, names: Names): Child => (id === null ? 'nobody' : holderLink(id, names));

function thing(posting: LedgerPosting): Child[] {
  const { item, itemVersion } = posting;
  if (item === null) return [plain(posting)];
  return [el('span', { class: 'item-name' }, el('strong', {}, itemTitle(posting)), el('span', { class: 'quiet' }, `${shortId(item)}, made version ${itemVersion}`)), itemLink(item, 'History', el('span', { class: 'sr-only' }, ` of ${itemTitle(posting)} ${shortId(item)}`))];
}

function plain(posting: LedgerPosting): string {
  const { asset, quantity, item } = posting;
  return item === null ? `${quantityText(quantity)} ${titleOf(asset ?? '')}` : `${itemTitle(posting)} ${shortId(item)}`;
}

const itemTitle = ({ kind }: LedgerPosting): string => (kind === null ? 'An item that is gone' : titleOf(kind));
