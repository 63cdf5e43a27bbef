import { REFUSALS, type RefusalCode, type RefusalReply } from '../../schema/refusals.ts';
import { AnswerLost, Refused } from '../client/index.ts';

/** The same refusal in the words of the player's side of the screen; the table in `schema/` has the rest. */
const PLAYER_WORDS: Partial<Record<RefusalCode, string>> = {
  RATE_LIMITED: 'That was too fast. Wait a moment and try again.',
  BAD_REQUEST: 'The server did not understand that. Reload the page if it happens again.',
  NOT_OWNER: 'One of the items offered is not held by its owner any more.',
  ITEM_BOUND: 'This item is bound to its holder and cannot be traded.',
  INSUFFICIENT: 'There is not enough of that to give.',
  TRADE_NOT_FOUND: 'That trade is over.',
  TRADE_STALE: 'The offer changed after you last saw it. Look again before you accept.',
  TRADE_CLOSED: 'The trade is being settled or is over; it cannot be changed any more.',
  TRADE_SELF: 'You cannot trade with yourself.',
  CONCURRENT_MODIFICATION: 'Others kept changing the same things. Nothing moved; try again.',
  NOT_READY: 'It has not grown back yet.',
  TOO_FAR: 'That is out of reach. Walk closer.',
};

/** One clear sentence for a refusal; a fault on the server's side also names the reference that its log has. */
export function refusalText(reply: RefusalReply): string {
  const known = PLAYER_WORDS[reply.code] ?? REFUSALS[reply.code]?.text ?? 'The server refused that.';
  return reply.code === 'INTERNAL' && reply.ref ? `${known} Reference: ${reply.ref}` : known;
}

/** The sentence to show for anything that was thrown. */
export function failureText(error: unknown): string {
  if (error instanceof Refused) return refusalText(error.reply);
  if (error instanceof AnswerLost) return 'The connection was lost before the answer came. What you see in your inventory is what is yours.';
  console.error(error);
  return 'Something went wrong. Try again.';
}
