import { memoryBus, type HoldingsReader } from '../../persistence/index.ts';
import type { Holdings } from '../../schema/holdings.ts';
import { invariant } from '../../schema/invariant.ts';
import type { PlayerId } from '../../schema/ids.ts';
import { Inventory } from '../../server/inventory/index.ts';
import { Metrics } from '../../server/telemetry/index.ts';
import type { Bench, BenchResult, Target } from './kit/bench.ts';
import { openEconomy, populate, type Economy } from './kit/economy.ts';
import { pick, seededRandom } from './kit/holdings.ts';
import { inTurn, medians, quantile, timeEach, timePairs } from './kit/measure.ts';

const PLAYERS_MAX = 500;
const ITEMS = 100;
const READS_PER_PLAYER = 20;
const READS_IN_FLIGHT = 50;
const CACHED_READS = 100_000;
const STAMPEDE = 1_000;

const shareMax = (value: number): Target[] => [{ of: 'ratio', bound: 'at most', value }];

/** The least that PostgreSQL must do to answer what one player has, written by hand. */
const BARE_QUERY = {
  name: 'bench-bare-holdings',
  text: `select version::float8 as version,
      (select json_object_agg(asset, quantity) from balance where holder = $1 and quantity > 0) as fungibles,
      (select json_agg(json_build_object('id', id, 'kind', kind, 'version', version, 'bound', bound, 'attributes', attributes)) from item where holder = $1) as items
    from inventory where holder = $1`,
};

/** Reads of what players have: from the cache, past it, and what the cache spares the databases. */
export const inventory: Bench = {
  name: 'inventory',
  title: `Reads of players with ${ITEMS} items: the inventory against what it stands on (embedded PostgreSQL, fsync on, 4 shards)`,
  async run({ rounds, playersMax }) {
    const economy = await openEconomy();
    try {
      const players = await populate(economy, { players: Math.min(PLAYERS_MAX, playersMax), itemsEach: ITEMS, random: seededRandom(2) });
      return [
        await cachedRead(economy, players, rounds),
        ...(await coldLoad(economy, players, rounds)),
        ...(await spared(economy, players, rounds)),
        await stampede(economy, players, rounds),
      ];
    } finally {
      await economy.close();
    }
  },
};

/** An inventory with nothing in its cache, as a server would have it. */
function coldInventory(reader: HoldingsReader): Inventory {
  const metrics = new Metrics();
  return new Inventory({ reader, bus: memoryBus(), cacheMax: 10_000, cacheTtlMs: 60_000, onRead: (result) => metrics.cacheReads.inc({ result }) });
}

async function cachedRead({ storage }: Economy, players: readonly PlayerId[], rounds: number): Promise<BenchResult> {
  const inventory = coldInventory(storage.holdings);
  const map = new Map<PlayerId, Holdings>();
  for (const id of players) map.set(id, await inventory.get(id));
  const meanUs = async (read: (id: PlayerId) => Promise<Holdings | undefined>) => {
    const began = performance.now();
    for (let count = 0; count < CACHED_READS; count++) await read(players[count % players.length] as PlayerId);
    return { us: ((performance.now() - began) * 1000) / CACHED_READS };
  };
  const { ours, ceiling } = await inTurn(rounds, { ours: () => meanUs((id) => inventory.get(id)), ceiling: () => meanUs(async (id) => map.get(id)) });
  return { what: 'cached read, against a Map', ours: ours.us, ceiling: ceiling.us, unit: 'µs' };
}

/** Reads one player by the bare query, on the shard that the player is on. */
async function bareRead({ shards, storage }: Economy, players: readonly PlayerId[]): Promise<(id: PlayerId) => Promise<void>> {
  const homes = await storage.holdings.players(players);
  return async (id) => {
    const { rows } = await shards[homes.get(id)?.shard ?? 0]!.pool.query({ ...BARE_QUERY, values: [id] });
    invariant((rows[0] as Holdings | undefined)?.version === 1, 'the bare query finds the player');
  };
}

/** One read at a time, of players that the cache does not know. */
async function coldLoad(economy: Economy, players: readonly PlayerId[], rounds: number): Promise<BenchResult[]> {
  const { storage } = economy;
  const bare = await bareRead(economy, players);
  const percentiles = (tookMs: number[]) => ({ p50: quantile(tookMs, 0.5), p99: quantile(tookMs, 0.99) });
  const measured: Record<'ours' | 'ceiling', { p50: number; p99: number }>[] = [];
  for (let round = 0; round < rounds; round++) {
    const inventory = coldInventory(storage.holdings);
    const tookMs = await timePairs(players, { ours: (id) => inventory.get(id), ceiling: bare });
    measured.push({ ours: percentiles(tookMs.ours), ceiling: percentiles(tookMs.ceiling) });
  }
  const ours = medians(measured.map((round) => round.ours));
  const ceiling = medians(measured.map((round) => round.ceiling));
  return (['p50', 'p99'] as const).map((figure) => ({
    what: `cold load, ${figure}, against the bare prepared query`, ours: ours[figure], ceiling: ceiling[figure], unit: 'ms', targets: shareMax(1.5),
  }));
}

async function spared(economy: Economy, players: readonly PlayerId[], rounds: number): Promise<BenchResult[]> {
  const bare = await bareRead(economy, players);
  const random = seededRandom(3);
  const reads = Array.from({ length: READS_PER_PLAYER * players.length }, () => pick(random, players));
  const measure = async (read: (id: PlayerId) => Promise<unknown>) => {
    const began = performance.now();
    const queries = await queriesOf(economy, () => timeEach(reads, READS_IN_FLIGHT, read));
    return { queries, ms: performance.now() - began };
  };
  const { ours, ceiling } = await inTurn(rounds, {
    ours: () => {
      const inventory = coldInventory(economy.storage.holdings);
      return measure((id) => inventory.get(id));
    },
    ceiling: () => measure(bare),
  });
  const what = `${reads.length.toLocaleString('en')} reads over ${players.length} players, with and without the cache (a bare query each)`;
  return [
    { what, ours: ours.queries, ceiling: ceiling.queries, unit: 'queries', targets: shareMax(0.05) },
    { what: `${what}, time`, ours: ours.ms, ceiling: ceiling.ms, unit: 'ms', targets: shareMax(0.2) },
  ];
}

async function stampede(economy: Economy, players: readonly PlayerId[], rounds: number): Promise<BenchResult> {
  const counts: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const inventory = coldInventory(economy.storage.holdings);
    const id = players[round % players.length] as PlayerId;
    counts.push(await queriesOf(economy, () => Promise.all(Array.from({ length: STAMPEDE }, () => inventory.get(id)))));
  }
  return {
    what: `${STAMPEDE.toLocaleString('en')} simultaneous reads of one cold player, against one query each`,
    ours: Math.max(...counts), ceiling: STAMPEDE, unit: 'queries', targets: [{ of: 'ours', bound: 'exactly', value: 1 }],
  };
}

/** How many statements the pools sent while `work` ran. */
async function queriesOf({ shards }: Economy, work: () => Promise<unknown>): Promise<number> {
  let sent = 0;
  for (const { pool } of shards) {
    const query = pool.query.bind(pool) as (...args: unknown[]) => unknown;
    pool.query = ((...args: unknown[]) => {
      sent++;
      return query(...args);
    }) as typeof pool.query;
  }
  try {
    await work();
    return sent;
  } finally {
    // What was put on the object hides the method of its class no more.
    for (const { pool } of shards) Reflect.deleteProperty(pool, 'query');
  }
}
