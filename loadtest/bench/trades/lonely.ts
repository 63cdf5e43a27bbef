import type { BenchResult } from '../kit/bench.ts';
import { seededRandom } from '../kit/holdings.ts';
import { medians, quantile } from '../kit/measure.ts';
import { times } from '../kit/rate.ts';
import { strongestCrew } from '../kit/strongest-crew.ts';
import type { Stage } from './stage.ts';

const SLICES = 40;
const TRADES_PER_SLICE = 20;

/** One trade at a time, from its first offer to its settlement, against nothing but its transaction. */
export async function lonely({ market, ceiling, tidy }: Stage, rounds: number): Promise<BenchResult[]> {
  await tidy();
  const random = seededRandom(6);
  // Four statements, one after the other.
  const bare = await strongestCrew(ceiling, 1, random, [false]);
  try {
    const contenders = {
      ours: () => market.run(1, times(TRADES_PER_SLICE), random),
      ceiling: () => bare.run(times(TRADES_PER_SLICE), random),
    };
    const measured: { ours: number; ceiling: number }[] = [];
    for (let round = 0; round < rounds; round++) {
      const tookMs = { ours: [] as number[], ceiling: [] as number[] };
      for (let slice = 0; slice < SLICES; slice++) {
        for (const who of slice % 2 === 0 ? (['ours', 'ceiling'] as const) : (['ceiling', 'ours'] as const)) tookMs[who].push(...(await contenders[who]()));
      }
      measured.push({ ours: quantile(tookMs.ours, 0.5), ceiling: quantile(tookMs.ceiling, 0.5) });
    }
    return [{
      what: `a lonely trade, p50, against its bare transaction (begin, lock, act, commit; ${bare.name}), in slices in turn`,
      ...medians(measured), unit: 'ms', targets: [{ of: 'ratio', bound: 'at most', value: 1.3 }],
    }];
  } finally {
    await bare.close();
  }
}
