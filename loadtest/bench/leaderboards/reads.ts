import { GLOBAL } from '../../../schema/leaderboard.ts';
import { invariant } from '../../../schema/invariant.ts';
import type { BenchOptions, BenchResult, Target } from '../kit/bench.ts';
import { inTurn, medians, quantile, timePairs, type Figures } from '../kit/measure.ts';
import { forMs, keepBusy } from '../kit/rate.ts';
import type { BareSets } from './bare-sets.ts';
import type { Scorer } from './bulk-scores.ts';
import { PEER } from './peer.ts';
import { BOARD, REGIONS, type Stadium } from './stadium.ts';
import { whole } from './whole.ts';

const IN_FLIGHT = 100;
const LONELY = 300;
const WARM_UPS = 50;
const SHARE = 0.5;
const RADIUS = 5;
const TENFOLD: readonly Target[] = [{ of: 'ratio', bound: 'at least', value: 10 }];
const AS_MUCH: readonly Target[] = [{ of: 'ratio', bound: 'at least', value: 1 }];

interface Question {
  what: string;
  peer: number;
  targets: readonly Target[];
  ours: (scorer: Scorer) => Promise<unknown>;
  bare: (scorer: Scorer) => Promise<unknown>;
}

/** The top, a player's rank and what is around it, over all regions and in one: alone, and a hundred at a time. */
export async function reads(stadium: Stadium, bare: BareSets, { rounds, roundMs }: BenchOptions): Promise<BenchResult[]> {
  const scorers = new Turns(stadium.drawn.flat());
  const results: BenchResult[] = [];
  for (const question of questions(stadium, bare)) {
    const { what, peer, targets, ours, bare: byHand } = question;
    await timePairs(scorers.next(WARM_UPS), { ours, ceiling: byHand });
    const alone: Record<'ours' | 'ceiling', Figures[]> = { ours: [], ceiling: [] };
    for (let round = 0; round < rounds; round++) {
      const tookMs = await timePairs(scorers.next(LONELY), { ours, ceiling: byHand });
      for (const who of ['ours', 'ceiling'] as const) alone[who].push({ p50: quantile(tookMs[who], 0.5), p99: quantile(tookMs[who], 0.99) });
    }
    const lonely = { ours: medians(alone.ours), ceiling: medians(alone.ceiling) };
    const together = await inTurn(rounds, { ours: () => crowd(ours), ceiling: () => crowd(byHand) });
    const row = (more: string, figure: 'p50' | 'p99'): BenchResult => ({ what: `${what}, one at a time, ${more}`, ours: lonely.ours[figure] ?? Number.NaN, ceiling: lonely.ceiling[figure] ?? Number.NaN, unit: 'ms' });
    results.push(
      { what: `${what}, ${IN_FLIGHT} in flight, against the Go peer’s`, ours: together.ours.perSecond, ceiling: peer, unit: 'reads/s', targets },
      { what: `${what}, ${IN_FLIGHT} in flight, against bare commands by hand`, ours: together.ours.perSecond, ceiling: together.ceiling.perSecond, unit: 'reads/s' },
      { what: `${what}, ${IN_FLIGHT} in flight, p99`, ours: together.ours.p99, ceiling: together.ceiling.p99, unit: 'ms' },
      row('p50', 'p50'),
      row('p99', 'p99'),
    );
  }
  return results;

  async function crowd(work: (scorer: Scorer) => Promise<unknown>): Promise<{ perSecond: number; p99: number }> {
    const began = performance.now();
    const tookMs = await keepBusy(IN_FLIGHT, forMs(roundMs * SHARE), () => work(scorers.one()));
    return { perSecond: (tookMs.length * 1_000) / (performance.now() - began), p99: quantile(tookMs, 0.99) };
  }
}

function questions({ leaderboards }: Stadium, bare: BareSets): Question[] {
  const [one = ''] = REGIONS;
  const top = (what: string, region: string, regions: readonly string[]): Question => ({
    what: `top 100 ${what}`, peer: PEER.topsPerSecond, targets: TENFOLD,
    ours: async () => invariant((await whole(() => leaderboards.top(BOARD, region))).rows.length > 0, 'there is a top'),
    bare: async () => invariant((await bare.top(regions)).length > 0, 'there is a top'),
  });
  const place = (what: string, regionOf: (scorer: Scorer) => string, regionsOf: (scorer: Scorer) => readonly string[]): Question => ({
    what: `rank ${what}`, peer: PEER.placesPerSecond, targets: AS_MUCH,
    ours: async (scorer) => invariant((await whole(() => leaderboards.place(BOARD, scorer.player, regionOf(scorer)))).rank !== null, 'who has a score has a rank'),
    bare: async (scorer) => invariant((await bare.place(scorer.player, scorer.region, regionsOf(scorer))) > 0, 'who has a score has a rank'),
  });
  const around = (what: string, regionOf: (scorer: Scorer) => string, regionsOf: (scorer: Scorer) => readonly string[]): Question => ({
    what: `${2 * RADIUS + 1} rows around a player ${what}`, peer: PEER.placesPerSecond, targets: AS_MUCH,
    ours: async (scorer) => invariant((await whole(() => leaderboards.around(BOARD, scorer.player, regionOf(scorer), RADIUS))).rows.length > 0, 'who has a place has rows around'),
    bare: async (scorer) => invariant((await bare.around(scorer.player, scorer.region, regionsOf(scorer), RADIUS)).rows.length > 0, 'who has a place has rows around'),
  });
  return [
    top('over ten regions', GLOBAL, REGIONS), top('of one region', one, [one]),
    place('over ten regions', () => GLOBAL, () => REGIONS), place('in a region', ({ region }) => region, ({ region }) => [region]),
    around('over ten regions', () => GLOBAL, () => REGIONS), around('in a region', ({ region }) => region, ({ region }) => [region]),
  ];
}

/** One after the other, and again from the first. */
class Turns<Value> {
  readonly #values: readonly Value[];
  #at = 0;

  constructor(values: readonly Value[]) {
    this.#values = values;
  }

  one(): Value {
    return this.#values[this.#at++ % this.#values.length] as Value;
  }

  next(count: number): Value[] {
    return Array.from({ length: count }, () => this.one());
  }
}
