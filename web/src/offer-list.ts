import { assetOf } from './catalog.ts';
import { button, el, fill, replay, setText } from './dom.ts';
import { iconElement } from './icons.ts';
import { assetNameOf, attributeTexts } from './item-text.ts';
import { keyedList, type Row } from './keyed-list.ts';
import { listHoldings, type Holding } from './player-view.ts';
import { quantityField } from './quantity-field.ts';
import { quantityText } from './quantity-text.ts';
import type { OfferView } from './trade-view.ts';

export interface OfferEdits {
  setQuantity: (asset: string, quantity: number) => void;
  remove: (holding: Holding) => void;
  held: (asset: string) => number;
}

export interface OfferList {
  element: HTMLElement;
  show(offer: OfferView, changed?: ReadonlySet<string>): void;
  /** Moves the focus to the count of an asset that was just put on the table. */
  focusQuantity(asset: string): void;
}

/** One side of the table as rows. With `edits` it is one's own side: counts can be changed, and rows taken off. */
export function offerList(options: { testid: string; empty: string; edits?: OfferEdits }): OfferList {
  const rows = el('ul', { class: 'offer-rows' });
  const empty = el('p', { class: 'quiet offer-empty' }, options.empty);
  const element = el('div', { class: 'offer-list', testid: options.testid }, rows, empty);
  const showRows = keyedList<Holding>(rows, (holding) => holding.key, (holding) => offerRow(holding, options));
  return {
    element,
    show(offer, changed) {
      const holdings = listHoldings(offer);
      showRows(holdings);
      empty.hidden = holdings.length > 0;
      // Only what the last change touched is marked: an older mark would hide it.
      for (const row of changed ? (rows.children as HTMLCollectionOf<HTMLElement>) : []) {
        row.classList.remove('offer-row-changed');
        if (changed?.has(row.dataset['key'] ?? '')) replay(row, 'offer-row-changed');
      }
    },
    focusQuantity(asset) {
      rows.querySelector<HTMLInputElement>(`[data-testid="quantity-${CSS.escape(asset)}"]`)?.focus();
    },
  };
}

/** A side that is only read, under its heading: for the second look and the end. */
export function offerHalf(title: string, offer: OfferView, testid: string): HTMLElement {
  const list = offerList({ testid, empty: 'Nothing' });
  list.show(offer);
  return el('section', { class: 'half' }, el('h3', {}, title), list.element);
}

function offerRow(first: Holding, { testid, edits }: { testid: string; edits?: OfferEdits }): Row<Holding> {
  const name = assetNameOf(first);
  const picture = el('span', { class: 'offer-picture' });
  const title = el('strong');
  const lines = el('span', { class: 'offer-lines' });
  const count = el('span', { class: 'offer-count' });
  const field = edits && first.type === 'fungible' ? quantityField({ name, title: assetOf(name).title, changed: (quantity) => edits.setQuantity(name, quantity) }) : undefined;
  let shown = first;
  const element = el('li', { class: 'offer-row', 'data-key': first.key, testid: `${testid}-${name}` },
    picture,
    el('div', { class: 'offer-text' }, title, lines),
    field ? field.element : count,
    edits && button({ class: 'icon-button', 'aria-label': `Take ${assetOf(name).title} back`, testid: `${testid}-${name}-remove`, press: () => edits.remove(shown) }, '×'));
  return {
    element,
    update(holding) {
      shown = holding;
      const asset = assetOf(name);
      if (picture.dataset['icon'] !== asset.icon) fill(picture, iconElement(asset.icon));
      picture.dataset['icon'] = asset.icon;
      setText(title, asset.title);
      if (holding.type === 'unique') setText(lines, attributeTexts(holding.item.attributes).join(' · '));
      else if (field && edits) field.update(holding.quantity, edits.held(name));
      else setText(count, quantityText(holding.quantity));
    },
  };
}
