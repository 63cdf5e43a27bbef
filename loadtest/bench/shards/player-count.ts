import type { PlayerId } from '../../../schema/ids.ts';
import { invariant } from '../../../schema/invariant.ts';
import type { BenchOptions, BenchResult } from '../kit/bench.ts';
import { populateInBulk } from '../kit/bulk-players.ts';
import { openAll, openEconomy, type Economy } from '../kit/economy.ts';
import { seededRandom, type Random } from '../kit/holdings.ts';
import { Market } from '../kit/market.ts';
import { medians } from '../kit/measure.ts';
import { forMs, isTold, Meter, times, type Rate } from '../kit/rate.ts';

const ITEMS = 2;
const IN_FLIGHT = 100;
/** As many as a process keeps in its cache unless told otherwise. */
const ONLINE = 10_000;
const STEP = 10;
const FEWEST = 10_000;
/** Trades for each who is online, before it counts: what touches a page first since the last checkpoint writes all of it, and with more players there are more pages. */
const WARM_UP_TRADES = 3;
/** A million players are 2 GB of rows and indexes. Whoever has them gives the server room for them, and for what it logs between checkpoints; all sizes are given the same. */
const ROOM = { from: 1_000_000, settings: { shared_buffers: '3GB', max_wal_size: '16GB' } };
const FLAT = 1.15;
/** Each round is divided into so many short ones, because the machine's speed changes from second to second. */
const SLICES = 4;

/** Any of them, in another order for each round. */
const DRAW = 'select id from player order by hashtextextended(id::text, $1) limit $2';

interface Crowd {
  economy: Economy;
  /** In all. This process knows those who are online, and no others: with a million names beside them, it is each of its own look-ups that costs more. */
  players: number;
  /** Of those who are online. */
  market?: Market;
  measured: Rate[];
}

/**
 * The cost of a trade on one shard by how many players there are. Each round other players are online, drawn from all: they are
 * loaded, which reads their rows as signing in does, and then trade, 100 at a time.
 */
export async function playerCount({ rounds, roundMs, playersMax }: BenchOptions): Promise<BenchResult[]> {
  const settings = playersMax >= ROOM.from ? ROOM.settings : {};
  const counts = countsUpTo(playersMax);
  const economies = await openAll(counts.map(() => () => openEconomy(1, 0, settings)));
  try {
    const crowds = await Promise.all(economies.map((economy, at) => crowdOf(economy, counts[at] as number)));
    const random = seededRandom(11);
    for (let round = 0; round < rounds; round++) {
      for (const crowd of inTurn(crowds, round)) crowd.market = await opened(crowd, round, random);
      for (let slice = 0; slice < SLICES; slice++) {
        for (const crowd of inTurn(crowds, slice)) crowd.measured.push(await traded(crowd, roundMs / SLICES, random));
      }
    }
    return rows(crowds);
  } finally {
    await Promise.all(economies.map((economy) => economy.close()));
  }
}

/** What one leaves behind for the next falls on all alike. */
const inTurn = (crowds: readonly Crowd[], place: number): readonly Crowd[] => (place % 2 === 0 ? crowds : crowds.toReversed());

async function crowdOf(economy: Economy, players: number): Promise<Crowd> {
  await populateInBulk(economy, { players, itemsEach: ITEMS, assets: ['gold'] });
  await economy.shards[0]!.pool.query('checkpoint');
  return { economy, players, measured: [] };
}

/** Ten times as many each time, up to the most; two of them at least. */
function countsUpTo(most: number): number[] {
  const counts = [most, Math.ceil(most / STEP)];
  while ((counts.at(-1) as number) / STEP >= FEWEST) counts.push((counts.at(-1) as number) / STEP);
  return counts.toReversed();
}

/** Others are online now, and have been for a while. */
async function opened({ economy }: Crowd, round: number, random: Random): Promise<Market> {
  const { rows } = await economy.shards[0]!.pool.query<{ id: PlayerId }>(DRAW, [round, ONLINE]);
  const market = await Market.open(economy, rows.map(({ id }) => id));
  await market.run(IN_FLIGHT, times(market.players.length * WARM_UP_TRADES), random);
  return market;
}

async function traded({ economy, market }: Crowd, ms: number, random: Random): Promise<Rate> {
  invariant(market, 'somebody is online');
  return await new Meter(economy.postgresPid).rate(() => market.run(IN_FLIGHT, forMs(ms), random));
}

function rows([fewest, ...others]: readonly Crowd[]): BenchResult[] {
  if (fewest === undefined) return [];
  const base = medians(fewest.measured);
  return others.flatMap(({ players, measured }) => {
    const here = medians(measured);
    const at = `a trade among ${players.toLocaleString('en')} players on one shard, against ${fewest.players.toLocaleString('en')}`;
    return [
      { what: `${at}, Node's and PostgreSQL's CPU`, ours: here.nodeUs + here.postgresUs, ceiling: base.nodeUs + base.postgresUs, unit: 'µs/trade', targets: [{ of: 'ratio' as const, bound: 'at most' as const, value: FLAT }] },
      { what: `${at}, Node's CPU`, ours: here.nodeUs, ceiling: base.nodeUs, unit: 'µs/trade' },
      { what: `${at}, PostgreSQL's CPU`, ours: here.postgresUs, ceiling: base.postgresUs, unit: 'µs/trade' },
      { what: `${at}, rate`, ours: here.perSecond, ceiling: base.perSecond, unit: 'trades/s' },
    ].filter(isTold);
  });
}
