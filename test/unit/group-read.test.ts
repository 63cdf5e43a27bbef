import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { inGroups, type Ask } from '../../persistence/group-read.ts';
import type { Shard } from '../../persistence/shard.ts';

const [NORTH, SOUTH] = [{}, {}] as [Shard, Shard];

interface Question {
  shard: Shard;
  keys: string[];
  answer: PromiseWithResolvers<void>;
}

describe('reads in groups', () => {
  let asked: Question[];
  let ask: Ask<string, { of: string }>;

  beforeEach(() => {
    asked = [];
    ask = inGroups(async (shard, keys) => {
      const question = { shard, keys, answer: Promise.withResolvers<void>() };
      asked.push(question);
      await question.answer.promise;
      return keys.filter((key) => key !== 'nobody').map((key) => [key, { of: key }]);
    });
  });

  const keysAsked = () => asked.map(({ keys }) => keys);
  const answer = (at: number) => asked[at]?.answer.resolve();

  it('[SH7] a lonely one goes at once; what comes while two are under way goes together, in order', async () => {
    const answers = ['a', 'b', 'c', 'd', 'e'].map((key) => ask(NORTH, [key]));
    assert.deepEqual(keysAsked(), [['a'], ['b']]);
    answer(1);
    await answers[1];
    await turn();
    assert.deepEqual(keysAsked(), [['a'], ['b'], ['c', 'd', 'e']]);
    answer(0);
    answer(2);
    assert.deepEqual(await Promise.all(answers), ['a', 'b', 'c', 'd', 'e'].map((key) => [[key, { of: key }]]));
  });

  // Guards that nobody is given an answer to a question that began before its own.
  it('[SH7] whoever asks for what is being asked for waits for a question of its own', async () => {
    const first = ask(NORTH, ['a']);
    void ask(NORTH, ['b']);
    const again = ask(NORTH, ['a']);
    answer(0);
    await first;
    await turn();
    assert.deepEqual(keysAsked(), [['a'], ['b'], ['a']]);
    answer(2);
    assert.deepEqual(await again, [['a', { of: 'a' }]]);
  });

  it('[SH7] who asks for the same gets rows of its own, and who asks for nobody gets none', async () => {
    const early = [ask(NORTH, ['x']), ask(NORTH, ['y'])];
    const together = [ask(NORTH, ['a', 'nobody']), ask(NORTH, ['a', 'b']), ask(NORTH, ['nobody'])];
    for (const at of early.keys()) answer(at);
    await Promise.all(early);
    await turn();
    answer(2);
    const [one, two, none] = await Promise.all(together);
    assert.deepEqual(asked[2]?.keys, ['a', 'nobody', 'b']);
    assert.deepEqual([one, two, none], [[['a', { of: 'a' }]], [['a', { of: 'a' }], ['b', { of: 'b' }]], []]);
    assert.notEqual(one?.[0]?.[1], two?.[0]?.[1]);
  });

  it('[SH7] shards do not wait for each other, nor anybody for many keys', async () => {
    for (const key of ['a', 'b', 'c']) void ask(NORTH, [key]);
    void ask(SOUTH, ['a']);
    const many = Array.from({ length: 100 }, (_, at) => `many-${at}`);
    void ask(NORTH, many);
    assert.deepEqual(asked.map(({ shard, keys }) => [shard === NORTH, keys.length]), [[true, 1], [true, 1], [false, 1], [true, 100]]);
  });

  it('[SH7] a question that fails fails those that it was asked for, and the next goes on', async () => {
    const early = [ask(NORTH, ['a']), ask(NORTH, ['b'])];
    const together = [ask(NORTH, ['c']), ask(NORTH, ['d'])];
    answer(0);
    await early[0];
    await turn();
    asked[2]?.answer.reject(new Error('away'));
    for (const outcome of together) await assert.rejects(outcome, /away/);
    answer(1);
    await early[1];
    const later = ask(NORTH, ['e']);
    answer(3);
    assert.deepEqual(await later, [['e', { of: 'e' }]]);
  });
});
