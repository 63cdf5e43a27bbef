import { REFUSALS, type RefusalCode, type RefusalReply } from '../../schema/refusals.ts';

/** A request that the server answered with no. */
export class Refused extends Error {
  readonly reply: RefusalReply;

  constructor(reply: RefusalReply) {
    super(`${reply.code}: ${REFUSALS[reply.code].text}`);
    this.name = 'Refused';
    this.reply = reply;
  }

  get code(): RefusalCode {
    return this.reply.code;
  }
}

/** Why a room takes no requests and will not by itself: see `LinkStatus`. */
export type LinkEnd = 'replaced' | 'gone' | 'lost' | 'closed';

export interface AnswerLostOptions {
  sent?: boolean;
  ended?: LinkEnd | undefined;
  cause?: unknown;
}

/** A request without an answer. `sent`: it may or may not have happened, the outcome is unknown. Otherwise it did not happen. */
export class AnswerLost extends Error {
  readonly sent: boolean;
  readonly ended: LinkEnd | undefined;

  constructor({ sent = true, ended, cause }: AnswerLostOptions = {}) {
    super(sent ? 'The connection was lost before the answer came: the outcome is unknown.' : 'There is no connection: nothing was sent.', { cause });
    this.name = 'AnswerLost';
    this.sent = sent;
    this.ended = ended;
  }
}

/** What the SDK throws when a socket closes or stays silent: the request may have been carried out all the same. */
const LOST = /connection closed|timed out after/;
/** What it throws when there was no socket to send it on. */
const UNSENT = /connection is not open/;

/** Tells the kinds of failed request apart: answered with no, not answered, not sent. */
export function readFailure(error: unknown): Refused | AnswerLost {
  if (error instanceof Refused || error instanceof AnswerLost) return error;
  if (isRejection(error)) return new Refused(readReply(error.reason));
  if (error instanceof Error && UNSENT.test(error.message)) return new AnswerLost({ sent: false, cause: error });
  if (error instanceof Error && LOST.test(error.message)) return new AnswerLost({ cause: error });
  console.error(error);
  return new Refused({ code: 'INTERNAL', details: {}, ref: '' });
}

function isRejection(error: unknown): error is Error & { reason: unknown } {
  return error instanceof Error && error.name === 'rejected' && 'reason' in error;
}

/** A refusal from HTTP or a room, taken as it is when it has a code that this client knows. */
export function readReply(reason: unknown): RefusalReply {
  const { code, details, ref } = (reason ?? {}) as Partial<RefusalReply>;
  if (code === undefined || !(code in REFUSALS)) return { code: 'INTERNAL', details: {}, ref: ref ?? '' };
  return { code, details: details ?? {}, ref: ref ?? '' };
}
