import type { PlayerId } from '../../../schema/ids.ts';
import type { BenchOptions, BenchResult } from '../kit/bench.ts';
import { populateInBulk } from '../kit/bulk-players.ts';
import { openAll, openEconomy, type Economy } from '../kit/economy.ts';
import { ASSETS } from '../kit/holdings.ts';

const FEW = 4;
const PLAYERS_MAX = 10_000;
/** With a stack of each asset, as many things as an ordinary player has: 20. */
const ITEMS = 12;

/** Shards on a server of their own, with the same number of players on each. */
export interface Ground {
  economy: Economy;
  /** The players of each shard. */
  groups: readonly (readonly PlayerId[])[];
}

/** As many players on one shard, on a few and on many: 1, 4 and 10 unless there are to be fewer. */
export interface Grounds {
  one: Ground;
  few: Ground;
  many: Ground;
  close(): Promise<void>;
}

export async function openGrounds({ playersMax, shardsMax }: BenchOptions): Promise<Grounds> {
  const asked = [{ shards: 1, spares: 0 }, { shards: Math.min(FEW, shardsMax), spares: 2 }, { shards: shardsMax, spares: 1 }];
  const economies = await openAll(asked.map(({ shards, spares }) => () => openEconomy(shards, spares)));
  const close = async () => void (await Promise.all(economies.map((economy) => economy.close())));
  try {
    const population = { players: Math.min(playersMax, PLAYERS_MAX), itemsEach: ITEMS, assets: ASSETS };
    const [one, few, many] = await Promise.all(economies.map(async (economy) => ({ economy, groups: await populateInBulk(economy, population) })));
    return { one: one as Ground, few: few as Ground, many: many as Ground, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** After all that was measured on these shards. */
export async function audited({ storage, shards }: Pick<Economy, 'storage' | 'shards'>): Promise<BenchResult> {
  const { invariants } = await storage.audit();
  return {
    what: `invariants that hold by the audit in the end, ${shards.length} shard${shards.length > 1 ? 's' : ''}, of all`,
    ours: invariants.filter(({ ok }) => ok).length, ceiling: invariants.length, unit: 'invariants', targets: [{ of: 'ratio', bound: 'exactly', value: 1 }],
  };
}
