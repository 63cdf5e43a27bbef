import type { PlayerId } from '../../../schema/ids.ts';
import { invariant } from '../../../schema/invariant.ts';
import type { BenchOptions, BenchResult } from '../kit/bench.ts';
import { inTurn, quantile, timeEach } from '../kit/measure.ts';
import { openPool } from '../kit/pool.ts';
import { BOARD, type Stadium } from './stadium.ts';

const EACH = 5;
const TOP = `select player, value from score where board = '${BOARD}' and season = 1 order by value desc, player limit 100`;
const RANK = `select count(*)::float8 as better from score where board = '${BOARD}' and season = 1 and value > $1`;

/** What PostgreSQL alone needs for the same answers, with no index beyond the table's own key, all shards at once. */
export async function withoutSets({ economy, leaderboards, drawn }: Stadium, { rounds }: BenchOptions): Promise<BenchResult[]> {
  const pools = economy.urls.map((connectionString) => openPool({ connectionString, max: 1 }));
  try {
    const some = drawn.flat().slice(0, EACH);
    const everywhere = async <Row extends object>(text: string, values: unknown[]) => await Promise.all(pools.map(async (pool) => (await pool.query<Row>(text, values)).rows));
    const p50 = async (work: (at: number) => Promise<unknown>) => ({ p50: quantile(await timeEach(Array.from({ length: EACH }, (_, at) => at), 1, work), 0.5) });
    const top = await inTurn(rounds, {
      ours: () => p50(() => leaderboards.top(BOARD)),
      ceiling: () => p50(async () => {
        const found = await everywhere<{ player: PlayerId; value: string }>(TOP, []);
        const rows = found.flat().toSorted((a, b) => Number(b.value) - Number(a.value)).slice(0, 100);
        invariant(rows.length > 0, 'there is a top');
      }),
    });
    const rank = await inTurn(rounds, {
      ours: () => p50((at) => leaderboards.place(BOARD, some[at % some.length]?.player as PlayerId)),
      ceiling: () => p50(async (at) => {
        const found = await everywhere<{ better: number }>(RANK, [some[at % some.length]?.value]);
        invariant(found.flat().reduce((sum, { better }) => sum + better, 1) > 0, 'there is a rank');
      }),
    });
    const row = (what: string, { ours, ceiling }: typeof top): BenchResult => ({ what, ours: ours.p50, ceiling: ceiling.p50, unit: 'ms' });
    return [
      row('top 100 over ten regions, one at a time, p50, against PostgreSQL without sorted sets: order by, limit 100, no index beyond the key', top),
      row('rank over ten regions, one at a time, p50, against PostgreSQL without sorted sets: count of better scores, no index beyond the key', rank),
    ];
  } finally {
    await Promise.all(pools.map((pool) => pool.end()));
  }
}
