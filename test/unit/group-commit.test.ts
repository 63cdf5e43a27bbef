import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { GroupCommit } from '../../persistence/group-commit.ts';
import { Refusal } from '../../schema/refusals.ts';

const REFUSED_ROW = Object.assign(new Error('value too long'), { code: '22001' });

describe('group commit', () => {
  /** Commits that are under way until they are ended. */
  let flights: { items: readonly string[]; end: (error?: Error) => void }[];
  let told: string[];
  const open = (bounds: { sizeMax?: number; waitingMax?: number } = {}) => {
    const group = new GroupCommit<string>({
      sizeMax: 3,
      waitingMax: 10,
      ...bounds,
      commit: (items) => new Promise((resolve, reject) => flights.push({ items, end: (error) => (error ? reject(error) : resolve()) })),
    });
    return (lane: number, item: string) => group.add(lane, item).then(() => told.push(`${item} is in`), (error: Error) => told.push(`${item}: ${error.message}`));
  };
  const committed = () => flights.map(({ items }) => items.join(''));
  const end = async (at: number, error?: Error) => {
    flights[at]?.end(error);
    await turn();
  };
  beforeEach(() => {
    flights = [];
    told = [];
  });

  it('[AC5] a lonely one goes at once; what comes meanwhile goes together, in its order and in bounds', async () => {
    const add = open();
    for (const item of 'abcdef') void add(0, item);
    assert.deepEqual(committed(), ['a']);
    await end(0);
    assert.deepEqual(committed(), ['a', 'bcd']);
    assert.deepEqual(told, ['a is in'], 'nobody is told before its commit');
    await end(1);
    void add(0, 'g');
    assert.deepEqual(committed(), ['a', 'bcd', 'ef']);
    await end(2);
    await end(3);
    void add(0, 'h');
    assert.deepEqual(committed(), ['a', 'bcd', 'ef', 'g', 'h']);
    assert.deepEqual(told, [...'abcdefg'].map((item) => `${item} is in`));
  });

  it('[AC5] no lane waits for another', async () => {
    const add = open();
    for (const lane of [0, 1, 2]) void add(lane, String(lane));
    assert.deepEqual(committed(), ['0', '1', '2']);
  });

  // Guards `isRefusedRow` and the loop behind it.
  it('[AC5] when a row is refused each goes alone, and only what is at fault fails', async () => {
    const add = open();
    for (const item of 'abc') void add(0, item);
    await end(0);
    await end(1, REFUSED_ROW);
    await end(2, REFUSED_ROW);
    await end(3);
    assert.deepEqual(committed(), ['a', 'bc', 'b', 'c']);
    assert.deepEqual(told, ['a is in', 'b: value too long', 'c is in']);
  });

  it('[AC5] whatever else fails a commit fails all of it, and the next go on', async () => {
    const add = open();
    for (const item of 'abcde') void add(0, item);
    await end(0);
    await end(1, new Error('away'));
    await end(2);
    assert.deepEqual(told, ['a is in', 'b: away', 'c: away', 'd: away', 'e is in']);
  });

  it('[AC5] beyond its bound one is BUSY, and takes nobody’s place', async () => {
    const group = new GroupCommit<string>({ sizeMax: 3, waitingMax: 2, commit: () => new Promise(() => undefined) });
    for (const item of 'abc') void group.add(0, item);
    assert.throws(() => group.add(0, 'd'), (error) => error instanceof Refusal && error.code === 'BUSY');
    void group.add(1, 'other lane');
  });
});
