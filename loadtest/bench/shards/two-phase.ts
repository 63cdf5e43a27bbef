import type { BenchOptions, BenchResult } from '../kit/bench.ts';
import { goodsOf } from '../kit/economy.ts';
import { PairsAcross } from '../kit/free-players.ts';
import { seededRandom } from '../kit/holdings.ts';
import { ItemView } from '../kit/item-view.ts';
import { inTurn } from '../kit/measure.ts';
import { forMs, Meter, rateRows, times } from '../kit/rate.ts';
import type { Grounds } from './grounds.ts';
import { HandCrossing } from './hand-crossing.ts';
import { SettleCrew, type Load } from './settle-crew.ts';

const LOADS: readonly (Load & { name: string })[] = [
  { name: 'one trade, one at a time', atOnce: 1, batch: 1 },
  { name: 'one trade each, four at a time', atOnce: 4, batch: 1 },
  { name: 'batches of 100, one at a time', atOnce: 1, batch: 100 },
  { name: 'batches of 100, four at a time', atOnce: 4, batch: 100 },
];
const WARM_UP_SHARE = 0.5;
/** Each round is divided into so many short ones, because the machine's speed changes from second to second. */
const SLICES = 4;
/** V8 compiles what runs seldom late, and goes on for some ten seconds of single trades; a server runs for longer. */
const BURN_IN = { load: { atOnce: 4, batch: 1 }, trades: 8_000 };

/** Settlements between two shards, against the same in two databases by hand. */
export async function twoPhase({ few: { economy, groups } }: Grounds, { rounds, roundMs }: BenchOptions): Promise<BenchResult[]> {
  const [first = [], second = []] = groups;
  const goods = [await goodsOf(economy, first), await goodsOf(economy, second)];
  const byHand = await HandCrossing.open(economy.spareUrls, goods, new PairsAcross(first, second));
  const ours = new SettleCrew(economy.storage, new ItemView(new Map(goods.flatMap((here) => [...here]))), new PairsAcross(first, second));
  const meter = new Meter(economy.postgresPid);
  const results: BenchResult[] = [];
  try {
    for (const crew of [ours, byHand]) await crew.run(BURN_IN.load, times(BURN_IN.trades), seededRandom(0));
    for (const load of LOADS) {
      const random = seededRandom(load.batch);
      for (const pool of [...economy.shards.map((shard) => shard.pool), ...byHand.pools]) await pool.query('vacuum analyze');
      await byHand.pools[0].query('checkpoint');
      for (const crew of [ours, byHand]) await crew.run(load, forMs(roundMs * WARM_UP_SHARE), random);
      const measured = await inTurn(rounds * SLICES, {
        ours: () => meter.rate(() => ours.run(load, forMs(roundMs / SLICES), random)),
        ceiling: () => meter.rate(() => byHand.run(load, forMs(roundMs / SLICES), random)),
      });
      results.push(...rateRows(`two-phase, ${load.name}`, 'two databases by hand', measured, [{ of: 'ratio', bound: 'at least', value: 0.8 }]));
    }
    return results;
  } finally {
    await byHand.close();
  }
}
