import { button, el } from './dom.ts';
import { offerHalf } from './offer-list.ts';
import type { TradeEnding } from './trade-session.ts';
import { EMPTY_OFFER } from './trade-view.ts';

/** The server's reasons, as sentences; a reason that is not listed gets the plain one. */
const CANCEL_TEXTS: Record<string, string> = {
  mine: 'You cancelled it.',
  cancelled: 'The other side cancelled it.',
  left: 'One of you left the trade.',
  closed: 'The trade was closed by the server.',
  expired: 'The trade was open for too long and was closed.',
};

/** The last screen of a trade: what it came to, in one sentence, and what was moved. */
export function tradeEnding(ending: TradeEnding, partnerName: string, close: () => void): HTMLElement {
  const settled = ending.outcome === 'settled';
  return el('div', { class: 'ending', testid: `trade-${ending.outcome}`, role: 'status' },
    el('div', { class: `ending-mark ending-mark-${ending.outcome}`, 'aria-hidden': 'true' }, settled ? '✓' : ending.outcome === 'cancelled' ? '×' : '?'),
    el('h2', {}, settled ? 'Trade complete' : ending.outcome === 'cancelled' ? 'Trade cancelled' : 'The trade window was lost'),
    el('p', { class: 'quiet', testid: 'trade-reason' }, endingText(ending, partnerName)),
    settled && ending.view ? el('div', { class: 'halves' },
      offerHalf('You gave', ending.view.mine ?? EMPTY_OFFER, 'gave'),
      offerHalf('You got', ending.view.theirs ?? EMPTY_OFFER, 'got')) : null,
    el('div', { class: 'actions' }, button({ class: 'button button-primary', testid: 'trade-done', autofocus: true, press: close }, 'Done')));
}

function endingText({ outcome, reason }: TradeEnding, partnerName: string): string {
  if (outcome === 'settled') return `Everything moved at once, between you and ${partnerName}.`;
  if (outcome === 'cancelled') return `${CANCEL_TEXTS[reason] ?? 'The trade was called off.'} Nothing moved.`;
  return 'The server restarted in the middle of it. Your inventory shows what is yours.';
}
