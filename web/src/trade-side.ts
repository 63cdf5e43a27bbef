import { el, replay, setText } from './dom.ts';
import { offerList, type OfferEdits, type OfferList } from './offer-list.ts';
import { EMPTY_OFFER, type OfferView } from './trade-view.ts';

export interface TradeSide {
  element: HTMLElement;
  list: OfferList;
  show(side: { heading: string; offer: OfferView | undefined; accepted: boolean; changed?: ReadonlySet<string> }): void;
}

/** Half of the trade window: whose side it is, what lies on it, and a badge that says whether it was accepted. */
export function tradeSide(options: { testid: 'mine' | 'theirs'; empty: string; edits?: OfferEdits }): TradeSide {
  const heading = el('h3');
  const badge = el('span', { class: 'badge', testid: `${options.testid}-badge` });
  const list = offerList(options);
  const element = el('section', { class: `side side-${options.testid}` }, el('header', { class: 'side-head' }, heading, badge), list.element);
  let before: boolean | undefined;
  return {
    element,
    list,
    show(side) {
      setText(heading, side.heading);
      setText(badge, side.accepted ? 'Accepted' : 'Not accepted');
      badge.dataset['accepted'] = String(side.accepted);
      element.classList.toggle('side-accepted', side.accepted);
      if (before === true && !side.accepted) replay(badge, 'badge-reset');
      if (before === false && side.accepted) replay(badge, 'badge-set');
      before = side.accepted;
      list.show(side.offer ?? EMPTY_OFFER, side.changed);
    },
  };
}
