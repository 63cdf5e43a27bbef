import { randomUUID } from 'node:crypto';
import type { CommandId } from '../../../schema/ids.ts';
import { invariant } from '../../../schema/invariant.ts';
import type { BenchOptions, BenchResult, Target } from '../kit/bench.ts';
import { inTurn, medians, quantile, timePairs, type Figures } from '../kit/measure.ts';
import { forMs, keepBusy, Meter, rateRows, type More } from '../kit/rate.ts';
import { strongestOf } from '../kit/strongest-crew.ts';
import type { Scorer } from './bulk-scores.ts';
import { HandScores, type HandOptions } from './hand-scores.ts';
import { PEER } from './peer.ts';
import { BOARD, type Stadium } from './stadium.ts';

const LEVELS = [100, 1_000];
const LONELY = 100;
const WARM_UPS = 40;
const TRIAL_SHARE = 0.15;
const WARM_UP_SHARE = 0.5;
/** As many as a transaction of ours takes. */
const BATCH_MAX = 250;
const CONNECTIONS = [1, 2];
const PLANS = ['auto', 'force_generic_plan'] as const;
const FIVEFOLD: readonly Target[] = [{ of: 'ratio', bound: 'at least', value: 5 }];

/** Scores through the feature, acknowledged when they are durable and in the sorted sets: distinct players, each time a better score. */
export async function submissions(stadium: Stadium, { rounds, roundMs }: BenchOptions): Promise<BenchResult[]> {
  const { economy, leaderboards, drawn } = stadium;
  const where = economy.urls.length === 1 ? 'on one database' : `over ${economy.urls.length} shards`;
  const meter = new Meter(economy.postgresPid);
  // From every shard in turn.
  const scorers = drawn[0]?.flatMap((_, at) => drawn.flatMap((here) => here[at] ?? [])) ?? [];
  let submitted = 0;
  const submit = async (): Promise<void> => {
    const { player } = scorers[submitted % scorers.length] as Scorer;
    const score = 20_000_000 + submitted++;
    const answer = await leaderboards.submit({ commandId: randomUUID() as CommandId, board: BOARD, playerId: player, score });
    invariant(answer.score === score, 'the better score stays');
  };
  const run = (inFlight: number, more: More) => keepBusy(inFlight, more, submit);

  await HandScores.prepare(stadium);
  const results = await alone();
  for (const inFlight of LEVELS) results.push(...(await together(Math.min(inFlight, scorers.length))));
  return results;

  async function alone(): Promise<BenchResult[]> {
    await tidy();
    const bare = new HandScores(stadium, { connections: 1, batch: 1, plan: 'force_generic_plan' });
    try {
      const contenders = { ours: submit, ceiling: (at: number) => bare.submitOne(at) };
      const places = Array.from({ length: LONELY }, (_, at) => at);
      await timePairs(places.slice(0, WARM_UPS), contenders);
      const measured: Figures[] = [];
      for (let round = 0; round < rounds; round++) {
        const { ours, ceiling } = await timePairs(places, contenders);
        measured.push({ p50: quantile(ours, 0.5), p99: quantile(ours, 0.99), bareP50: quantile(ceiling, 0.5), bareP99: quantile(ceiling, 0.99) });
      }
      const { p50 = Number.NaN, p99 = Number.NaN, bareP50 = Number.NaN, bareP99 = Number.NaN } = medians(measured);
      const what = `a score submitted ${where}, one at a time, against one statement and one commit for it by hand`;
      return [
        { what: `${what}, p50`, ours: p50, ceiling: bareP50, unit: 'ms' },
        { what: `${what}, p99`, ours: p99, ceiling: bareP99, unit: 'ms' },
        { what: `scores submitted ${where}, one at a time, against the Go peer’s with many`, ours: 1_000 / p50, ceiling: PEER.submitsPerSecond, unit: 'scores/s' },
      ];
    } finally {
      await bare.close();
    }
  }

  async function together(inFlight: number): Promise<BenchResult[]> {
    await tidy();
    const bare = await strongestOf(waysFor(inFlight).map((way) => new HandScores(stadium, way)), (crew) => crew.run(forMs(roundMs * TRIAL_SHARE)));
    try {
      await run(inFlight, forMs(roundMs * WARM_UP_SHARE));
      const measured = await inTurn(rounds, { ours: () => meter.rate(() => run(inFlight, forMs(roundMs))), ceiling: () => meter.rate(() => bare.run(forMs(roundMs))) });
      const what = `scores submitted ${where}, ${inFlight.toLocaleString('en')} in flight`;
      return [
        { what: `${what}, against the Go peer’s`, ours: measured.ours.perSecond, ceiling: PEER.submitsPerSecond, unit: 'scores/s', targets: FIVEFOLD },
        ...rateRows(what, `the strongest of its kind: ${bare.name}`, measured, undefined, 'a score'),
      ];
    } finally {
      await bare.close();
    }
  }

  /** Every way to share out among the shards what is in flight, and to plan. */
  function waysFor(inFlight: number): HandOptions[] {
    const shares = CONNECTIONS.map((connections) => ({ connections, batch: Math.min(BATCH_MAX, Math.floor(inFlight / economy.urls.length / connections)) }));
    return shares.filter(({ batch }) => batch > 0).flatMap((share) => PLANS.map((plan) => ({ ...share, plan })));
  }

  /** Dead rows gone, statistics known. */
  async function tidy(): Promise<void> {
    await Promise.all(economy.shards.map(({ pool }) => pool.query('vacuum analyze')));
    await economy.shards[0]?.pool.query('checkpoint');
  }
}
