import { storageKey } from './account.ts';
import type { ClientSession, TradeInvitation } from './client-session.ts';
import type { OpenDialog } from './dialog.ts';
import { button, el, setText } from './dom.ts';
import { learn } from './hints.ts';
import { failureText } from './refusal-text.ts';
import { onTop, toast } from './toasts.ts';
import { TradeSession } from './trade-session.ts';
import { openTradeWindow } from './trade-window.ts';

/** An invitation is of no use for longer than a trade stays open. */
const INVITATION_SHOWN_MS = 60_000;
const INVITATIONS_MAX = 3;

/** The page's one trade at a time: invitations in and out, the window, and the chip that brings the window back. */
export class TradeDesk {
  readonly element: HTMLElement;
  readonly #session: ClientSession;
  readonly #invitations = el('div', { class: 'invitations', role: 'status', 'aria-live': 'assertive' });
  readonly #chip = button({ class: 'trade-chip', testid: 'trade-chip', hidden: true, press: () => this.#open() });
  #trade: TradeSession | undefined;
  #window: OpenDialog | undefined;
  #shown: TradeSession | undefined;

  constructor(session: ClientSession) {
    this.#session = session;
    this.element = el('div', { class: 'desk' }, this.#invitations, this.#chip);
    session.onInvited((invitation) => this.#invited(invitation));
    session.status.watch((status) => {
      if (status === 'replaced') this.close();
    });
    this.#resume();
  }

  /** Asks another player for a trade, and opens the window to wait in. */
  async invite(playerId: string, name: string): Promise<void> {
    if (this.#trade) return this.#open();
    try {
      const tradeId = await this.#session.invite(playerId);
      this.#begin(tradeId, name, { asked: true });
    } catch (error) {
      toast(failureText(error), 'bad');
    }
  }

  close(): void {
    this.#trade?.close();
    this.#window?.close();
    this.#invitations.remove();
    this.#trade = undefined;
    this.#chip.hidden = true;
  }

  #invited(invitation: TradeInvitation): void {
    const { tradeId, from, fromName } = invitation;
    if (this.#trade?.tradeId === tradeId) return;
    const card = el('div', { class: 'invitation', testid: 'trade-invitation', 'data-from': from },
      el('p', {}, el('strong', {}, fromName), ' would like to trade with you.'),
      el('div', { class: 'actions' },
        button({ class: 'button button-quiet', testid: 'invitation-ignore', press: () => card.remove() }, 'Ignore'),
        button({
          class: 'button button-primary', testid: 'invitation-accept',
          press: () => {
            if (this.#trade) return toast('Finish the trade that is open first.');
            card.remove();
            this.#begin(tradeId, fromName);
          },
        }, 'Accept')));
    this.#invitations.querySelector(`[data-from="${CSS.escape(from)}"]`)?.remove();
    onTop(this.#invitations);
    this.#invitations.append(card);
    while (this.#invitations.children.length > INVITATIONS_MAX) this.#invitations.firstElementChild?.remove();
    setTimeout(() => card.remove(), INVITATION_SHOWN_MS);
  }

  #begin(tradeId: string, partnerName: string, { resumed = false, asked = false } = {}): void {
    sessionStorage.setItem(storageKey('trade'), JSON.stringify({ tradeId, partnerName }));
    const trade = new TradeSession({ session: this.#session, tradeId, partnerName, asked, refused: (refusal) => toast(failureText(refusal), 'bad') });
    this.#trade = trade;
    trade.ending.watch(() => this.#ended(trade));
    if (!resumed) return this.#open();
    const stop = trade.view.watch((view) => {
      stop();
      if (view?.phase === 'open' || view?.phase === 'settling') this.#open();
      else this.#forget(trade);
    });
  }

  /** A trade that was open when the page was reloaded is opened again; when it is over, nobody is bothered. */
  #resume(): void {
    const kept = sessionStorage.getItem(storageKey('trade'));
    if (kept === null) return;
    sessionStorage.removeItem(storageKey('trade'));
    const stop = this.#session.player.watch((player) => {
      if (!player) return;
      stop();
      const { tradeId, partnerName } = JSON.parse(kept) as { tradeId: string; partnerName: string };
      if (!this.#trade) this.#begin(tradeId, partnerName, { resumed: true });
    });
  }

  #open(): void {
    const trade = this.#trade;
    if (!trade || this.#window) return;
    this.#shown = trade;
    learn('meet');
    const closing = (forget: boolean) => {
      this.#window = undefined;
      if (forget && this.#trade === trade) this.#trade = undefined;
      this.#showChip();
    };
    this.#window = openTradeWindow({ trade, player: this.#session.player, hidden: () => closing(false), done: () => closing(true) });
    this.#showChip();
  }

  /** The end is shown, also when the window was put aside; but not of a trade that this page has not shown yet. */
  #ended(trade: TradeSession): void {
    sessionStorage.removeItem(storageKey('trade'));
    if (this.#trade !== trade || this.#window) return;
    if (this.#shown === trade) this.#open();
    else this.#forget(trade);
  }

  #forget(trade: TradeSession): void {
    trade.close();
    if (this.#trade === trade) this.#trade = undefined;
    this.#showChip();
  }

  #showChip(): void {
    this.#chip.hidden = !this.#trade || this.#window !== undefined;
    setText(this.#chip, `Back to the trade with ${this.#trade?.theirName ?? ''}`);
  }
}
