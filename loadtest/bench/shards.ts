import type { Bench, BenchOptions, BenchResult } from './kit/bench.ts';
import { gathering } from './shards/gathering.ts';
import { audited, openGrounds, type Grounds } from './shards/grounds.ts';
import { mapCheck } from './shards/map-check.ts';
import { playerCount } from './shards/player-count.ts';
import { reads } from './shards/reads.ts';
import { shardCount } from './shards/shard-count.ts';
import { twoPhase } from './shards/two-phase.ts';

const PARTS: readonly ((grounds: Grounds, options: BenchOptions) => Promise<BenchResult[]>)[] = [reads, twoPhase, mapCheck, gathering, shardCount];

/** What it costs that there are several shards, and whether a trade costs the same however many shards and players there are. */
export const shards: Bench = {
  name: 'shards',
  title: 'What shards cost (embedded PostgreSQL, fsync on, all shards of a comparison on one server, here)',
  async run(options) {
    const grounds = await openGrounds(options);
    const results: BenchResult[] = [];
    try {
      for (const part of PARTS) results.push(...(await part(grounds, options)));
      for (const { economy } of [grounds.one, grounds.few, grounds.many]) results.push(await audited(economy));
    } finally {
      await grounds.close();
    }
    return [...results, ...(await playerCount(options))];
  },
};
