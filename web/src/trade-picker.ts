import type { Cell } from '../client/index.ts';
import { el } from './dom.ts';
import { DRAG_TYPE, holdingTile, isBound } from './holding-tile.ts';
import { keyedList } from './keyed-list.ts';
import { withItem, withoutItem, withQuantity } from './offer-draft.ts';
import type { OfferEdits } from './offer-list.ts';
import { listHoldings, type Holding, type PlayerView } from './player-view.ts';
import { refusalText } from './refusal-text.ts';
import { toast } from './toasts.ts';
import type { TradeSession } from './trade-session.ts';

export interface TradePicker {
  element: HTMLElement;
  edits: OfferEdits;
  /** Lets things be dragged onto an element to offer them. */
  acceptDrops(target: HTMLElement): void;
  show(): void;
}

/** One's own inventory inside the trade window: a press puts a thing on the table, or takes it back. */
export function tradePicker(options: { trade: TradeSession; player: Cell<PlayerView | undefined>; chosen: (asset: string) => void }): TradePicker {
  const { trade, player } = options;
  const { draft } = trade;
  const tiles = el('div', { class: 'tiles tiles-small', testid: 'trade-inventory' });
  const showTiles = keyedList<Holding>(tiles, (holding) => holding.key, (holding) =>
    holdingTile(holding, { testid: 'offer', press: toggle, blocked, draggable: true }));

  const held = (asset: string) => player.get()?.fungibles.get(asset) ?? 0;

  function toggle(holding: Holding): void {
    if (blocked(holding)) return toast(refusalText({ code: 'ITEM_BOUND', details: {}, ref: '' }), 'bad');
    if (holding.type === 'unique') {
      const { id } = holding.item;
      return draft.change((offer) => (offer.items.includes(id) ? withoutItem(offer, id) : withItem(offer, id)));
    }
    if (draft.offer.get().fungibles[holding.asset] === undefined) draft.change((offer) => withQuantity(offer, holding.asset, 1));
    options.chosen(holding.asset);
  }

  function offered(holding: Holding): boolean {
    const offer = draft.offer.get();
    return holding.type === 'unique' ? offer.items.includes(holding.item.id) : offer.fungibles[holding.asset] !== undefined;
  }

  return {
    element: el('section', { class: 'picker', 'aria-labelledby': 'picker-title' }, el('h3', { id: 'picker-title' }, 'Your inventory'), tiles),
    edits: {
      held,
      setQuantity: (asset, quantity) => draft.change((offer) => withQuantity(offer, asset, quantity)),
      remove: (holding) => draft.change((offer) => (holding.type === 'unique' ? withoutItem(offer, holding.item.id) : withQuantity(offer, holding.asset, 0))),
    },
    acceptDrops(target) {
      target.addEventListener('dragover', (event) => {
        if (event.dataTransfer?.types.includes(DRAG_TYPE)) event.preventDefault();
      });
      target.addEventListener('drop', (event) => {
        const key = event.dataTransfer?.getData(DRAG_TYPE);
        const holding = holdings().find((candidate) => candidate.key === key);
        if (!holding) return;
        event.preventDefault();
        if (!offered(holding)) toggle(holding);
      });
    },
    show() {
      showTiles(holdings());
      for (const tile of tiles.children as HTMLCollectionOf<HTMLElement>) {
        const holding = holdings().find(({ key }) => key === tile.dataset['key']);
        tile.setAttribute('aria-pressed', String(holding !== undefined && offered(holding)));
      }
    },
  };

  function holdings(): Holding[] {
    const now = player.get();
    return now ? listHoldings(now) : [];
  }
}

function blocked(holding: Holding): string | undefined {
  return isBound(holding) ? 'bound, cannot be traded' : undefined;
}
