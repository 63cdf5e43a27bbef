import { openAll, openEconomy, openOn } from '../kit/economy.ts';
import { Meter } from '../kit/rate.ts';
import { Hall, type Band } from './hall.ts';

const HOT_MEMBERS = 100;
const BANDS = 100;
const BAND_MEMBERS = 10;

/** Guilds over some shards: one with 100 members, and 100 with ten. */
export interface Ground {
  hall: Hall;
  meter: Meter;
  hot: Band;
  bands: readonly Band[];
}

/** Ours on one shard; beside it, on the same server, the same guilds for what is written by hand; and ours on four shards. */
export interface Stage {
  one: Ground;
  hand: Ground;
  four: Ground;
  tidy(): Promise<void>;
  close(): Promise<void>;
}

export async function openStage(): Promise<Stage> {
  const economies = await openAll([() => openEconomy(1, 1), () => openEconomy(4, 0)]);
  const [single, several] = economies as [(typeof economies)[number], (typeof economies)[number]];
  const close = async () => void (await Promise.all(economies.map((economy) => economy.close())));
  try {
    const spare = await openOn(single.spareUrls);
    const [one, hand, four] = await Promise.all([groundOn(new Hall(single), single.postgresPid), groundOn(new Hall(spare), single.postgresPid), groundOn(new Hall(several), several.postgresPid)]);
    return {
      one, hand, four,
      async tidy() {
        await Promise.all([one, hand, four].map(({ hall }) => hall.tidy()));
      },
      async close() {
        await spare.close();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function groundOn(hall: Hall, postgresPid: number): Promise<Ground> {
  const [hot] = await hall.bands(1, HOT_MEMBERS);
  return { hall, meter: new Meter(postgresPid), hot: hot as Band, bands: await hall.bands(BANDS, BAND_MEMBERS) };
}
