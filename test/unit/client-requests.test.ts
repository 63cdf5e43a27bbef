import assert from 'node:assert/strict';
import type { CommandOutcomeAnswer } from '../../schema/messages/player.ts';
import type { RefusalCode } from '../../schema/refusals.ts';
import { AnswerLost, readFailure, Refused } from '../../web/client/index.ts';
import { runRequest } from '../../web/client/request-run.ts';
import { planRetry, type RequestKind, type RetryStep } from '../../web/client/retry.ts';
import { refusalText } from '../../web/src/refusal-text.ts';

const lost = () => new Error('request "gather" timed out after 10000ms.');
const unsent = () => new Error('cannot send request "gather": connection is not open.');
const rejection = (code: RefusalCode) => Object.assign(new Error('request rejected'), { name: 'rejected', reason: { code, details: {}, ref: 'r' } });
const refused = (code: RefusalCode) => new Refused({ code, details: {}, ref: '' });
const ended = (why: AnswerLost['ended']) => new AnswerLost({ sent: false, ended: why });

/** Runs a request against scripted answers, and counts what was asked; past its script everything is lost. */
async function run(sends: (string | Error)[], outcomes: (CommandOutcomeAnswer | Error)[] = [], kind: RequestKind = 'command') {
  const asked = { sends: 0, outcomes: 0 };
  const next = <Step>(script: (Step | Error)[]): Step => {
    const step = script.shift() ?? lost();
    if (step instanceof Error) throw step;
    return step;
  };
  const answer = await runRequest<string>({
    kind,
    firstWaitMs: 1,
    deadlineMs: 150,
    send: async () => (asked.sends++, next(sends)),
    outcome: async () => (asked.outcomes++, next(outcomes)),
  }).catch((error: unknown) => error);
  return { answer, asked };
}

const code = (answer: unknown) => (answer instanceof Refused ? answer.code : answer);

describe('client: a request and its answer', () => {
  it('is asked once when the answer comes', async () => {
    assert.deepEqual(await run(['done']), { answer: 'done', asked: { sends: 1, outcomes: 0 } });
  });

  it('[CL3] is not sent again when its lost answer is known', async () => {
    assert.deepEqual(await run([lost()], [{ known: true, answer: 'done' }]), { answer: 'done', asked: { sends: 1, outcomes: 1 } });
  });

  it('[CL3] is sent again when nobody knows of it', async () => {
    assert.deepEqual(await run([lost(), 'done'], [{ known: false }]), { answer: 'done', asked: { sends: 2, outcomes: 1 } });
  });

  it('[CL3] is asked for until it is decided', async () => {
    assert.deepEqual(await run([lost()], [rejection('BUSY'), lost(), { known: true, answer: 'done' }]), { answer: 'done', asked: { sends: 1, outcomes: 3 } });
  });

  it('[CL3] that is refused when it is sent again may have been carried out before', async () => {
    const { answer } = await run([lost(), rejection('TOO_FAR')], [{ known: false }, { known: true, answer: 'done' }]);
    assert.equal(answer, 'done');
    assert.equal(code((await run([lost(), rejection('TOO_FAR')], [{ known: false }, { known: false }])).answer), 'TOO_FAR');
  });

  it('[CL3] whose room is gone is asked for, and then unknown', async () => {
    assert.equal((await run([lost(), ended('gone')], [{ known: false }, { known: false }, { known: true, answer: 'done' }])).answer, 'done');
    const { answer, asked } = await run([lost(), ended('gone')], Array.from({ length: 9 }, () => ({ known: false })));
    assert.ok(answer instanceof AnswerLost && answer.sent);
    assert.deepEqual(asked, { sends: 2, outcomes: 6 });
  });

  it('[CL4] is not retried when it was refused', async () => {
    const { answer, asked } = await run([rejection('TOO_FAR')]);
    assert.equal(code(answer), 'TOO_FAR');
    assert.equal(asked.sends, 1);
  });

  it('[CL4] is sent again after BUSY, a bounded number of times', async () => {
    assert.deepEqual(await run([rejection('BUSY'), rejection('BUSY'), 'done']), { answer: 'done', asked: { sends: 3, outcomes: 0 } });
    const { answer, asked } = await run(Array.from({ length: 20 }, () => rejection('BUSY')));
    assert.equal(code(answer), 'BUSY');
    assert.equal(asked.sends, 7);
  });

  it('[CL4] without a command id is sent again only when it was certainly not sent', async () => {
    assert.deepEqual(await run([unsent(), unsent(), 'done'], [], 'once'), { answer: 'done', asked: { sends: 3, outcomes: 0 } });
    const { answer, asked } = await run([lost(), 'done'], [], 'once');
    assert.ok(answer instanceof AnswerLost && answer.sent);
    assert.deepEqual(asked, { sends: 1, outcomes: 0 });
  });

  it('[CL3] gives up at its deadline, and says that the outcome is unknown', async () => {
    const { answer } = await run([]);
    assert.ok(answer instanceof AnswerLost && answer.sent);
  });

  it('[CL3] says that nothing was sent where that is certain', async () => {
    const { answer } = await run(Array.from({ length: 99 }, unsent));
    assert.ok(answer instanceof AnswerLost && !answer.sent);
    assert.equal(code((await run([ended('replaced')])).answer), 'SESSION_REPLACED');
  });

  it('takes an unknown code, and anything that is not a refusal, for a fault of the server', () => {
    const failure = readFailure(Object.assign(new Error('request rejected'), { name: 'rejected', reason: { code: 'NEW_CODE', ref: 'abc' } }));
    assert.ok(failure instanceof Refused);
    assert.equal(failure.code, 'INTERNAL');
    assert.match(refusalText(failure.reply), /Reference: abc/);
  });
});

