import assert from 'node:assert/strict';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import { OutcomeUnknown, type KnownCommand, type Movement, type MovementOutcome } from '../../persistence/index.ts';
import type { CommandId, PlayerId } from '../../schema/ids.ts';
import { BrokenInvariant } from '../../schema/invariant.ts';
import { Refusal, type RefusalCode } from '../../schema/refusals.ts';
import { openTrade } from '../kit/open-trade.ts';

const [ANN, BOB] = ['ann', 'bob'] as [PlayerId, PlayerId];
const commandId = () => crypto.randomUUID() as CommandId;
const lost = () => Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
const refused = (code: RefusalCode) => (error: unknown) => error instanceof Refusal && error.code === code;
const FAILURES = { 'a commit whose outcome is unknown': new OutcomeUnknown(lost()), 'a lost connection': lost(), 'anything else': new TypeError('is not a function') };

/** What the database says when it is asked: that it did, that it did not, or why it does not say. */
type Said = 'did' | 'did not' | 'did something else' | Error | Promise<never>;

/** A trade that both have accepted and whose submission fails; then the database says this, and at last the same again. */
function failing(failure: unknown, ...says: [Said, ...Said[]]) {
  const asked: unknown[] = [];
  const ended: string[] = [];
  let hash: Buffer = Buffer.alloc(0);
  const submit = async (movement: Movement): Promise<MovementOutcome> => {
    hash = movement.commands[0]!.hash;
    throw failure;
  };
  const find = async (...question: unknown[]): Promise<KnownCommand | undefined> => {
    asked.push(question);
    await turn();
    const said = await (says.length > 1 ? says.shift() : says[0]);
    if (said instanceof Error) throw said;
    return said === 'did not' ? undefined : { hash: said === 'did' ? hash : Buffer.from('other'), answer: { status: 'settled' } };
  };
  const deps = { ledger: { submit }, commands: { find }, invitations: { ended: (player: PlayerId) => void ended.push(player) }, patience: { retryMs: 1, maxMs: 100 } };
  const opened = openTrade(deps);
  const ids = { ann: commandId(), bob: commandId() };
  const accept = (player: PlayerId, id = ids[player as 'ann' | 'bob']) => opened.trade.accept(player, { commandId: id, revision: opened.trade.window.revision });
  const begin = async () => {
    await opened.trade.offer(ANN, { items: [], fungibles: { gold: 1 } });
    await accept(ANN);
    return { last: accept(BOB) };
  };
  return { ...opened, deps, ids, asked, ended, says, accept, begin };
}

