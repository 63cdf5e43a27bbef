import { openEconomy } from '../kit/economy.ts';
import { Meter } from '../kit/rate.ts';
import { TradeCeiling } from '../kit/trade-ceiling.ts';
import { FEWEST_ROWS, SAME_ROWS } from '../kit/trade-ceiling-statements.ts';
import { Market } from '../kit/market.ts';

/** One server with ours on one shard and, in databases beside it with the same goods, what it is measured against. */
export interface Stage {
  market: Market;
  /** The same rows in the same tables, by hand. */
  ceiling: TradeCeiling;
  /** The plain loop, which writes as little as a trade can. */
  plain: TradeCeiling;
  meter: Meter;
  /** The database that ours is on. */
  url: string;
  /** Gives all the same start: dead rows gone, statistics known, dirty pages on disk. */
  tidy(): Promise<void>;
  close(): Promise<void>;
}

export async function openStage(): Promise<Stage> {
  const economy = await openEconomy(1, 2);
  try {
    const market = await Market.open(economy);
    const goods = await market.goods();
    const [ceiling, plain] = [await TradeCeiling.open(economy.spareUrls[0] ?? '', goods, SAME_ROWS), await TradeCeiling.open(economy.spareUrls[1] ?? '', goods, FEWEST_ROWS)];
    return {
      market,
      ceiling,
      plain,
      url: economy.urls[0] ?? '',
      meter: new Meter(economy.postgresPid),
      async tidy() {
        for (const pool of [...economy.shards.map((shard) => shard.pool), ceiling.pool, plain.pool]) await pool.query('vacuum analyze');
        await ceiling.pool.query('checkpoint');
      },
      async close() {
        await ceiling.close();
        await plain.close();
        await economy.close();
      },
    };
  } catch (error) {
    await economy.close();
    throw error;
  }
}
