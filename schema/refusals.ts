/**
 * Every way the game says no. The order is precedence: where several hold, the first is answered. [RF1]
 * `status` is what HTTP answers with.
 */
export const REFUSALS = {
  UNAUTHENTICATED: { status: 401, text: 'Sign in first.' },
  SESSION_REPLACED: { status: 409, text: 'You signed in somewhere else.' },
  RATE_LIMITED: { status: 429, text: 'Too many requests; wait a moment.' },
  BAD_REQUEST: { status: 400, text: 'The request is malformed.' },
  COMMAND_REUSED: { status: 409, text: 'The command id was already used for a different request.' },
  UNKNOWN_ASSET: { status: 404, text: 'The catalogue has no such asset or kind.' },
  UNKNOWN_PLAYER: { status: 404, text: 'No such player.' },
  ACCOUNT_FROZEN: { status: 403, text: 'The account is frozen: nothing of value leaves or enters it.' },
  TRADING_PAUSED: { status: 503, text: 'Trading is paused by the operators.' },
  NOT_OWNER: { status: 409, text: 'An item is not held by the one who gives it.' },
  ITEM_BOUND: { status: 409, text: 'A bound item cannot leave its holder.' },
  INSUFFICIENT: { status: 409, text: 'Not enough is held.' },
  TRADE_NOT_FOUND: { status: 404, text: 'No such trade, or it is not yours.' },
  TRADE_CLOSED: { status: 409, text: 'The trade is settling or over.' },
  TRADE_STALE: { status: 409, text: 'The offer changed after you last saw it.' },
  TRADE_SELF: { status: 409, text: 'One cannot trade with oneself.' },
  CONCURRENT_MODIFICATION: { status: 409, text: 'Others kept changing the same things; try again.' },
  GUILD_NOT_FOUND: { status: 404, text: 'No such guild.' },
  GUILD_FORBIDDEN: { status: 403, text: 'Your rank does not allow that.' },
  GUILD_FULL: { status: 409, text: 'The guild is full.' },
  GUILD_NAME_TAKEN: { status: 409, text: 'The name or tag is taken.' },
  ALREADY_IN_GUILD: { status: 409, text: 'Already in a guild.' },
  NOT_READY: { status: 409, text: 'It is not ready yet.' },
  TOO_FAR: { status: 409, text: 'It is out of reach.' },
  BUSY: { status: 503, text: 'The server is busy; nothing happened, try again.' },
  INTERNAL: { status: 500, text: 'Something broke on our side.' },
} as const;

export type RefusalCode = keyof typeof REFUSALS;
export type RefusalDetails = Record<string, unknown>;

/** What a client receives: `ref` is the key under which the log knows the request. */
export interface RefusalReply {
  code: RefusalCode;
  details: RefusalDetails;
  ref: string;
}

/** A rule of the game that says no: reaches the client with its code, and is not an error in the log. */
export class Refusal extends Error {
  readonly code: RefusalCode;
  readonly details: RefusalDetails;

  constructor(code: RefusalCode, details: RefusalDetails = {}) {
    super(`${code}: ${REFUSALS[code].text}`);
    this.name = 'Refusal';
    this.code = code;
    this.details = details;
  }
}

const PRECEDENCE = new Map(Object.keys(REFUSALS).map((code, rank) => [code as RefusalCode, rank]));

/** The refusal that goes first by the table's order. [RF1] */
export function firstRefusal(codes: readonly RefusalCode[]): RefusalCode | undefined {
  return codes.toSorted((a, b) => (PRECEDENCE.get(a) ?? 0) - (PRECEDENCE.get(b) ?? 0))[0];
}
