import type { Cell } from '../client/index.ts';
import { el } from './dom.ts';
import { DRAG_TYPE, holdingTile, isBound } from './holding-tile.ts';
import { keyedList } from './keyed-list.ts';
import { withItem, withoutItem, withQuantity, type Offer } from './offer-draft.ts';
import type { OfferEdits } from './offer-list.ts';
import { listHoldings, type Held, type Holding } from './player-view.ts';
import { refusalText } from './refusal-text.ts';
import { toast } from './toasts.ts';

export interface HoldingPickerOptions {
  title: string;
  /** Of the grid, and before each name in it. */
  testids: { grid: string; tile: string };
  /** What is chosen so far. */
  offer: Cell<Offer>;
  change: (edit: (offer: Offer) => Offer) => void;
  /** What there is to choose from. */
  held: () => Held | undefined;
  /** A count was just chosen: it is 1, and to be edited. */
  chosen: (asset: string) => void;
}

export interface HoldingPicker {
  element: HTMLElement;
  edits: OfferEdits;
  /** Lets things be dragged onto an element to choose them. */
  acceptDrops(target: HTMLElement): void;
  show(): void;
}

/** Tiles to choose from: a press puts a thing among what is offered, or takes it back. */
export function holdingPicker({ title, testids, offer, change, held, chosen }: HoldingPickerOptions): HoldingPicker {
  const tiles = el('div', { class: 'tiles tiles-small', testid: testids.grid, role: 'group', 'aria-label': title });
  const showTiles = keyedList<Holding>(tiles, (holding) => holding.key, (holding) =>
    holdingTile(holding, { testid: testids.tile, press: toggle, blocked, draggable: true }));

  function toggle(holding: Holding): void {
    if (blocked(holding)) return toast(refusalText({ code: 'ITEM_BOUND', details: {}, ref: '' }), 'bad');
    if (holding.type === 'unique') {
      const { id } = holding.item;
      return change((offer) => (offer.items.includes(id) ? withoutItem(offer, id) : withItem(offer, id)));
    }
    if (offer.get().fungibles[holding.asset] === undefined) change((offer) => withQuantity(offer, holding.asset, 1));
    chosen(holding.asset);
  }

  function offered(holding: Holding): boolean {
    const { items, fungibles } = offer.get();
    return holding.type === 'unique' ? items.includes(holding.item.id) : fungibles[holding.asset] !== undefined;
  }

  return {
    element: el('section', { class: 'picker' }, el('h3', {}, title), tiles),
    edits: {
      held: (asset) => held()?.fungibles.get(asset) ?? 0,
      setQuantity: (asset, quantity) => change((offer) => withQuantity(offer, asset, quantity)),
      remove: (holding) => change((offer) => (holding.type === 'unique' ? withoutItem(offer, holding.item.id) : withQuantity(offer, holding.asset, 0))),
    },
    acceptDrops(target) {
      const over = (is: boolean) => target.classList.toggle('drop-target', is);
      target.addEventListener('dragover', (event) => {
        if (!event.dataTransfer?.types.includes(DRAG_TYPE)) return;
        event.preventDefault();
        over(true);
      });
      target.addEventListener('dragleave', (event) => {
        if (!target.contains(event.relatedTarget as Node | null)) over(false);
      });
      target.addEventListener('drop', (event) => {
        over(false);
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
    const now = held();
    return now ? listHoldings(now) : [];
  }
}

function blocked(holding: Holding): string | undefined {
  return isBound(holding) ? 'bound, cannot leave you' : undefined;
}
