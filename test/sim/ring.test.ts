import assert from 'node:assert/strict';
import { withMutant } from '../kit/mutant.ts';
import { runRings, type RingRunOptions } from './ring.ts';

const SEED = Math.floor(Math.random() * 2 ** 31);
const ROUND = { seconds: 5, tradesMin: 300, seed: SEED, rings: 12, inFlight: 30, shards: 10, workers: 2 } satisfies RingRunOptions;

describe('rings of trades over ten shards at full speed', function () {
  this.timeout(120_000);

  it(`[LD2] dupe 28: A to B to C to A, and the other way round, for ${ROUND.seconds} s in ${ROUND.workers} processes: nobody loses a race for a lock (seed ${SEED})`, async () => {
    const { violations, trades, acknowledged, shardsUsed } = await runRings(ROUND);
    assert.deepEqual(violations, []);
    assert.ok(acknowledged === trades && trades >= ROUND.tradesMin && shardsUsed === ROUND.shards, `${acknowledged} of ${trades} trades acknowledged, on ${shardsUsed} shards`);
  });

  // Guards the order in which every process takes the shards.
  it(`dupe 28 goes red when one process is "shards-backwards" (seed ${SEED})`, async () => {
    await withMutant('shards-backwards', async (root) => {
      const { violations } = await runRings({ ...ROUND, tradesMin: 1, root });
      assert.match(violations.join('\n'), /lost races/);
    });
  });
});
