import { REFUSALS, type RefusalCode, type RefusalReply } from '../../schema/refusals.ts';
import type { Offer } from './offer-draft.ts';
import type { Held, ItemView } from './player-view.ts';
import { refusalText } from './refusal-text.ts';
import type { OfferView, TradeView } from './trade-view.ts';

/** The player's own draft with its items looked up: in what it is taken from, or on the table as the server shows it. */
export function draftView(offer: Offer, held: Held | undefined, view?: TradeView): OfferView {
  const items = new Map<string, ItemView>();
  for (const id of offer.items) {
    const item = held?.items.get(id) ?? view?.mine?.items.get(id);
    if (item) items.set(id, item);
  }
  return { fungibles: new Map(Object.entries(offer.fungibles)), items };
}

/** What the trade is waiting for, in one sentence; the first that holds is said. */
export function standingText(standing: {
  link: string;
  view: TradeView | undefined;
  partnerName: string;
  /** Of the player's own last acceptance. */
  refusal: RefusalReply | undefined;
  changed: boolean;
  awaited: boolean;
  empty: boolean;
}): string {
  const { link, view, partnerName } = standing;
  if (link === 'dropped' || (link === 'joining' && view)) return 'The connection dropped. Coming back…';
  if (!view) return 'Opening the trade…';
  if (view.phase === 'settling') return 'Both of you accepted. Settling…';
  const failed = reopenedText(view, partnerName, standing.refusal);
  if (failed !== undefined) return failed;
  if (standing.changed) return 'The offer changed — look again.';
  if (view.mine?.accepted) return `You accepted. Waiting for ${partnerName}.`;
  if (standing.awaited) return `${partnerName} was asked. Choose what you offer meanwhile.`;
  if (view.theirs?.accepted) return `${partnerName} accepted. Look at both sides, then accept.`;
  if (standing.empty) return 'Choose what you offer from your inventory below.';
  return 'When both sides are right, accept.';
}

/** A settlement that was refused opens the trade again and says why, until something on the table changes. */
function reopenedText(view: TradeView, partnerName: string, refusal: RefusalReply | undefined): string | undefined {
  if (view.phase !== 'open' || !(view.reason in REFUSALS)) return undefined;
  const reply = refusal?.code === view.reason ? refusal : { code: view.reason as RefusalCode, details: {}, ref: '' };
  return `It did not go through, and nothing moved. ${tradeRefusalText(reply, { playerId: view.theirs?.playerId, name: partnerName })}`;
}

/** Why a trade was refused, where a frozen account may be either side's. */
export function tradeRefusalText(reply: RefusalReply, partner: { playerId: string | undefined; name: string }): string {
  if (reply.code !== 'ACCOUNT_FROZEN') return refusalText(reply);
  const { playerId } = reply.details;
  if (playerId === undefined) return `Your account or that of ${partner.name} is frozen by support.`;
  return playerId === partner.playerId ? `The account of ${partner.name} is frozen by support: nothing of value can leave or enter it.` : refusalText(reply);
}
