import assert from 'node:assert/strict';
import { withMutant } from '../kit/mutant.ts';
import type { MutationName } from '../kit/mutations.ts';
import { isFull } from '../share.ts';
import { runFaults, type FaultRunOptions } from './simulator.ts';

const SEED = Math.floor(Math.random() * 2 ** 31);
const ROUND: FaultRunOptions = { trades: isFull() ? 2_000 : 800, workers: 3, seed: SEED, shards: 4, inFlight: 40, players: 250 };
/** Ten servers on one machine, a shard on each. */
const TEN: FaultRunOptions = { ...ROUND, trades: 600, workers: 2, shards: 10, servers: 10, inFlight: 15, players: 150 };
/** Fewer trades under as many faults. */
const CONTROL: FaultRunOptions = { ...ROUND, trades: 800, workers: 2, players: 150 };

describe('trades while processes are killed, connections cut and PostgreSQL is stopped', function () {
  this.timeout(240_000);

  it(`[CR3] dupe 26: in ${ROUND.trades} trades everybody is told the truth (seed ${SEED})`, async () => {
    const { violations, kills, terminated, stops, trades, acknowledged, crossing, refused } = await runFaults(ROUND);
    assert.deepEqual(violations, []);
    // What was not done to it is not tested.
    assert.ok(kills >= 4 && terminated >= 10 && stops >= 1, `${kills} kills, ${terminated} connections cut, ${stops} stops`);
    assert.ok(trades >= ROUND.trades && acknowledged > trades / 2 && crossing > trades / 2, `${acknowledged} of ${trades} acknowledged, ${crossing} between shards`);
    for (const code of ['NOT_OWNER', 'INSUFFICIENT', 'TRADE_STALE']) assert.ok((refused[code] ?? 0) > 0, `nothing was refused with ${code}`);
  });

  it(`[CR3] dupe 26: nor does it matter that one of ten servers stops while ${TEN.trades} trades go over all of them (seed ${SEED})`, async () => {
    const { violations, kills, stops, trades, acknowledged, crossing } = await runFaults(TEN);
    assert.deepEqual(violations, []);
    assert.ok(kills >= 4 && stops === 1, `${kills} kills, ${stops} stops`);
    assert.ok(trades >= TEN.trades && acknowledged > trades / 2 && crossing > trades * 0.8, `${acknowledged} of ${trades} acknowledged, ${crossing} between shards`);
  });

  const controls: { mutation: MutationName; symptom: RegExp }[] = [
    { mutation: 'answers-first', symptom: /acknowledged, and not there/ },
    { mutation: 'commits-apart', symptom: /, and there by half/ },
  ];
  for (const { mutation, symptom } of controls) {
    it(`dupe 26 goes red when the workers are "${mutation}" (seed ${SEED})`, async () => {
      await withMutant(mutation, async (root) => {
        const { violations } = await runFaults({ ...CONTROL, root });
        assert.match(violations.join('\n'), symptom);
      });
    });
  }
});

describe('shards that are added and drained while everybody trades', function () {
  this.timeout(300_000);

  const RESHAPED: FaultRunOptions = { ...ROUND, trades: 250, workers: 2, shards: 1, reshape: [3, 2], inFlight: 20 };
  it(`[SH6] dupe 9: from 1 to ${RESHAPED.reshape?.join(' to ')} shards, with movers and workers killed, by the fewest moves (seed ${SEED})`, async () => {
    const { violations, reshapings, acknowledged, crossing } = await runFaults(RESHAPED);
    assert.deepEqual(violations, []);
    assert.deepEqual(reshapings.map(({ over, moved }) => [over, moved]), [[3, 682], [2, 341]]);
    assert.ok(acknowledged > 0 && crossing > 0);
  });
});
