import { openDialog, type OpenDialog } from './dialog.ts';
import { button, el } from './dom.ts';
import { offerHalf } from './offer-list.ts';
import { isEmptyOffer, type OfferView } from './trade-view.ts';

/**
 * The second look: both halves of the deal in words, bound to the revision that was seen. The caller closes it when the
 * table changes; `sure` is only ever called for what is written here.
 */
export function openTradeSummary(options: { give: OfferView; get: OfferView; partnerName: string; sure: () => void; closed: () => void }): OpenDialog {
  const { give, get, partnerName } = options;
  const warning = isEmptyOffer(get) ? 'You get nothing in return.' : isEmptyOffer(give) ? 'You give nothing for it.' : undefined;
  const dialog = openDialog(
    { label: 'Confirm the trade', class: 'dialog summary', testid: 'trade-summary', closed: options.closed },
    el('h2', {}, 'Are you sure?'),
    el('p', { class: 'quiet' }, `This trade with ${partnerName} is final once both of you accepted.`),
    offerHalf('You give', give, 'summary-give'),
    offerHalf('You get', get, 'summary-get'),
    warning !== undefined && el('p', { class: 'warning', role: 'alert' }, warning),
    el('div', { class: 'actions' },
      button({ class: 'button', testid: 'summary-back', press: () => dialog.close() }, 'Look again'),
      button({
        class: 'button button-primary', testid: 'summary-sure', autofocus: true,
        press: () => {
          dialog.close();
          options.sure();
        },
      }, 'Yes, trade')),
  );
  return dialog;
}
