import assert from 'node:assert/strict';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import { Turns, type Movement, type MovementOutcome } from '../../persistence/index.ts';
import { moves, nameOf, openQueue } from '../kit/flights.ts';

const LONG_MS = 60_000;

describe('the commit queue', () => {
  it('[TQ1] commits a lonely movement in the turn it came in, without any timer', async () => {
    const { flights, submit } = openQueue();
    submit(moves('a', 'AB'));
    await Promise.resolve();
    assert.deepEqual(flights.map(({ names }) => names), ['a']);
  });

  it('[TQ1] commits what gathered meanwhile together, as soon as the commit in flight ends, and not before', async () => {
    const { flights, told, submit } = openQueue();
    submit(moves('a', 'A'));
    await turn();
    for (const name of ['b', 'c', 'd']) {
      submit(moves(name, name));
      await turn();
    }
    assert.equal(flights.length, 1);
    await flights[0]!.land();
    assert.deepEqual(flights.map(({ names }) => names), ['a', 'b c d']);
    assert.deepEqual([...told], [['a', 'did a']]);
    await flights[1]!.land();
    assert.deepEqual([...told], [['a', 'did a'], ['b', 'did b'], ['c', 'did c'], ['d', 'did d']]);
  });

  it('[TQ1] bounds a batch, and takes who came first', async () => {
    const { flights, submit } = openQueue({ batchSizeMax: 3 });
    for (const name of 'abcdefgh') submit(moves(name, name));
    for (let at = 0; at < 3; at++) await turn().then(() => flights[at]!.land());
    assert.deepEqual(flights.map(({ names }) => names), ['a b c', 'd e f', 'g h']);
  });

  // Guards the weight: a hundred actions of a guild are one movement, and two hundred such would be one transaction.
  it('[TQ1] counts a movement as much as it weighs, and takes one that is too heavy alone', async () => {
    const { flights, submit } = openQueue({ batchSizeMax: 5, weightOf: (movement) => (/[A-Z]/.test(nameOf(movement)) ? 3 : 1) });
    for (const name of ['A', 'B', 'c', 'd', 'E']) submit(moves(name, name));
    for (let at = 0; at < 3; at++) await turn().then(() => flights[at]!.land());
    assert.deepEqual(flights.map(({ names }) => names), ['A', 'B c d', 'E']);
  });

  // Guards the second wake in `#run`: a burst would go through one worker, while the others are idle.
  it('[TQ1] has as many commits under way at once as there are workers, and no more', async () => {
    const { flights, submit } = openQueue({ batchSizeMax: 2, workersMax: 2 });
    for (const name of 'abcdefg') submit(moves(name, name));
    await turn();
    assert.deepEqual(flights.map(({ names }) => names), ['a b', 'c d']);
    await flights[1]!.land();
    assert.deepEqual(flights.map(({ names }) => names), ['a b', 'c d', 'e f']);
  });

  it('[TQ1] lets no lane wait for another, nor share its batch', async () => {
    const { flights, submit } = openQueue();
    for (const [name, lane] of [['a', '0'], ['b', '1'], ['c', '0'], ['d', 'crossing']] as const) submit(moves(name, name, lane));
    await turn();
    assert.deepEqual(flights.map(({ names }) => names), ['a c', 'b', 'd']);
  });

  // Guards the turn that a worker takes before it takes its batch: without it each of three lanes commits what it has.
  it('[TQ7] has lanes gather while others have their turns, and gives these in the order in which they were asked for', async () => {
    const { flights, submit } = openQueue({ turns: new Turns({ atOnceMax: 2, holdMaxMs: LONG_MS }) });
    for (const [name, lane] of [['a', '0'], ['b', '1'], ['c', '2']] as const) submit(moves(name, name, lane));
    for (const [name, lane] of [['d', '3'], ['e', '2'], ['f', '0']] as const) {
      await turn();
      submit(moves(name, name, lane));
    }
    await turn();
    assert.deepEqual(flights.map(({ names }) => names), ['a', 'b']);
    await flights[1]!.land();
    assert.deepEqual(flights.map(({ names }) => names), ['a', 'b', 'c e']);
    await flights[0]!.land();
    await flights[2]!.land();
    assert.deepEqual(flights.map(({ names }) => names), ['a', 'b', 'c e', 'd', 'f']);
    for (const flight of flights.slice(3)) await flight.land();
  });

  // Guards the end that a turn has by itself: without it whoever is on another shard waits for the one that hangs.
  it('[TQ7] lets a lane whose commit hangs keep the others waiting only for so long', async () => {
    const { flights, submit } = openQueue({ workersMax: 1, turns: new Turns({ atOnceMax: 1, holdMaxMs: 20 }) });
    submit(moves('hangs', 'A', '0'));
    await turn();
    for (const name of ['b', 'c']) {
      submit(moves(name, name, '1'));
      while (!flights.some(({ names }) => names === name)) await delay(1);
      await flights.at(-1)!.land();
    }
    assert.deepEqual(flights.map(({ names }) => names), ['hangs', 'b', 'c']);
    await flights[0]!.land();
  });

  it('[TQ1] says of each batch how large it is and how long each waited', async () => {
    let now = 1000;
    const said: unknown[] = [];
    const { flights, submit } = openQueue({ now: () => now, onBatch: (size, waitedMs) => said.push([size, ...waitedMs]) });
    for (const name of 'abc') {
      submit(moves(name, name));
      await turn();
      now += 5;
    }
    await flights[0]!.land();
    assert.deepEqual(said, [[1, 0], [2, 10, 5]]);
  });

  // Guards the lines: without them a batch would hold the holder twice, or a later movement overtake.
  it("[TQ2] commits a holder's movements one after another, in order, also over lanes and workers", async () => {
    const { flights, submit } = openQueue({ workersMax: 3 });
    for (const [name, holders, lane] of [['a', 'A', '0'], ['b', 'AB', '1'], ['c', 'B', '0'], ['d', 'C', '0'], ['e', 'CA', '1']] as const) submit(moves(name, holders, lane));
    await turn();
    assert.deepEqual(flights.map(({ names }) => names), ['a d']);
    await flights[0]!.land();
    assert.deepEqual(flights.slice(1).map(({ names }) => names), ['b']);
    await flights[1]!.land();
    assert.deepEqual(flights.slice(2).map(({ names }) => names).toSorted(), ['c', 'e'], 'they share nobody');
  });

  it('[TQ2] starves nobody: who needs two sought-after holders goes when all before it went', async () => {
    const { flights, submit } = openQueue({ workersMax: 2 });
    submit(moves('a0', 'A'));
    await turn();
    submit(moves('b0', 'B'));
    submit(moves('both', 'AB'));
    await turn();
    let landed = 0;
    // Each of the two is never idle, and in turn: there is no moment at which nobody else asks for both.
    for (let at = 1; !flights.some(({ names }) => names.includes('both')); at++) {
      for (const holder of 'AB') submit(moves(`${holder}${at}`, holder));
      await flights[landed++]!.land();
      assert.ok(at < 4, 'it starves');
    }
    assert.equal(landed, 2);
  });

  it('[TQ2] starves nobody behind a full batch: those that came later wait behind it', async () => {
    const { flights, submit } = openQueue({ batchSizeMax: 2 });
    for (const name of 'abcd') submit(moves(name, name));
    submit(moves('late', 'Z'));
    for (let at = 0; at < 3; at++) {
      await turn();
      for (const holder of 'abcd') submit(moves(`${holder}${at}`, holder));
      await flights[at]!.land();
    }
    assert.deepEqual(flights.slice(0, 3).map(({ names }) => names.split(' ')[0]), ['a', 'c', 'late']);
  });

  // Guards `#followUp`: without it each of them would cost a commit of its own.
  it('[TQ2] commits those together who wait for nobody but each other, each behind whom it waits for', async () => {
    const { flights, submit } = openQueue({ roundsMax: 3, workersMax: 2 });
    for (const [name, holders, lane] of [['a', 'AB', '0'], ['b', 'BC', '0'], ['c', 'A', '0'], ['d', 'C', '1'], ['e', 'B', '0'], ['f', 'B', '0'], ['g', 'CE', '0']] as const) submit(moves(name, holders, lane));
    await turn();
    assert.deepEqual(flights.map(({ names }) => names), ['a c b e'], 'f would be the fourth of B; d is of another lane, and g waits for d');
    await flights[0]!.land();
    assert.deepEqual(flights.slice(1).map(({ names }) => names).toSorted(), ['d', 'f']);
    await flights.find(({ names }) => names === 'd')!.land();
    assert.deepEqual(flights.map(({ names }) => names).at(-1), 'g');
  });

  it('[TQ2] goes in rounds without exceeding the size of a batch, and takes none who waits for somebody else', async () => {
    const { flights, submit } = openQueue({ roundsMax: 9, workersMax: 2, batchSizeMax: 3 });
    submit(moves('x', 'X'));
    await turn();
    for (const [name, holders] of [['a', 'A'], ['b', 'AX'], ['c', 'A'], ['d', 'D'], ['e', 'D'], ['f', 'D']] as const) submit(moves(name, holders));
    await turn();
    assert.deepEqual(flights.map(({ names }) => names), ['x', 'a d e'], 'b waits for x, and c for b');
  });

  // Guards the items of `#followUp`: what one of a commit gives away, the next one does not have.
  it('[TQ2] has give way who names an item which the commit names already, once, and takes along who was behind', async () => {
    const { queue, flights, told, submit } = openQueue({ roundsMax: 9, workersMax: 2 });
    for (const [name, holders, ...items] of [['a', 'AB', 's'], ['b', 'BC', 't'], ['c', 'AD', 'u'], ['d', 'AC', 's', 'v'], ['e', 'CE', 'w'], ['f', 'BE', 'v']] as const) submit(moves(name, holders, '', items));
    await turn();
    assert.deepEqual(flights.map(({ names }) => names), ['a c b e f'], 'd names what a does, and keeps neither e nor f waiting');
    for (const [name, ...items] of [['g', 's'], ['h', 'x'], ['i', 'y']] as const) submit(moves(name, 'A', '', items));
    await flights[0]!.land();
    assert.deepEqual(flights.slice(1).map(({ names }) => names), ['g h i'], 'd came back behind them, names what g does, and waits');
    submit(moves('j', 'C'));
    await flights[1]!.land();
    assert.deepEqual([flights.slice(2).map(({ names }) => names), queue.length, told.has('d')], [['d j'], 2, false]);
    await flights[2]!.land();
    assert.deepEqual([queue.length, told.get('d')], [0, 'did d']);
  });

  // Guards that it is asked about when it comes back: it would take its holders' turns for what is gone.
  it('[TQ6] judges who gave way when it is known what became of the item, and not before', async () => {
    const gone = new Set<string>();
    const asked: string[] = [];
    const judge = (movements: readonly Movement[]) => Promise.resolve(movements.map((movement): MovementOutcome => (asked.push(nameOf(movement)), { status: 'refused', code: 'NOT_OWNER', details: {} })));
    const { queue, flights, told, submit } = openQueue({ roundsMax: 9, doubts: (movement) => gone.has(nameOf(movement)), judge });
    for (const [name, holders] of [['a', 'AB'], ['b', 'AC'], ['c', 'AD']] as const) submit(moves(name, holders, '', name === 'c' ? [] : ['s']));
    await turn();
    assert.deepEqual([flights.map(({ names }) => names), asked, queue.length], [['a c'], [], 3]);
    gone.add('b');
    await flights[0]!.land();
    assert.deepEqual([asked, told.get('b'), queue.length, flights.length], [['b'], 'refused', 0, 1]);
  });

  it('[TQ2] takes along who waited only for one that stepped out, and was behind nobody else', async () => {
    const { flights, submit } = openQueue({ roundsMax: 9, workersMax: 2, doubts: (movement) => nameOf(movement) === '?b', judge: () => new Promise(() => undefined) });
    for (const [name, holders] of [['a', 'A'], ['?b', 'AX'], ['c', 'X'], ['d', 'XY'], ['e', 'YA']] as const) submit(moves(name, holders));
    await turn();
    assert.deepEqual(flights.map(({ names }) => names), ['a c d e']);
  });

  // Guards the doubts of `#followUp`: who goes along is taken before its turn would have come.
  it('[TQ6] judges aside what looks hopeless when it might go along, and takes the next one', async () => {
    const asked: string[] = [];
    const judge = (movements: readonly Movement[]) => Promise.resolve(movements.map((movement): MovementOutcome => (asked.push(nameOf(movement)), { status: 'refused', code: 'NOT_OWNER', details: {} })));
    const { queue, flights, told, submit } = openQueue({ roundsMax: 9, doubts: (movement) => nameOf(movement).startsWith('?'), judge });
    for (const [name, holders] of [['a', 'AB'], ['?b', 'BC'], ['?c', 'AB'], ['d', 'BC'], ['e', 'A']] as const) submit(moves(name, holders));
    await turn();
    assert.deepEqual([flights.map(({ names }) => names), asked, told.get('?b'), told.get('?c')], [['a d e'], ['?b', '?c'], 'refused', 'refused']);
    await flights[0]!.land();
    assert.equal(queue.length, 0);
  });

  // Guards `#stepOut` of the doubted: they would take their holders' turns.
  it('[TQ6] judges aside what looks hopeless when its turn comes, and lets the next one have the turn', async () => {
    const asked: string[] = [];
    let answer: (outcomes: (MovementOutcome | undefined)[]) => void = () => undefined;
    const judge = (movements: readonly Movement[]) => {
      asked.push(movements.map(nameOf).join(' '));
      return new Promise<(MovementOutcome | undefined)[]>((resolve) => (answer = resolve));
    };
    const { queue, flights, told, submit } = openQueue({ doubts: (movement) => nameOf(movement).startsWith('?'), judge });
    for (const [name, holders] of [['?a', 'AB'], ['b', 'A'], ['?c', 'B'], ['d', 'B']] as const) submit(moves(name, holders));
    await turn();
    assert.deepEqual([asked, flights.map(({ names }) => names)], [['?a ?c'], ['b d']]);
    assert.equal(queue.length, 4, 'who is judged is in the queue still');
    await flights[0]!.land();
    answer([{ status: 'refused', code: 'NOT_OWNER', details: {} }, undefined]);
    await turn();
    assert.equal(told.get('?a'), 'refused');
    assert.deepEqual(flights.map(({ names }) => names), ['b d', '?c'], 'who was doubted wrongly is settled, and not doubted again');
    await flights[1]!.land();
    assert.deepEqual([asked.length, queue.length, told.get('?c')], [1, 0, 'did ?c']);
  });

  it('[TQ6] settles the doubted when nobody can judge them', async () => {
    const { flights, submit } = openQueue({ doubts: () => true, judge: () => Promise.reject(new Error('away')) });
    submit(moves('a', 'A'));
    await turn();
    assert.deepEqual(flights.map(({ names }) => names), ['a']);
  });

  it('[TQ5] is not drained before the doubted have their outcome', async () => {
    let answer: (outcomes: (MovementOutcome | undefined)[]) => void = () => undefined;
    const { queue, told, submit } = openQueue({ doubts: () => true, judge: () => new Promise((resolve) => (answer = resolve)) });
    submit(moves('a', 'A'));
    await turn();
    let drained = false;
    void queue.drain().then(() => (drained = true));
    await turn();
    assert.equal(drained, false);
    answer([{ status: 'refused', code: 'NOT_OWNER', details: {} }]);
    await turn();
    assert.deepEqual([drained, told.get('a')], [true, 'refused']);
  });

  // Guards the halves: one would commit all while the other waits for nothing.
  it('[TQ1] shares a wave in halves, unless it is small', async () => {
    for (const [batchShareMin, batches] of [[2, ['a b', 'c d']], [3, ['a b c', 'd']], [9, ['a b c d']]] as const) {
      const { flights, submit } = openQueue({ batchShareMin, workersMax: 2 });
      for (const name of 'abcd') submit(moves(name, name));
      await turn();
      assert.deepEqual(flights.map(({ names }) => names), batches);
    }
  });

  it('[TQ3] tries the movements of a failed batch alone, in order: who is poisoned fails by its own error, the others do not', async () => {
    const { flights, told, submit } = openQueue();
    for (const name of 'abc') submit(moves(name, name));
    await turn();
    await flights[0]!.land(new Error('some of it'));
    await flights[1]!.land();
    await flights[2]!.land(new Error('b itself'));
    await flights[3]!.land();
    assert.deepEqual(flights.map(({ names }) => names), ['a b c', 'a', 'b', 'c']);
    assert.deepEqual([...told], [['a', 'did a'], ['b', 'Error: b itself'], ['c', 'did c']]);
  });

  // Guards `mayRunAlone`: of an unknown outcome, a part may have happened.
  it('[TQ3] tries nothing again when the error says that something may have been written, and tells all', async () => {
    const { flights, told, submit } = openQueue({ mayRunAlone: (error) => !String(error).includes('unknown') });
    for (const name of 'abc') submit(moves(name, name));
    await turn();
    await flights[0]!.land(new Error('unknown'));
    assert.deepEqual([flights.length, ...told.values()], [1, 'Error: unknown', 'Error: unknown', 'Error: unknown']);
  });

  // Guards that a batch keeps its holders until each has its own outcome.
  it('[TQ3] lets nobody overtake those that are tried alone', async () => {
    const { flights, submit } = openQueue({ workersMax: 3 });
    for (const name of 'ab') submit(moves(name, name));
    await turn();
    for (const name of 'ab') submit(moves(`${name}2`, name));
    await flights[0]!.land(new Error('one of you'));
    assert.deepEqual(flights.map(({ names }) => names), ['a b', 'a']);
    await flights[1]!.land();
    assert.deepEqual(flights.slice(2).map(({ names }) => names).toSorted(), ['a2', 'b'], 'a is done with; b is not yet');
  });

  it('[TQ4] refuses beyond its length, those under way included, and has room again when one has its outcome', async () => {
    const { queue, flights, told, submit } = openQueue({ lengthMax: 3, batchSizeMax: 2 });
    for (const name of 'abcd') submit(moves(name, name));
    await turn();
    assert.deepEqual([queue.length, ...told], [3, ['d', 'BUSY']]);
    await flights[0]!.land();
    submit(moves('e', 'e'));
    await flights[1]!.land();
    await flights[2]!.land();
    assert.deepEqual([queue.length, flights.map(({ names }) => names)], [0, ['a b', 'c', 'e']], 'd was never tried');
  });

  it('[TQ4] refuses what one holder asks beyond its bound, and nobody else, and remembers nothing of it', async () => {
    const { queue, flights, told, submit } = openQueue({ perHolderMax: 2 });
    for (const [name, holders] of [['a', 'A'], ['b', 'AB'], ['c', 'CA'], ['d', 'C']] as const) submit(moves(name, holders));
    await turn();
    assert.deepEqual([queue.length, flights[0]?.names, ...told], [3, 'a d', ['c', 'BUSY']], 'd does not wait for what was refused');
    await flights[0]!.land();
    submit(moves('e', 'A'));
    await flights[1]!.land();
    await flights[2]!.land();
    assert.deepEqual(flights.map(({ names }) => names), ['a d', 'b', 'e']);
  });

  it('[TQ5] takes nothing once it drains, and is drained when all that was taken has its outcome, however it ends', async () => {
    const { queue, flights, told, submit } = openQueue({ batchSizeMax: 2 });
    for (const name of 'abc') submit(moves(name, name));
    let drained = 0;
    for (let at = 0; at < 2; at++) void queue.drain().then(() => drained++);
    submit(moves('late', 'Z'));
    await turn();
    assert.equal(told.get('late'), 'BUSY');
    await flights[0]!.land();
    assert.equal(drained, 0, 'c is on its way');
    await flights[1]!.land(new Error('c itself'));
    assert.deepEqual([drained, queue.length, told.size], [2, 0, 4], 'whoever asked for it hears of it');
    await queue.drain();
  });
});
