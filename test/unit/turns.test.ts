import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { GroupCommit } from '../../persistence/group-commit.ts';
import { Turns, type GiveBack } from '../../persistence/turns.ts';

const LONG_MS = 60_000;

describe('turns', () => {
  it('[AC5] go at once while some are free, and then in the order in which they were asked for', async () => {
    const turns = new Turns({ atOnceMax: 2, holdMaxMs: LONG_MS });
    const [first, second] = [turns.take(), turns.take()];
    assert.ok(!(first instanceof Promise) && !(second instanceof Promise));
    const order: string[] = [];
    const later = ['a', 'b'].map(async (name) => {
      const giveBack = await turns.take();
      order.push(name);
      giveBack();
    });
    await delay(5);
    assert.deepEqual(order, []);
    first();
    await Promise.all(later);
    assert.deepEqual(order, ['a', 'b']);
    // Given back twice it is one.
    first();
    second();
    const held: (GiveBack | Promise<GiveBack>)[] = [turns.take(), turns.take()];
    assert.ok(held.every((taken) => !(taken instanceof Promise)));
    const waiting = turns.take();
    assert.ok(waiting instanceof Promise);
    for (const giveBack of held) (giveBack as GiveBack)();
    (await waiting)();
  });

  it('[AC5] end by themselves, so that nobody waits for who hangs', async () => {
    const turns = new Turns({ atOnceMax: 1, holdMaxMs: 10 });
    const hangs = turns.take() as GiveBack;
    const next = await turns.take();
    const third = turns.take();
    // Whoever hung comes back late: it is not its turn any more.
    hangs();
    assert.equal(await Promise.race([third, delay(2, 'waits')]), 'waits');
    next();
    (await third)();
  });

  it('[AC5] have lanes gather behind each other', async () => {
    const commits: string[] = [];
    let going = Promise.withResolvers<void>();
    const group = new GroupCommit<string>({
      sizeMax: 9, waitingMax: 9, turns: new Turns({ atOnceMax: 1, holdMaxMs: LONG_MS }),
      commit: (items) => {
        commits.push(items.join(''));
        going = Promise.withResolvers();
        return going.promise;
      },
    });
    const all = [group.add(0, 'a'), group.add(1, 'b'), group.add(1, 'c'), group.add(2, 'd')];
    await delay(5);
    assert.deepEqual(commits, ['a']);
    for (const expected of [['a', 'bc'], ['a', 'bc', 'd']]) {
      going.resolve();
      await delay(5);
      assert.deepEqual(commits, expected);
    }
    going.resolve();
    await Promise.all(all);
  });
});
