import type { ItemId } from '../../schema/ids.ts';
import { cell } from '../client/index.ts';
import { attempt } from './attempt.ts';
import { button, el, setText } from './dom.ts';
import { holdingPicker } from './holding-picker.ts';
import { NOTHING, withinHeld, type Offer } from './offer-draft.ts';
import { offerList } from './offer-list.ts';
import type { Held } from './player-view.ts';
import { toast } from './toasts.ts';
import { draftView } from './trade-offer.ts';

export interface BankMoveOptions {
  kind: 'deposit' | 'withdraw';
  /** Over what there is to choose from, and over what was chosen. */
  title: string;
  heading: string;
  action: string;
  busy: string;
  done: string;
  /** There is nothing to choose from; nothing is chosen. */
  nothing: string;
  unchosen: string;
  held: () => Held | undefined;
  send: (move: { items: ItemId[]; fungibles: Record<string, number> }) => Promise<unknown>;
}

/** One way of things between an inventory and a bank: tiles to choose from, what was chosen, and the button that moves it. */
export function bankMove(options: BankMoveOptions): { element: HTMLElement; show(): void } {
  const { kind, held } = options;
  const chosen = cell<Offer>(NOTHING);
  let moving = false;
  const picker = holdingPicker({
    title: options.title,
    testids: { grid: `bank-${kind}-from`, tile: kind },
    offer: chosen,
    // What is on its way is not edited.
    change: (edit) => moving || chosen.set(edit(chosen.get())),
    held,
    chosen: (asset) => list.focusQuantity(asset),
  });
  const list = offerList({ testid: `${kind}-chosen`, empty: options.unchosen, edits: picker.edits });
  const nothing = el('p', { class: 'quiet' }, options.nothing);
  const go = button({ class: 'button button-primary', testid: `bank-${kind}`, press: () => void move() }, options.action);
  picker.element.append(nothing);
  const side = el('section', { class: 'side' }, el('header', { class: 'side-head' }, el('h3', {}, options.heading)), list.element, el('div', { class: 'side-foot' }, go));
  picker.acceptDrops(side);
  chosen.watch(show);
  return { element: el('div', { class: 'bank-move' }, picker.element, side), show };

  function show(): void {
    const there = held();
    // Others take from the same bank: what is gone is not chosen any more.
    if (there) chosen.set(withinHeld(chosen.get(), there));
    picker.show();
    list.show(draftView(chosen.get(), there));
    nothing.hidden = !there || there.fungibles.size + there.items.size > 0;
    go.disabled = isNothing(chosen.get());
    setText(go, moving ? options.busy : options.action);
  }

  async function move(): Promise<void> {
    const { items, fungibles } = chosen.get();
    moving = true;
    show();
    const moved = await attempt(go, () => options.send({ items: items as ItemId[], fungibles: { ...fungibles } }));
    moving = false;
    if (moved) {
      chosen.set(NOTHING);
      toast(options.done, 'good');
    }
    show();
  }
}

function isNothing({ items, fungibles }: Offer): boolean {
  return items.length === 0 && Object.keys(fungibles).length === 0;
}
