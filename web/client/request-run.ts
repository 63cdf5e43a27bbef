import type { CommandOutcomeAnswer } from '../../schema/messages/player.ts';
import { backOffMs, sleep } from './back-off.ts';
import { AnswerLost, readFailure, Refused } from './failures.ts';
import { planRetry, type RequestKind } from './retry.ts';

export interface RequestRun<Answer> {
  kind: RequestKind;
  /** Sends it, within so many milliseconds; called again with the same command id. */
  send: (withinMs: number) => Promise<Answer>;
  /** Asks what became of the command. */
  outcome: (withinMs: number) => Promise<CommandOutcomeAnswer>;
  deadlineMs?: number | undefined;
  firstWaitMs?: number;
}

const DEADLINE_MS = 30_000;
/** With the waits in between longer than a server takes to end what a dead one left open. */
const ASKS_MAX = 5;
const BUSY_MAX = 6;

/**
 * Carries one request to its answer. A lost answer is first asked for, and only an unknown command is sent again, with
 * its own id: the player sees one effect, whatever the network did. [CL3] [CL4]
 * @throws {Refused} the server said no
 * @throws {AnswerLost} the deadline passed, or the room is gone and nobody could say
 */
export async function runRequest<Answer>({ kind, send, outcome, deadlineMs = DEADLINE_MS, firstWaitMs = 400 }: RequestRun<Answer>): Promise<Answer> {
  const endsAt = Date.now() + deadlineMs;
  const leftMs = () => Math.max(0, endsAt - Date.now());
  /** Whether a sending of the command was not answered. */
  let doubt = false;
  /** What holds if nobody knows of the command; until then it is sent again. */
  let otherwise: Refused | AnswerLost | undefined;
  let [asks, busy] = [0, 0];
  let last: unknown;
  for (let attempt = 0; attempt === 0 || leftMs() > 0; attempt++) {
    if (attempt > 0) await sleep(Math.min(leftMs(), backOffMs(attempt - 1, { firstMs: firstWaitMs, maxMs: 4000 })));
    if (doubt) {
      const found = await outcome(leftMs()).catch(readFailure);
      if (found instanceof Error) {
        if (isFinal(found)) throw new AnswerLost({ cause: found });
        continue;
      }
      if (found.known) return found.answer as Answer;
      if (otherwise instanceof Refused) throw otherwise;
      if (otherwise !== undefined && ++asks >= ASKS_MAX) throw otherwise;
      if (otherwise !== undefined) continue;
    }
    try {
      return await send(leftMs());
    } catch (error) {
      const failure = readFailure(error);
      last = failure;
      const step = planRetry(kind, failure, doubt);
      if (step === 'throw') throw doubt ? inDoubt(failure) : replaced(failure);
      if (step === 'ask' || step === 'verify') otherwise = inDoubt(failure);
      else if (failure instanceof Refused && ++busy > BUSY_MAX) throw failure;
      if (failure instanceof AnswerLost && failure.sent && kind === 'command') doubt = true;
    }
  }
  throw doubt ? new AnswerLost({ cause: last }) : last;
}

/** Whether asking again is of no use: the session that may ask is over, or the question itself was refused. */
function isFinal(failure: Refused | AnswerLost): boolean {
  return failure instanceof Refused ? failure.code !== 'BUSY' : failure.ended !== undefined;
}

/** That the last sending did not happen says nothing of the one before. */
function inDoubt(failure: Refused | AnswerLost): Refused | AnswerLost {
  return failure instanceof AnswerLost ? new AnswerLost({ ended: failure.ended, cause: failure }) : failure;
}

function replaced(failure: Refused | AnswerLost): Refused | AnswerLost {
  const taken = failure instanceof AnswerLost && !failure.sent && failure.ended === 'replaced';
  return taken ? new Refused({ code: 'SESSION_REPLACED', details: {}, ref: '' }) : failure;
}
