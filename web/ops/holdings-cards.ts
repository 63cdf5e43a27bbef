import type { Item, PlayerRecord } from '../../schema/holdings.ts';
import { el } from '../src/dom.ts';
import { quantityText } from '../src/quantity-text.ts';
import { itemLink } from './links.ts';
import { titleOf } from './titles.ts';
import { section } from './view.ts';
import { shortId } from './words.ts';

/** What a player holds, by title: counts, and items with the way to their history. */
export function holdingSections({ fungibles, items }: PlayerRecord): HTMLElement[] {
  const counts = Object.entries(fungibles).filter(([, count]) => count > 0).toSorted(([a], [b]) => titleOf(a).localeCompare(titleOf(b), 'en'));
  const sorted = items.toSorted((a, b) => titleOf(a.kind).localeCompare(titleOf(b.kind), 'en') || (a.id < b.id ? -1 : 1));
  return [el('div', { class: 'columns' },
    section('Counted', { testid: 'counts' }, counts.length === 0 ? el('p', { class: 'quiet' }, 'Nothing.') : el('dl', { class: 'counts' }, ...counts.map(([asset, count]) =>
      el('div', {}, el('dt', {}, titleOf(asset)), el('dd', { testid: `count-${asset}` }, quantityText(count)))))),
    section('Items', { testid: 'items' }, sorted.length === 0 ? el('p', { class: 'quiet' }, 'None.') : el('ul', { class: 'lines' }, ...sorted.map(itemLine))))];
}

function itemLine({ id, kind, version, bound, attributes }: Item): HTMLElement {
  const said = Object.entries(attributes).map(([name, value]) => `${name.replace(/[_-]/g, ' ')} ${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return el('li', {},
    el('span', { class: 'item-name' }, el('strong', {}, titleOf(kind)), bound && el('span', { class: 'badge badge-warn' }, 'Bound'), el('span', { class: 'quiet' }, [...said, `version ${version}`].join(', '))),
    itemLink(id, 'History', el('span', { class: 'sr-only' }, ` of ${titleOf(kind)} ${shortId(id)}`)));
}