describe('client: what is done about a failed sending', () => {
  const answerLost = new AnswerLost();
  const notSent = new AnswerLost({ sent: false });
  /** For a first sending, and for one after a sending whose answer was lost. */
  const table: [RequestKind, string, Refused | AnswerLost, RetryStep, RetryStep][] = [
    ['command', 'BUSY', refused('BUSY'), 'again', 'again'],
    ['command', 'another refusal', refused('NOT_READY'), 'throw', 'verify'],
    ['command', 'SESSION_REPLACED', refused('SESSION_REPLACED'), 'throw', 'verify'],
    ['command', 'a lost answer', answerLost, 'again', 'again'],
    ['command', 'a closed socket', notSent, 'again', 'again'],
    ['command', 'a room that is gone', ended('gone'), 'throw', 'ask'],
    ['command', 'a room that cannot be joined', ended('lost'), 'throw', 'ask'],
    ['command', 'a session that was taken over', ended('replaced'), 'throw', 'throw'],
    ['command', 'a link that was closed', ended('closed'), 'throw', 'throw'],
    ['query', 'BUSY', refused('BUSY'), 'again', 'again'],
    ['query', 'another refusal', refused('BAD_REQUEST'), 'throw', 'throw'],
    ['query', 'a lost answer', answerLost, 'again', 'again'],
    ['query', 'a room that is gone', ended('gone'), 'throw', 'throw'],
    ['once', 'BUSY', refused('BUSY'), 'throw', 'throw'],
    ['once', 'another refusal', refused('TRADE_CLOSED'), 'throw', 'throw'],
    ['once', 'a lost answer', answerLost, 'throw', 'throw'],
    ['once', 'a closed socket', notSent, 'again', 'again'],
    ['once', 'a session that was taken over', ended('replaced'), 'throw', 'throw'],
  ];
  for (const [kind, what, failure, first, doubtful] of table) {
    it(`[CL3] ${kind}, ${what}: ${first}, in doubt: ${doubtful}`, () => {
      assert.deepEqual([planRetry(kind, failure, false), planRetry(kind, failure, true)], [first, doubtful]);
    });
  }
});
