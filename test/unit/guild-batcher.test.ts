import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import type { GuildId, PlayerId } from '../../schema/ids.ts';
import { Refusal } from '../../schema/refusals.ts';
import { ActionBatcher, type ActionBatcherOptions } from '../../server/guilds/action-batcher.ts';
import type { GuildAction } from '../../server/guilds/actions.ts';
import type { ActionOutcome } from '../../server/guilds/decide.ts';
import { action } from '../kit/guild-snapshot.ts';

const [ORDER, CIRCLE] = [randomUUID(), randomUUID()] as [GuildId, GuildId];
const done = (version = 1): ActionOutcome => ({ status: 'done', answer: { version } });

describe('batching a guild’s actions', () => {
  let flushes: { guildId: GuildId; actions: readonly GuildAction[]; extra: readonly PlayerId[]; finish(outcomes?: ActionOutcome[]): void; fail(error: unknown): void }[];
  let batcher: ActionBatcher;

  const start = (options: Partial<ActionBatcherOptions> = {}) => {
    flushes = [];
    batcher = new ActionBatcher({
      flush: (guildId, actions, extra) =>
        new Promise((resolve, reject) => {
          flushes.push({ guildId, actions, extra, finish: (outcomes = actions.map(() => done())) => resolve(outcomes), fail: reject });
        }),
      mayRunAlone: (error) => !(error instanceof Refusal),
      sizeMax: 100, weightMax: 2_000, waitingMax: 1_000, perPlayerMax: 64, triesMax: 3,
      ...options,
    });
  };
  const leave = (actor = randomUUID() as PlayerId) => action(actor, { type: 'leave' });
  const add = (count: number, guildId = ORDER) => Array.from({ length: count }, () => batcher.add(guildId, leave()));
  beforeEach(() => start());

  it('[GA1] one that comes alone goes at once, and what comes in the same turn goes with it', async () => {
    const asked = add(1);
    await turn();
    assert.equal(flushes.length, 1);
    flushes[0]!.finish();
    await Promise.all(asked);
    const more = add(3);
    await turn();
    assert.deepEqual(flushes.map(({ actions }) => actions.length), [1, 3]);
    flushes[1]!.finish();
    await Promise.all(more);
  });

  // Guards the wait for the commit under way: 100 actions are two transactions, and no timer is involved.
  it('[GA1] what comes during a commit goes together in the next one, 100 at most, in order', async () => {
    const asked = add(1);
    await turn();
    const rest = add(205);
    for (let at = 0; at < 4; at++) {
      await turn();
      assert.equal(flushes.length, at + 1, 'one at a time');
      flushes[at]!.finish();
    }
    await Promise.all([...asked, ...rest]);
    assert.deepEqual(flushes.map(({ actions }) => actions.length), [1, 100, 100, 5]);
  });

  it('[GA1] who waits is on the way before those are told whose flush was committed', async () => {
    const [first] = add(1);
    await turn();
    const [second] = add(1);
    const told: string[] = [];
    first!.then(() => told.push(`first, of ${flushes.length} flushes`));
    flushes[0]!.finish();
    await first;
    assert.deepEqual(told, ['first, of 2 flushes']);
    flushes[1]!.finish();
    await second;
  });

  it('[GA1] guilds do not wait for each other', async () => {
    const asked = [...add(1), ...add(1, CIRCLE)];
    await turn();
    assert.deepEqual(flushes.map(({ guildId }) => guildId), [ORDER, CIRCLE]);
    for (const { finish } of flushes) finish();
    await Promise.all(asked);
  });

  it('[GA1] a batch moves a bounded number of things', async () => {
    start({ weightMax: 10 });
    const asked = [4, 4, 4, 40, 1].map((count) => batcher.add(ORDER, action(randomUUID() as PlayerId, { type: 'deposit', items: [], fungibles: Object.fromEntries(Array.from({ length: count }, (_, at) => [`a${at}`, 1])) })));
    for (let at = 0; at < 4; at++) {
      await turn();
      flushes[at]!.finish();
    }
    await Promise.all(asked);
    assert.deepEqual(flushes.map(({ actions }) => actions.length), [2, 1, 1, 1]);
  });

  it('[GA4] each is answered when its flush is committed, and not before', async () => {
    const answered: number[] = [];
    const asked = add(2).map((answer, at) => answer.then(() => answered.push(at)));
    await turn();
    await turn();
    assert.deepEqual(answered, []);
    flushes[0]!.finish();
    await Promise.all(asked);
    assert.deepEqual(answered, [0, 1]);
  });

  it('[GA2] what was put off goes first in the next flush, with the rows that it needs, and not for ever', async () => {
    const [first, second] = add(2) as [Promise<unknown>, Promise<unknown>];
    await turn();
    const late = add(1);
    const [, put] = flushes[0]!.actions;
    flushes[0]!.finish([done(), { status: 'again', with: ['x' as PlayerId] }]);
    await first;
    await turn();
    assert.deepEqual([flushes[1]!.actions[0], flushes[1]!.actions.length, flushes[1]!.extra], [put, 2, ['x']]);
    flushes[1]!.finish([{ status: 'again' }, done()]);
    await Promise.all(late);
    await turn();
    flushes[2]!.finish([{ status: 'again' }]);
    await assert.rejects(second, (error: unknown) => error instanceof Refusal && error.code === 'CONCURRENT_MODIFICATION');
  });

  // Guards running them one by one: what no rule knew of spoils nobody else's action.
  it('[GA3] when a flush fails, each goes alone, and the poisoned one fails alone', async () => {
    const asked = add(3).map((answer) => answer.then(({ status }) => status, (error: Error) => error.message));
    await turn();
    flushes[0]!.fail(new Error('a constraint'));
    for (let at = 1; at <= 3; at++) {
      await turn();
      if (at === 2) flushes[at]!.fail(new Error('poison'));
      else flushes[at]!.finish();
    }
    assert.deepEqual(await Promise.all(asked), ['done', 'poison', 'done']);
  });

  it('[GA3] a flush that was BUSY is not tried one by one', async () => {
    const asked = add(2).map((answer) => answer.catch((error: Error) => error.message));
    await turn();
    flushes[0]!.fail(new Refusal('BUSY'));
    await Promise.all(asked);
    assert.equal(flushes.length, 1);
  });

  it('[GA5] beyond the bounds an action is BUSY, and nothing of it happens', async () => {
    start({ waitingMax: 3, perPlayerMax: 2 });
    const ann = randomUUID() as PlayerId;
    const asked = [batcher.add(ORDER, leave())];
    await turn();
    asked.push(batcher.add(ORDER, leave(ann)), batcher.add(ORDER, leave(ann)));
    await assert.rejects(batcher.add(ORDER, leave(ann)), /BUSY/);
    asked.push(batcher.add(ORDER, leave()));
    await assert.rejects(batcher.add(ORDER, leave()), /BUSY/);
    flushes[0]!.finish();
    await turn();
    flushes[1]!.finish();
    await Promise.all(asked);
    assert.deepEqual(flushes.map(({ actions }) => actions.length), [1, 3]);
  });
});
