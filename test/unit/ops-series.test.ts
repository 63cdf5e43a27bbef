import assert from 'node:assert/strict';
import { seriesOf } from '../../server/ops/index.ts';
import { sampleOf } from '../kit/ops-sample.ts';

const STEP_MS = 10_000;

describe('the last hour', () => {
  it('[OP5] makes rates of counters, over all processes and from one sample to the next', () => {
    const one = [0, 10, 40].map((settled, turn) => sampleOf('a', turn * STEP_MS, { sessions: turn, totals: { trades: { settled, cancelled: 9 }, refusals: { BUSY: turn, TRADE_STALE: turn }, movements: 2 * settled, commits: settled, queueWaitSeconds: settled / 100, commitSeconds: settled / 50 } }));
    const two = [100, 100, 130].map((settled, turn) => sampleOf('b', turn * STEP_MS + 3_000, { instance: 1, sessions: 5, loopDelayP99Ms: 7, totals: { trades: { settled } } }));
    const series = seriesOf([one, two], { from: 0, to: 3 * STEP_MS, stepMs: STEP_MS });
    assert.deepEqual(series.times, [0, STEP_MS, 2 * STEP_MS]);
    assert.deepEqual(series.tradesPerSecond, [null, 1, 6]);
    assert.deepEqual(series.players, [null, 6, 7]);
    assert.deepEqual(series.refusalsPerSecond, [null, 0.2, 0.2]);
    assert.deepEqual([series.batchSize, series.queueWaitMs, series.commitMs].map((values) => values.map((value) => value && Math.round(value))), [[null, 2, 2], [null, 5, 5], [null, 20, 20]]);
    assert.deepEqual(series.loopDelayMs, { 0: [null, 0, 0], 1: [null, 7, 7] });
  });

  it('[OP5] leaves out the step in which a process began anew, and says nothing of a time in which nobody said anything', () => {
    const again = [sampleOf('a', 0, { totals: { trades: { settled: 50 } } }), sampleOf('a', STEP_MS, { totals: { trades: { settled: 2 } } }), sampleOf('a', 3 * STEP_MS, { totals: { trades: { settled: 22 } } })];
    const series = seriesOf([again], { from: 0, to: 4 * STEP_MS, stepMs: STEP_MS });
    assert.deepEqual(series.tradesPerSecond, [null, null, null, 1]);
    assert.deepEqual(seriesOf([], { from: 0, to: STEP_MS, stepMs: STEP_MS }).players, [null]);
  });
});
