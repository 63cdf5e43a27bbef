import type { BenchResult } from '../kit/bench.ts';
import { seededRandom } from '../kit/holdings.ts';
import { inTurn } from '../kit/measure.ts';
import { forMs, rateRows } from '../kit/rate.ts';
import { OrmTrades } from './orm-trades.ts';
import type { Stage } from './stage.ts';

const IN_FLIGHT = 100;
const ROUND_MS = 2_000;
const WARM_UP_MS = 900;

/** Ours against one transaction per trade through the ORM's unit of work, on the same tables in turn. */
export async function unitOfWork({ market, meter, url, tidy }: Stage, rounds: number): Promise<BenchResult[]> {
  const orm = await OrmTrades.open(url);
  try {
    const random = seededRandom(7);
    const byOrm = async (ms: number) => {
      const goods = await market.goods();
      const rate = await meter.rate(() => orm.run(goods, IN_FLIGHT, forMs(ms), random));
      await market.readAgain();
      return rate;
    };
    await tidy();
    await byOrm(WARM_UP_MS);
    await market.run(IN_FLIGHT, forMs(WARM_UP_MS), random);
    const measured = await inTurn(rounds, {
      ours: () => meter.rate(() => market.run(IN_FLIGHT, forMs(ROUND_MS), random)),
      ceiling: () => byOrm(ROUND_MS),
    });
    return rateRows('ours again, 100 in flight', 'one transaction per trade with MikroORM (unit of work, pool of 10, same tables)', measured, [{ of: 'ratio', bound: 'at least', value: 10 }]);
  } finally {
    await orm.close();
  }
}
