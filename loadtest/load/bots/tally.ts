import { AnswerLost, Refused } from '../../../web/client/index.ts';
import type { Ended } from './messages.ts';

/** Counts what was asked, by kind, from one look to the next. */
export class Tally {
  #ended: Record<string, Ended> = {};

  /** Waits for an answer and counts it, from when it was due. @returns the answer, or undefined when there is none: that is counted too */
  async time<Answer>(kind: string, work: () => Promise<Answer>, dueAt = performance.now()): Promise<Answer | undefined> {
    try {
      const answer = await work();
      this.#of(kind).answeredMs.push(performance.now() - dueAt);
      return answer;
    } catch (error) {
      const { refused, failed } = this.#of(kind);
      if (error instanceof Refused) refused[error.code] = (refused[error.code] ?? 0) + 1;
      else {
        const said = error instanceof AnswerLost ? `no answer${error.sent ? '' : ', not sent'}` : (error as Error).message;
        failed[said] = (failed[said] ?? 0) + 1;
      }
      return undefined;
    }
  }

  /** What ended since it was last taken. */
  take(): Record<string, Ended> {
    const ended = this.#ended;
    this.#ended = {};
    return ended;
  }

  #of(kind: string): Ended {
    return (this.#ended[kind] ??= { answeredMs: [], refused: {}, failed: {} });
  }
}
