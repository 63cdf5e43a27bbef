import { catalog } from './catalog.ts';
import { Refused, type Cell } from '../client/index.ts';
import { openDialog, type OpenDialog } from './dialog.ts';
import { button, el, fill, replay, setText } from './dom.ts';
import { windowHint } from './hints.ts';
import { holdingPicker } from './holding-picker.ts';
import type { PlayerView } from './player-view.ts';
import { failureText } from './refusal-text.ts';
import { toast } from './toasts.ts';
import { tradeEnding } from './trade-ending.ts';
import { draftView, standingText, tradeRefusalText } from './trade-offer.ts';
import type { TradeSession } from './trade-session.ts';
import { tradeSide } from './trade-side.ts';
import { openTradeSummary } from './trade-summary.ts';
import { changedKeys, EMPTY_OFFER, isEmptyOffer, offerChanged, type TradeView } from './trade-view.ts';

export interface TradeWindowOptions {
  trade: TradeSession;
  player: Cell<PlayerView | undefined>;
  /** The window was put aside; the trade goes on. */
  hidden: () => void;
  /** The end was read. */
  done: () => void;
}

const CHANGE_SHOWN_MS = 8000;

/** The trade on screen: both sides, one's own inventory to choose from, and the way to "yes" in two steps. */
export function openTradeWindow({ trade, player, hidden, done }: TradeWindowOptions): OpenDialog {
  let seen: TradeView | undefined = trade.view.get();
  let changed = false;
  let changeTimer: ReturnType<typeof setTimeout> | undefined;
  let accepting = false;
  let summary: { dialog: OpenDialog; revision: number } | undefined;

  const title = el('h2', { tabindex: '-1', autofocus: true });
  const standing = el('p', { class: 'standing', 'aria-live': 'polite', testid: 'trade-standing' });
  const picker = holdingPicker({
    title: 'Your inventory',
    testids: { grid: 'trade-inventory', tile: 'offer' },
    offer: trade.draft.offer,
    change: (edit) => trade.draft.change(edit),
    held: () => player.get(),
    chosen: (asset) => mine.list.focusQuantity(asset),
  });
  const mine = tradeSide({ testid: 'mine', empty: 'You offer nothing yet.', edits: picker.edits });
  const theirs = tradeSide({ testid: 'theirs', empty: 'Nothing yet.' });
  const accept = button({ class: 'button button-primary', testid: 'trade-accept', press: review }, 'Accept');
  const cancel = button({ class: 'button button-quiet', testid: 'trade-cancel', press: () => void callOff() }, 'Cancel trade');
  const hide = button({ class: 'button button-quiet button-small', title: 'The trade stays open', testid: 'trade-hide', press: () => dialog.close() }, 'Put aside');
  picker.acceptDrops(mine.element);

  const dialog = openDialog(
    { label: 'Trade', class: 'dialog trade', testid: 'trade-window', closed },
    el('header', { class: 'trade-head' }, title, hide),
    standing,
    windowHint('trade'),
    el('div', { class: 'sides' }, mine.element, theirs.element),
    picker.element,
    el('footer', { class: 'actions trade-actions' }, cancel, accept),
  );
  const stops = [
    trade.view.watch((view) => view && turn(view)),
    trade.draft.offer.watch(edited),
    trade.draft.pending.watch(show),
    trade.status.watch(show),
    trade.ending.watch(show),
    player.watch(show),
    catalog.watch(show),
  ];
  show();
  return dialog;

  function turn(view: TradeView): void {
    if (offerChanged(seen, view)) {
      const theirChanges = changedKeys(seen?.theirs ?? EMPTY_OFFER, view.theirs ?? EMPTY_OFFER);
      const takenAway = changedKeys(view.theirs ?? EMPTY_OFFER, seen?.theirs ?? EMPTY_OFFER);
      const wasAccepted = Boolean(seen?.mine?.accepted || seen?.theirs?.accepted);
      if (theirChanges.size + takenAway.size > 0 || wasAccepted) announceChange();
      theirs.show({ heading: theirHeading(), offer: view.theirs, accepted: view.theirs?.accepted ?? false, changed: theirChanges });
    }
    if (summary && (view.revision !== summary.revision || view.phase !== 'open')) summary.dialog.close();
    seen = view;
    show();
  }

  function announceChange(): void {
    changed = true;
    replay(standing, 'standing-changed');
    clearTimeout(changeTimer);
    changeTimer = setTimeout(() => {
      changed = false;
      show();
    }, CHANGE_SHOWN_MS);
  }

  function edited(): void {
    changed = false;
    summary?.dialog.close();
    show();
  }

  function show(): void {
    const ending = trade.ending.get();
    if (ending) return showEnding();
    const view = trade.view.get();
    const offer = draftView(trade.draft.offer.get(), player.get(), view);
    const empty = isEmptyOffer(offer) && isEmptyOffer(view?.theirs ?? EMPTY_OFFER);
    setText(title, `Trade with ${trade.theirName}`);
    setText(standing, standingText({ link: trade.status.get().kind, view, partnerName: trade.theirName, refusal: trade.refusal, changed, awaited: trade.awaited, empty }));
    mine.show({ heading: 'You give', offer, accepted: view?.mine?.accepted ?? false });
    theirs.show({ heading: theirHeading(), offer: view?.theirs, accepted: view?.theirs?.accepted ?? false });
    picker.show();
    const open = view?.phase === 'open' && trade.status.get().kind === 'live';
    const accepted = view?.mine?.accepted ?? false;
    accept.disabled = !open || !trade.inStep || accepted || accepting || empty || !view.theirs;
    setText(accept, accepting ? 'Accepting…' : accepted ? 'Accepted' : 'Accept');
    cancel.disabled = view?.phase === 'settling';
  }

  function theirHeading(): string {
    return `You get from ${trade.theirName}`;
  }

  function review(): void {
    const view = trade.view.get();
    if (!view || accept.disabled) return;
    const opened = openTradeSummary({
      give: view.mine ?? EMPTY_OFFER,
      get: view.theirs ?? EMPTY_OFFER,
      partnerName: trade.theirName,
      sure: () => void acceptRevision(view.revision),
      closed: () => (summary = undefined),
    });
    summary = { dialog: opened, revision: view.revision };
  }

  async function acceptRevision(revision: number): Promise<void> {
    accepting = true;
    changed = false;
    show();
    try {
      await trade.accept(revision);
    } catch (error) {
      if (!trade.ending.get()) toast(error instanceof Refused ? tradeRefusalText(error.reply, { playerId: trade.view.get()?.theirs?.playerId, name: trade.theirName }) : failureText(error), 'bad');
    }
    accepting = false;
    show();
  }

  async function callOff(): Promise<void> {
    try {
      await trade.cancel();
    } catch (error) {
      if (!trade.ending.get()) toast(failureText(error), 'bad');
    }
  }

  function showEnding(): void {
    const ending = trade.ending.get();
    summary?.dialog.close();
    if (!ending || dialog.element.dataset['ended']) return;
    dialog.element.dataset['ended'] = ending.outcome;
    fill(dialog.element, tradeEnding(ending, trade.theirName, () => dialog.close()));
    dialog.element.querySelector<HTMLElement>('[autofocus]')?.focus();
  }

  function closed(): void {
    for (const stop of stops) stop();
    clearTimeout(changeTimer);
    summary?.dialog.close();
    if (trade.ending.get()) done();
    else hidden();
  }
}
