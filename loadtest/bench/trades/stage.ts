import { openEconomy } from '../kit/economy.ts';
import { Meter } from '../kit/rate.ts';
import { TradeCeiling } from '../kit/trade-ceiling.ts';
import { Market } from '../kit/market.ts';

/** One server with ours on one shard and, in a second database with the same goods, what it is measured against. */
export interface Stage {
  market: Market;
  ceiling: TradeCeiling;
  meter: Meter;
  /** The database that ours is on. */
  url: string;
  /** Gives both the same start: dead rows gone, statistics known, dirty pages on disk. */
  tidy(): Promise<void>;
  close(): Promise<void>;
}

export async function openStage(): Promise<Stage> {
  const economy = await openEconomy(1);
  try {
    const market = await Market.open(economy);
    const ceiling = await TradeCeiling.open(economy.spareUrls[0] ?? '', await market.goods());
    return {
      market,
      ceiling,
      url: economy.urls[0] ?? '',
      meter: new Meter(economy.postgresPid),
      async tidy() {
        for (const pool of [...economy.shards.map((shard) => shard.pool), ceiling.pool]) await pool.query('vacuum analyze');
        await ceiling.pool.query('checkpoint');
      },
      async close() {
        await ceiling.close();
        await economy.close();
      },
    };
  } catch (error) {
    await economy.close();
    throw error;
  }
}
