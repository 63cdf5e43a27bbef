import type { BenchOptions, BenchResult } from '../kit/bench.ts';
import { invariant } from '../../../schema/invariant.ts';
import { medians, type Figures } from '../kit/measure.ts';
import type { BareSets } from './bare-sets.ts';
import { BOARD, type Stadium } from './stadium.ts';

const ROUNDS_MAX = 3;

/** All sets from PostgreSQL, into a Redis that was emptied: as a process does it, and by hand. Afterwards both are there. */
export async function filling(stadium: Stadium, bare: BareSets, { rounds }: BenchOptions): Promise<BenchResult[]> {
  const scores = stadium.boards[0].players;
  const measured: Record<'ours' | 'ceiling', Figures[]> = { ours: [], ceiling: [] };
  const fills = {
    ours: async () => {
      const filled = (await stadium.start()).get(BOARD);
      invariant(filled !== undefined && filled.scores >= scores, 'every score is there');
      return { ms: filled.tookMs, scores: filled.scores };
    },
    ceiling: async () => {
      const began = performance.now();
      const found = await bare.fill();
      return { ms: performance.now() - began, scores: found };
    },
  };
  for (let round = 0; round < Math.min(rounds, ROUNDS_MAX); round++) {
    await stadium.stop();
    await stadium.redis.link.commands.flushall('ASYNC');
    for (const who of round % 2 === 0 ? (['ceiling', 'ours'] as const) : (['ours', 'ceiling'] as const)) measured[who].push(await fills[who]());
  }
  const [ours, ceiling] = [medians(measured.ours), medians(measured.ceiling)];
  const what = `filling the sets of ${scores.toLocaleString('en')} scores after FLUSHALL, against bare ZADDs by hand from the same rows`;
  return [
    { what: `${what}, time`, ours: (ours.ms ?? Number.NaN) / 1_000, ceiling: (ceiling.ms ?? Number.NaN) / 1_000, unit: 's' },
    { what: `${what}, rate`, ours: (1_000 * (ours.scores ?? Number.NaN)) / (ours.ms ?? Number.NaN), ceiling: (1_000 * (ceiling.scores ?? Number.NaN)) / (ceiling.ms ?? Number.NaN), unit: 'scores/s' },
  ];
}
