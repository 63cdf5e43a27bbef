import { GLOBAL } from '../../../schema/leaderboard.ts';
import type { BenchOptions, BenchResult } from '../kit/bench.ts';
import { medians, quantile } from '../kit/measure.ts';
import { BOARD, REGIONS, type Stadium } from './stadium.ts';

const TOPS = 200;

/** The top of all regions against that of the slowest one, each asked alone and in turn with the others. */
export async function acrossRegions({ leaderboards }: Stadium, { rounds }: BenchOptions): Promise<BenchResult[]> {
  const scopes = [GLOBAL, ...REGIONS];
  const measured: Record<string, number>[] = [];
  for (let round = 0; round < rounds; round++) {
    const tookMs = new Map(scopes.map((scope) => [scope, [] as number[]]));
    for (let turn = 0; turn < TOPS; turn++) {
      for (const scope of turn % 2 === 0 ? scopes : scopes.toReversed()) {
        const began = performance.now();
        await leaderboards.top(BOARD, scope);
        tookMs.get(scope)?.push(performance.now() - began);
      }
    }
    measured.push(Object.fromEntries([...tookMs].map(([scope, took]) => [scope, quantile(took, 0.5)])));
  }
  const { [GLOBAL]: all = Number.NaN, ...each } = medians(measured);
  return [{ what: 'top 100 over ten regions, against the slowest of its regions alone, p50', ours: all, ceiling: Math.max(...Object.values(each)), unit: 'ms', targets: [{ of: 'ratio', bound: 'at most', value: 1.3 }] }];
}
