import type { RequestType } from '../../schema/rooms.ts';
import { Refused, type AnswerLost } from './failures.ts';

/**
 * How often a request may be sent. A `command` carries a command id, so that it acts once however often it is sent; a
 * `query` may be sent again, because it changes nothing, or nothing more; what is asked `once` is sent again only when it was certainly not sent.
 */
export type RequestKind = 'command' | 'query' | 'once';

export const REQUEST_KINDS: Readonly<Record<RequestType, RequestKind>> = {
  'player:rename': 'command',
  gather: 'command',
  'trade:accept': 'command',
  'guild:create': 'command',
  'guild:accept': 'command',
  'guild:invite': 'command',
  'guild:kick': 'command',
  'guild:rank': 'command',
  'guild:leave': 'command',
  'guild:disband': 'command',
  'guild:motd': 'command',
  'guild:deposit': 'command',
  'guild:withdraw': 'command',
  'command:outcome': 'query',
  'guild:invitations': 'query',
  'leaderboard:around': 'query',
  'leaderboard:guild': 'query',
  'guild:decline': 'query',
  'trade:invite': 'once',
  'trade:offer': 'once',
  'trade:cancel': 'once',
};

/**
 * What to do about a failed sending. `again`: wait and send it again, after asking what became of it where an answer was
 * lost. `ask`: nobody is left to send it to, only `command:outcome` can tell. `verify`: what was sent again was refused,
 * but the lost sending may have acted: the refusal holds only if nobody knows the command.
 */
export type RetryStep = 'again' | 'ask' | 'verify' | 'throw';

/** @param doubt whether the answer of an earlier sending was lost. Pure. [CL3] [CL4] */
export function planRetry(kind: RequestKind, failure: Refused | AnswerLost, doubt: boolean): RetryStep {
  const repeatable = kind !== 'once';
  const doubtful = doubt && kind === 'command';
  if (failure instanceof Refused) {
    if (failure.code === 'BUSY') return repeatable ? 'again' : 'throw';
    return doubtful ? 'verify' : 'throw';
  }
  if (failure.ended === undefined) return repeatable || !failure.sent ? 'again' : 'throw';
  const roomless = failure.ended === 'gone' || failure.ended === 'lost';
  return roomless && doubtful ? 'ask' : 'throw';
}
