import { assetOf, catalog } from './catalog.ts';
import type { ClientSession } from './client-session.ts';
import { button, el, fill, setText } from './dom.ts';
import { holdingTile, isBound } from './holding-tile.ts';
import { iconElement } from './icons.ts';
import { assetNameOf, attributeTexts } from './item-text.ts';
import { keyedList } from './keyed-list.ts';
import { listHoldings, type Holding } from './player-view.ts';
import { quantityText } from './quantity-text.ts';

/** Everything the player holds, and the details of the one thing that was pressed. */
export function inventoryPanel(session: ClientSession): HTMLElement {
  const grid = el('div', { class: 'tiles', testid: 'inventory' });
  const empty = el('p', { class: 'quiet', testid: 'inventory-empty' }, 'Nothing yet. Walk to a tree or a rock and gather.');
  const total = el('span', { class: 'quiet' });
  const detail = el('div', { class: 'detail', 'aria-live': 'polite', testid: 'item-detail' });
  let selected: string | undefined;
  let holdings: Holding[] = [];

  const showTiles = keyedList<Holding>(grid, (holding) => holding.key, (holding) => holdingTile(holding, { testid: 'inventory', press: select }));

  function select(holding: Holding): void {
    selected = selected === holding.key ? undefined : holding.key;
    showDetail();
  }

  function showDetail(): void {
    const holding = holdings.find(({ key }) => key === selected);
    for (const tile of grid.children) tile.setAttribute('aria-pressed', String((tile as HTMLElement).dataset['key'] === selected));
    detail.hidden = !holding;
    if (holding) fill(detail, ...detailOf(holding, () => select(holding)));
  }

  function show(): void {
    const player = session.player.get();
    holdings = player ? listHoldings(player) : [];
    showTiles(holdings);
    empty.hidden = holdings.length > 0 || !player;
    const items = player?.items.size ?? 0;
    setText(total, items === 0 ? '' : `${items} item${items === 1 ? '' : 's'}`);
    showDetail();
  }

  session.player.watchNow(show);
  catalog.watch(show);
  return el('section', { class: 'panel', 'aria-labelledby': 'inventory-title' },
    el('header', { class: 'panel-head' }, el('h2', { id: 'inventory-title' }, 'Inventory'), total),
    grid, empty, detail);
}

function detailOf(holding: Holding, close: () => void): HTMLElement[] {
  const asset = assetOf(assetNameOf(holding));
  const lines = holding.type === 'fungible' ? fungibleLines(holding.quantity, asset.stack) : attributeTexts(holding.item.attributes);
  return [
    iconElement(asset.icon, 'icon-large'),
    el('div', { class: 'detail-text' },
      el('strong', {}, asset.title),
      ...lines.map((line) => el('span', {}, line)),
      ...(isBound(holding) ? [el('span', { class: 'detail-bound' }, 'Bound: it stays with you and cannot be traded.')] : [])),
    button({ class: 'icon-button', 'aria-label': 'Close details', press: close }, '×'),
  ];
}

function fungibleLines(quantity: number, stack: number): string[] {
  const stacks = stack > 1 ? Math.ceil(quantity / stack) : 0;
  return [`${quantityText(quantity)} held`, ...(stacks > 1 ? [`${stacks} stacks of up to ${quantityText(stack)}`] : [])];
}
