import type { Bench, BenchOptions, BenchResult } from './kit/bench.ts';
import { acrossRegions } from './leaderboards/across-regions.ts';
import { agreement } from './leaderboards/agreement.ts';
import { BareSets } from './leaderboards/bare-sets.ts';
import { filling } from './leaderboards/filling.ts';
import { growth } from './leaderboards/growth.ts';
import { pages } from './leaderboards/pages.ts';
import { reads } from './leaderboards/reads.ts';
import { Stadium } from './leaderboards/stadium.ts';
import { submissions } from './leaderboards/submissions.ts';
import { twin } from './leaderboards/twin.ts';
import { updates } from './leaderboards/updates.ts';
import { withoutSets } from './leaderboards/without-sets.ts';

const PARTS: readonly ((stadium: Stadium, bare: BareSets, options: BenchOptions) => Promise<BenchResult[]>)[] = [
  filling,
  (stadium) => agreement(stadium, 'filled'),
  reads,
  (stadium, _, options) => acrossRegions(stadium, options),
  (stadium, _, options) => growth(stadium, options),
  (stadium, _, options) => withoutSets(stadium, options),
  updates,
  (stadium, _, options) => submissions(stadium, options),
  (stadium) => agreement(stadium, 'after the submissions'),
  (stadium, _, options) => pages(stadium, options),
  (stadium) => twin(stadium),
];

/** Leaderboards: scores that are durable, sorted sets that serve them, and what both cost with many players. */
export const leaderboards: Bench = {
  name: 'leaderboards',
  title: 'Leaderboards (embedded PostgreSQL, fsync on, scores of ten regions; one Redis): against bare sorted sets and statements by hand on the same servers, and against the Go peer’s figures',
  defaults: { playersMax: 1_000_000, shardsMax: 4 },
  async run(options) {
    const results: BenchResult[] = [];
    const stadium = await Stadium.open(options);
    const bare = new BareSets(stadium);
    try {
      for (const part of PARTS) results.push(...(await part(stadium, bare, options)));
    } finally {
      await bare.close();
      await stadium.close();
    }
    if (options.shardsMax > 1) results.push(...(await onOneDatabase(options)));
    return results;
  },
};

/** What is durable, once more on one database, which is what the Go peer has: several on the same cores are only more work. */
async function onOneDatabase(options: BenchOptions): Promise<BenchResult[]> {
  const stadium = await Stadium.open({ ...options, shardsMax: 1 });
  try {
    await stadium.start();
    return await submissions(stadium, options);
  } finally {
    await stadium.close();
  }
}