describe('a settlement that failed', () => {
  for (const [what, failure] of Object.entries(FAILURES)) {
    // Guards the call of `fateOf` and the repetition in it: without them the trade is shut for good, or opens although it moved.
    it(`[TR12] by ${what} is settled if the database knows its command, asked until it says so`, async () => {
      const { trade, begin, asked, ids, refreshed, ended, accept } = failing(failure, new Refusal('BUSY'), lost(), new Refusal('BUSY'), 'did');
      const { last } = await begin();
      assert.deepEqual(await last, { status: 'settled' });
      assert.equal(trade.window.phase, 'settled');
      assert.deepEqual(asked, Array.from({ length: 4 }, () => [ANN, ids.ann, { awaitWriters: true }]));
      assert.deepEqual([refreshed, ended], [[ANN, BOB], [ANN]], 'who holds other things than a moment ago is told');
      assert.deepEqual(await Promise.all([accept(ANN), accept(BOB)]), [{ status: 'settled' }, { status: 'settled' }]);
    });

    // Guards `reopen` after `fateOf`.
    it(`[TR12] by ${what} opens the trade again if the database does not know it, and the error goes up as it is`, async () => {
      const { trade, begin, deps, refreshed, ended, accept } = failing(failure, lost(), 'did not');
      const { last } = await begin();
      await assert.rejects(last, (error) => error === failure);
      const { phase, reason, revision, isOver } = trade.window;
      assert.deepEqual([phase, reason, revision, isOver], ['open', 'INTERNAL', 2, false]);
      assert.deepEqual([refreshed, ended], [[], []]);
      deps.ledger.submit = async () => ({ status: 'committed', deltas: [], answers: [], transactionId: crypto.randomUUID() as never });
      assert.deepEqual([await accept(ANN, commandId()), await accept(BOB, commandId())], [{ status: 'waiting' }, { status: 'settled' }]);
    });
  }

  it('[TR12] is not settled by a command that did something else before: its id stands in the way', async () => {
    const { trade, begin } = failing(FAILURES['anything else'], 'did something else');
    await assert.rejects((await begin()).last, TypeError);
    assert.equal(trade.window.phase, 'open');
  });

  // Guards that the lookup is part of what a repeat waits for: outside of it, the repeat heard that it was waiting still.
  for (const outcome of ['did', 'did not'] as const) {
    it(`[TR12] lets a repeat wait for the same result while that is found out: it ${outcome}`, async () => {
      const { trade, begin, says, accept } = failing(FAILURES['a lost connection'], new Refusal('BUSY'));
      const { last } = await begin();
      const first = Promise.allSettled([last, accept(ANN), accept(BOB)]);
      await delay(10);
      await assert.rejects(trade.offer(BOB, { items: [], fungibles: {} }), refused('TRADE_CLOSED'));
      assert.throws(() => trade.cancel(ANN), refused('TRADE_CLOSED'));
      const late = Promise.allSettled([accept(ANN), accept(BOB)]);
      says.push(outcome);
      const results = [...(await first), ...(await late)].map((result) => (result.status === 'fulfilled' ? result.value.status : (result.reason as Error).message));
      assert.deepEqual(results, Array.from({ length: 5 }, () => (outcome === 'did' ? 'settled' : 'read ECONNRESET')));
    });
  }

  // Guards the bound, over answers and over one that never comes, and `abandon`: without it the room is never closed.
  for (const [what, said] of [['says no more than BUSY', new Refusal('BUSY')], ['never answers', new Promise<never>(() => undefined)]] as const) {
    it(`[TR12] is over when the database ${what}: it stays shut, its place is free, and a repeat asks again`, async () => {
      const { trade, begin, says, ended, asked, ids, accept } = failing(FAILURES['a lost connection'], said);
      const { last } = await begin();
      await assert.rejects(last, /ECONNRESET/);
      assert.deepEqual([trade.window.isOver, trade.window.phase, trade.window.reason, ended], [true, 'settling', 'INTERNAL', [ANN]]);
      assert.throws(() => trade.cancel(ANN), refused('TRADE_CLOSED'));
      // What was being asked when the time was over ends by itself, and is not repeated.
      await delay(10);
      const times = asked.length;
      await delay(10);
      assert.equal(asked.length, times);
      const repeat = () => trade.accept(BOB, { commandId: ids.bob, revision: 1 });
      says.splice(0, 1, new Refusal('BUSY'), 'did not', 'did');
      await assert.rejects(repeat(), refused('BUSY'));
      await assert.rejects(repeat(), refused('TRADE_CLOSED'));
      assert.deepEqual(await repeat(), { status: 'settled' });
      assert.deepEqual(asked.at(-1), [BOB, ids.bob, { awaitWriters: true }], 'no answer before it is certain');
      await assert.rejects(accept(ANN, ids.ann), refused('COMMAND_REUSED'), 'which is of the revision that was accepted');
    });
  }

  it('[TR12] by a broken invariant asks nobody: the process stops', async () => {
    const { begin, asked } = failing(new BrokenInvariant('two and two are five'), 'did');
    await assert.rejects((await begin()).last, BrokenInvariant);
    assert.deepEqual(asked, []);
  });

  // Guards `#calledOff`: a time-to-live that passed meanwhile does not come again, and who left does not leave again.
  it('[TR10] is cancelled when it opens again, if its time was over or a player left meanwhile', async () => {
    for (const failure of [FAILURES['a lost connection'], new Refusal('INSUFFICIENT')]) {
      const { trade, begin, ended } = failing(failure, 'did not');
      const { last } = await begin();
      trade.callOff('left');
      trade.callOff('expired');
      assert.equal(trade.window.phase, 'settling');
      await assert.rejects(last, (error) => error === failure);
      assert.deepEqual([trade.window.phase, trade.window.reason, ended], ['cancelled', 'left', [ANN]]);
    }
  });

  it('[TR10] is settled all the same, if it did settle', async () => {
    const { trade, begin } = failing(FAILURES['a lost connection'], 'did');
    const { last } = await begin();
    trade.callOff('left');
    assert.deepEqual([await last, trade.window.phase], [{ status: 'settled' }, 'settled']);
  });
});
