import { backOffMs, sleep } from './back-off.ts';
import { AnswerLost, readFailure } from './refusal-text.ts';

/** `command:outcome`'s answer. */
export interface CommandOutcome<Answer> {
  known: boolean;
  answer?: Answer;
}

export interface CommandRun<Answer> {
  /** Sends the command; called again with the same command id after a lost answer. */
  send: () => Promise<Answer>;
  /** Asks what became of it. */
  outcome: () => Promise<CommandOutcome<Answer>>;
  attemptsMax?: number;
  firstWaitMs?: number;
}

/**
 * Carries one command to its answer. A lost answer is first asked for, and only an unknown command is sent again, with
 * its own id: the player sees one effect, whatever the network did.
 * @throws {Refused} the server said no
 * @throws {AnswerLost} it stayed unreachable for all attempts
 */
export async function runCommand<Answer>(run: CommandRun<Answer>): Promise<Answer> {
  const { attemptsMax = 7, firstWaitMs = 400 } = run;
  let lost: unknown;
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    try {
      if (attempt > 0) {
        await sleep(backOffMs(attempt - 1, { firstMs: firstWaitMs, maxMs: 4000 }));
        const outcome = await run.outcome();
        if (outcome.known) return outcome.answer as Answer;
      }
      return await run.send();
    } catch (error) {
      const failure = readFailure(error);
      if (!(failure instanceof AnswerLost)) throw failure;
      lost = error;
    }
  }
  throw new AnswerLost(lost);
}
