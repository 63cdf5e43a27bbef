import assert from 'node:assert/strict';
import { runCommand, type CommandOutcome } from '../../web/src/command-run.ts';
import { AnswerLost, readFailure, Refused, refusalText } from '../../web/src/refusal-text.ts';

const lost = () => new Error('request "gather" timed out after 10000ms.');

/** Runs a command against scripted answers, and counts what was asked. */
async function run(sends: (string | Error)[], outcomes: (CommandOutcome<string> | Error)[] = []) {
  const asked = { sends: 0, outcomes: 0 };
  const next = <Answer>(script: (Answer | Error)[]): Answer => {
    const step = script.shift() ?? lost();
    if (step instanceof Error) throw step;
    return step;
  };
  const answer = await runCommand<string>({
    firstWaitMs: 1,
    attemptsMax: 4,
    send: async () => (asked.sends++, next(sends)),
    outcome: async () => (asked.outcomes++, next(outcomes)),
  }).catch((error: unknown) => error);
  return { answer, asked };
}

describe('web: a command and its answer', () => {
  it('is asked once when the answer comes', async () => {
    assert.deepEqual(await run(['done']), { answer: 'done', asked: { sends: 1, outcomes: 0 } });
  });

  it('is not sent again when its lost answer is known', async () => {
    assert.deepEqual(await run([lost()], [{ known: true, answer: 'done' }]), { answer: 'done', asked: { sends: 1, outcomes: 1 } });
  });

  it('is sent again when nobody knows of it', async () => {
    assert.deepEqual(await run([lost(), 'done'], [{ known: false }]), { answer: 'done', asked: { sends: 2, outcomes: 1 } });
  });

  it('is not retried when it was refused', async () => {
    const rejection = Object.assign(new Error('request rejected'), { name: 'rejected', reason: { code: 'TOO_FAR', details: {}, ref: 'r' } });
    const { answer, asked } = await run([rejection]);
    assert.ok(answer instanceof Refused);
    assert.equal(answer.code, 'TOO_FAR');
    assert.equal(asked.sends, 1);
  });

  it('gives up after its attempts, and says that the outcome is unknown', async () => {
    const { answer } = await run([]);
    assert.ok(answer instanceof AnswerLost);
  });

  it('takes an unknown code, and anything that is not a refusal, for a fault of the server', () => {
    const failure = readFailure(Object.assign(new Error('request rejected'), { name: 'rejected', reason: { code: 'NEW_CODE', ref: 'abc' } }));
    assert.ok(failure instanceof Refused);
    assert.equal(failure.code, 'INTERNAL');
    assert.match(refusalText(failure.reply), /Reference: abc/);
  });
});
