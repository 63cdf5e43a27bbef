import type { BenchResult } from '../kit/bench.ts';
import { openEconomy } from '../kit/economy.ts';
import { seededRandom } from '../kit/holdings.ts';
import { inTurn } from '../kit/measure.ts';
import { forMs, Meter, rateRows } from '../kit/rate.ts';
import { Market } from '../kit/market.ts';
import type { Stage } from './stage.ts';

const SHARDS = 4;
const IN_FLIGHT = 1_000;
const ROUND_MS = 2_000;
const WARM_UP_MS = 1_000;

/** Random pairs over four shards, of whom three in four cross, against the same on one shard. */
export async function crossing({ market: single, meter, tidy }: Stage, rounds: number): Promise<BenchResult[]> {
  const economy = await openEconomy(SHARDS);
  try {
    const market = await Market.open(economy);
    const crossingMeter = new Meter(economy.postgresPid);
    const random = seededRandom(4);
    await tidy();
    for (const warm of [market, single]) await warm.run(IN_FLIGHT, forMs(WARM_UP_MS), random);
    const measured = await inTurn(rounds, {
      ours: () => crossingMeter.rate(() => market.run(IN_FLIGHT, forMs(ROUND_MS), random)),
      ceiling: () => meter.rate(() => single.run(IN_FLIGHT, forMs(ROUND_MS), random)),
    });
    return rateRows('1,000 in flight over four shards, three in four cross', 'ours on one shard', measured, [{ of: 'ratio', bound: 'at least', value: 0.5 }]);
  } finally {
    await economy.close();
  }
}
