import { invariant } from '../../../schema/invariant.ts';

const ATTEMPTS_MAX = 50;

/** An answer from which no region is missing: a machine that is busy may let one be late. */
export async function whole<Answer extends { missing: readonly string[] }>(ask: () => Promise<Answer>): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    const answer = await ask();
    if (answer.missing.length === 0) return answer;
    invariant(attempt < ATTEMPTS_MAX, `${answer.missing.join(', ')} answers now and then`);
  }
}
