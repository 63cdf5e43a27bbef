import { REFUSALS, type RefusalCode } from '../../schema/refusals.ts';

/** The matchmaker's words for "no such room" and "that seat is no longer kept". */
const NO_SUCH_ROOM = 522;
const SEAT_EXPIRED = 524;
const REFUSED = 525;

/** Refusals of a join that are over in a moment. */
const PASSING: ReadonlySet<string> = new Set(['SESSION_REPLACED', 'RATE_LIMITED', 'BUSY', 'INTERNAL']);

/**
 * What a failed join or sign-in means. `elsewhere`: this server cannot be reached, ends, or is broken: another may do it,
 * or this one later. `missing`: it does not know the room, which is the end of it unless another does. The rest would be
 * the same everywhere: `expired` (the seat), `stranger` (the token), `refused`.
 */
export type JoinFailure = { kind: 'elsewhere' } | { kind: 'missing' } | { kind: 'expired' } | { kind: 'stranger' } | { kind: 'refused'; code: RefusalCode | undefined };

/** Pure; takes what the SDK throws, whose code is a number of HTTP, of the matchmaker or of a socket, or a system's word. [CL1] */
export function readJoinFailure(error: unknown): JoinFailure {
  const { code, message = '' } = (error ?? {}) as { code?: unknown; message?: string };
  if (code === NO_SUCH_ROOM) return { kind: 'missing' };
  if (code === SEAT_EXPIRED) return { kind: 'expired' };
  if (message.includes('UNAUTHENTICATED')) return { kind: 'stranger' };
  const named = (Object.keys(REFUSALS) as RefusalCode[]).find((known) => message.includes(known));
  if (code === REFUSED) return named === undefined || PASSING.has(named) ? { kind: 'elsewhere' } : { kind: 'refused', code: named };
  if (typeof code === 'number' && code >= 400 && code < 500) return { kind: 'refused', code: named };
  return { kind: 'elsewhere' };
}
