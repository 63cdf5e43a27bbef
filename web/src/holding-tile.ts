import { assetOf } from './catalog.ts';
import { button, el, fill, replay, setText } from './dom.ts';
import { iconElement } from './icons.ts';
import { assetNameOf, holdingText } from './item-text.ts';
import type { Row } from './keyed-list.ts';
import type { Holding } from './player-view.ts';
import { quantityText, shortQuantityText } from './quantity-text.ts';

export interface TileOptions {
  /** Before the name in the tile's test id: `inventory` makes `inventory-gold`. */
  testid: string;
  press: (holding: Holding) => void;
  /** Why a holding cannot be chosen here; the tile is then marked, and still says why when pressed. */
  blocked?: (holding: Holding) => string | undefined;
  /** Dragged to the table of a trade. */
  draggable?: boolean;
}

/** The key of a holding that is being dragged. */
export const DRAG_TYPE = 'application/x-strongroom-holding';

/** A square button with a thing's picture and count; it flashes when the count rises or falls. */
export function holdingTile(first: Holding, options: TileOptions): Row<Holding> {
  let shown = first;
  const picture = el('span', { class: 'tile-picture' });
  const count = el('span', { class: 'tile-count', 'aria-hidden': 'true' });
  const title = el('span', { class: 'tile-title', 'aria-hidden': 'true' });
  const mark = el('span', { class: 'tile-bound', 'aria-hidden': 'true', title: 'Bound' });
  const element = button(
    {
      class: 'tile tile-new',
      testid: `${options.testid}-${assetNameOf(first)}`,
      'data-key': first.key,
      draggable: options.draggable ? 'true' : undefined,
      press: () => options.press(shown),
      on: { dragstart: (event) => event.dataTransfer?.setData(DRAG_TYPE, shown.key) },
    },
    picture,
    mark,
    count,
    title,
  );
  let drawn = '';
  return {
    element,
    update(holding) {
      const asset = assetOf(assetNameOf(holding));
      if (drawn !== asset.icon) fill(picture, iconElement(asset.icon));
      drawn = asset.icon;
      setText(title, asset.title);
      mark.hidden = !isBound(holding);
      const blocked = options.blocked?.(holding);
      element.classList.toggle('tile-blocked', blocked !== undefined);
      element.title = [holdingText(holding), blocked].filter(Boolean).join(' — ');
      element.setAttribute('aria-label', element.title);
      if (holding.type === 'fungible') {
        count.dataset['count'] = shortQuantityText(holding.quantity);
        if (shown.type === 'fungible') showChange(element, holding.quantity - shown.quantity);
      }
      shown = holding;
    },
  };
}

export function isBound(holding: Holding): boolean {
  return holding.type === 'unique' ? holding.item.bound : assetOf(holding.asset).bound;
}

function showChange(tile: HTMLElement, difference: number): void {
  if (difference === 0) return;
  const rises = difference > 0;
  replay(tile, rises ? 'flash-up' : 'flash-down');
  tile.classList.remove(rises ? 'flash-down' : 'flash-up');
  const float = el('span', { class: 'tile-change', 'aria-hidden': 'true' }, `${rises ? '+' : '−'}${quantityText(Math.abs(difference))}`);
  tile.append(float);
  setTimeout(() => float.remove(), 1200);
}
