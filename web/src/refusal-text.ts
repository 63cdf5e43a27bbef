import { REFUSALS, type RefusalCode, type RefusalDetails, type RefusalReply } from '../../schema/refusals.ts';
import { AnswerLost, Refused } from '../client/index.ts';
import { assetOf } from './catalog.ts';
import { quantityText } from './quantity-text.ts';

/** The same refusal in the words of the player's side of the screen; the table in `schema/` has the rest. */
const PLAYER_WORDS: Partial<Record<RefusalCode, string>> = {
  RATE_LIMITED: 'That was too fast. Wait a moment and try again.',
  ACCOUNT_FROZEN: 'Your account is frozen by support: nothing of value can leave or enter it.',
  BAD_REQUEST: 'The server did not understand that. Reload the page if it happens again.',
  NOT_OWNER: 'One of the items offered is not held by its owner any more.',
  ITEM_BOUND: 'This item is bound to its holder and cannot be given away.',
  INSUFFICIENT: 'There is not enough of that to give.',
  TRADE_NOT_FOUND: 'That trade is over.',
  TRADE_STALE: 'The offer changed after you last saw it. Look again before you accept.',
  TRADE_CLOSED: 'The trade is being settled or is over; it cannot be changed any more.',
  TRADE_SELF: 'You cannot trade with yourself.',
  CONCURRENT_MODIFICATION: 'Others kept changing the same things. Nothing moved; try again.',
  GUILD_NOT_FOUND: 'That guild does not exist any more.',
  GUILD_NAME_TAKEN: 'Another guild has that name or tag.',
  NOT_READY: 'It has not grown back yet.',
  TOO_FAR: 'That is out of reach. Walk closer.',
};

/** As a pause names it. */
const EVERYTHING = '*';

/** What is wrong with a request's form, or overloaded, is for whoever wrote the page or runs the server. */
const REASONLESS: ReadonlySet<RefusalCode> = new Set(['BAD_REQUEST', 'BUSY', 'INTERNAL']);

/**
 * One clear sentence for a refusal, with the reason where it has one; a fault on the server's side also names the reference
 * that its log has.
 */
export function refusalText({ code, details, ref }: RefusalReply): string {
  const known = PLAYER_WORDS[code] ?? REFUSALS[code]?.text ?? 'The server refused that.';
  if (code === 'TRADING_PAUSED') return pausedText(details);
  if (code === 'INTERNAL' && ref) return `${known} Reference: ${ref}`;
  const { reason } = details;
  if (typeof reason !== 'string' || REASONLESS.has(code)) return known;
  // With a reason it need not be the rank that forbids it.
  const said = code === 'GUILD_FORBIDDEN' ? 'That is not allowed' : known.replace(/[.]$/, '');
  return `${said}: ${reason}${leftText(details)}.`;
}

/** Which asset is paused, or that all are; the first who accepted a trade hears only that something is. */
function pausedText({ asset }: RefusalDetails): string {
  const what = typeof asset !== 'string' ? 'Trading of something here is' : asset === EVERYTHING ? 'All trading is' : `Trading of ${assetOf(asset).title} is`;
  return `${what} paused by the operators. Try again later.`;
}

function leftText({ left, of }: RefusalDetails): string {
  if (typeof left !== 'number') return '';
  const what = typeof of !== 'string' ? '' : of === 'items' ? ' items' : ` ${assetOf(of).title}`;
  return ` (${left === 0 ? 'no' : quantityText(left)}${what} left)`;
}

/** The sentence to show for anything that was thrown. */
export function failureText(error: unknown): string {
  if (error instanceof Refused) return refusalText(error.reply);
  if (error instanceof AnswerLost) return 'The connection was lost before the answer came. What you see in your inventory is what is yours.';
  console.error(error);
  return 'Something went wrong. Try again.';
}
