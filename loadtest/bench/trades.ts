import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import { faultPoints } from '../../persistence/index.ts';
import type { CommandId, PlayerId, TradeId } from '../../schema/ids.ts';
import { loadCatalog } from '../../server/catalog/index.ts';
import { createFeatures } from '../../server/features.ts';
import { Metrics } from '../../server/telemetry/index.ts';
import { Trade } from '../../server/trading/index.ts';
import type { Bench, BenchResult, Target } from './kit/bench.ts';
import { openEconomy, populate, type Economy } from './kit/economy.ts';
import { pick, seededRandom, whole, type Random } from './kit/holdings.ts';
import { inTurn, quantile } from './kit/measure.ts';
import { TradeCeiling } from './kit/trade-ceiling.ts';

const PLAYERS = 10_000;
const ITEMS = 20;
/** What `populate` gives besides unique items. */
const STACKS = 8;
const ROUND_MS = 2_000;
const BATCH_MAX = 100;
const CATALOG = path.resolve(import.meta.dirname, '../../catalog.yaml');

const atLeast = (value: number): Target[] => [{ of: 'ratio', bound: 'at least', value }];

/** Whole trades through the trading feature, below the socket, against the same trade in a loop written by hand. */
export const trades: Bench = {
  name: 'trades',
  title: `One item against one item plus gold, ${PLAYERS.toLocaleString('en')} players with ${ITEMS} items (embedded PostgreSQL, fsync on): offers, acceptances and settlement against a hand-written loop of batches`,
  async run({ rounds }) {
    return [...(await oneShard(rounds)), ...(await fourShards(rounds))];
  },
};

async function oneShard(rounds: number): Promise<BenchResult[]> {
  const economy = await openEconomy(1);
  const ceiling = await TradeCeiling.open(economy.spareUrl, { players: PLAYERS, itemsEach: ITEMS });
  try {
    const market = await openMarket(economy);
    const results: BenchResult[] = [];
    for (const inFlight of [1, 10, 100, 1_000]) {
      const random = seededRandom(inFlight);
      const measured = await inTurn(rounds, {
        ours: () => market.run(inFlight, random),
        ceiling: () => rated(() => ceiling.run(Math.min(inFlight, BATCH_MAX), ROUND_MS, random)),
      });
      const at = `${inFlight.toLocaleString('en')} in flight, one shard`;
      results.push({ what: at, ours: measured.ours.perSecond, ceiling: measured.ceiling.perSecond, unit: 'trades/s', ...(inFlight >= 100 && { targets: atLeast(0.85) }) });
      results.push({ what: `${at}, this process`, ours: measured.ours.nodeUs, ceiling: measured.ceiling.nodeUs, unit: 'µs/trade' });
      results.push({ what: `${at}, p99 against its own p50`, ours: measured.ours['p99'] ?? Number.NaN, ceiling: measured.ours['p50'] ?? Number.NaN, unit: 'ms' });
    }
    return results;
  } finally {
    await ceiling.close();
    await economy.close();
  }
}

/** Random pairs, of which three in four cross, against what one shard does in the row above. */
async function fourShards(rounds: number): Promise<BenchResult[]> {
  const [crossing, single] = [await openEconomy(4), await openEconomy(1)];
  try {
    const [four, one] = [await openMarket(crossing), await openMarket(single)];
    const random = seededRandom(4);
    const measured = await inTurn(rounds, { ours: () => four.run(1_000, random), ceiling: () => one.run(1_000, random) });
    return [{ what: '1,000 in flight, four shards, three in four cross, against one shard', ours: measured.ours.perSecond, ceiling: measured.ceiling.perSecond, unit: 'trades/s', targets: atLeast(0.5) }];
  } finally {
    await crossing.close();
    await single.close();
  }
}

interface Rate {
  perSecond: number;
  nodeUs: number;
  [figure: string]: number;
}

/** How many a second, and what each cost this process, of whatever `work` did. */
async function rated(work: () => Promise<number>): Promise<Rate> {
  const [began, cpu] = [performance.now(), process.cpuUsage()];
  const done = await work();
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: (done * 1000) / (performance.now() - began), nodeUs: (user + system) / done };
}

/** The trading feature over an economy, with every inventory in its cache, as of players who are online. */
async function openMarket(economy: Economy) {
  const players = await populate(economy, { players: PLAYERS, itemsEach: ITEMS + STACKS, random: seededRandom(5) });
  const reach = faultPoints(undefined);
  const { inventory, trading } = createFeatures({
    storage: economy.storage,
    catalog: loadCatalog(CATALOG),
    metrics: new Metrics(),
    limits: { inventoryCacheMax: PLAYERS * 2, inventoryCacheTtlMs: 3_600_000 },
    reach,
  });
  await Promise.all(players.map((player) => inventory.get(player)));
  const busy = new Set<PlayerId>();

  function take(random: Random): PlayerId {
    for (;;) {
      const player = pick(random, players);
      if (busy.has(player)) continue;
      busy.add(player);
      return player;
    }
  }

  async function tradeOnce(random: Random): Promise<boolean> {
    const [a, b] = [take(random), take(random)];
    try {
      const [mine, theirs] = await Promise.all([inventory.get(a), inventory.get(b)]);
      const [given, taken] = [mine.items, theirs.items].map((items) => items[whole(random, 0, items.length - 1)]?.id);
      if (given === undefined || taken === undefined || (mine.fungibles['gold'] ?? 0) < 1) return false;
      const trade = new Trade(uuidv7() as TradeId, [a, b], trading);
      await trade.offer(a, { items: [given], fungibles: { gold: 1 } });
      const { revision } = await trade.offer(b, { items: [taken], fungibles: {} });
      await trade.accept(a, { commandId: randomUUID() as CommandId, revision });
      return (await trade.accept(b, { commandId: randomUUID() as CommandId, revision })).status === 'settled';
    } finally {
      busy.delete(a);
      busy.delete(b);
    }
  }

  return {
    /** Trades for a round with so many in flight; a player trades once at a time. */
    async run(inFlight: number, random: Random): Promise<Rate> {
      const tookMs: number[] = [];
      const end = performance.now() + ROUND_MS;
      const worker = async () => {
        while (performance.now() < end) {
          const began = performance.now();
          if (await tradeOnce(random)) tookMs.push(performance.now() - began);
        }
      };
      const rate = await rated(async () => {
        await Promise.all(Array.from({ length: inFlight }, worker));
        return tookMs.length;
      });
      return { ...rate, p50: quantile(tookMs, 0.5), p99: quantile(tookMs, 0.99) };
    },
  };
}
