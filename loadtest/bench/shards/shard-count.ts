import type { BenchOptions, BenchResult } from '../kit/bench.ts';
import type { Economy } from '../kit/economy.ts';
import { FreePlayers, PairsWithin, type Pairs } from '../kit/free-players.ts';
import { seededRandom } from '../kit/holdings.ts';
import { Market } from '../kit/market.ts';
import { medians } from '../kit/measure.ts';
import { forMs, isTold, Meter, type Rate } from '../kit/rate.ts';
import type { Ground, Grounds } from './grounds.ts';

/** For each shard: more shards are for more trades, and a shard's share of them makes its batches. */
const IN_FLIGHT = 100;
/** Both of a pair are in flight, and as many more must be free to be drawn. */
const PLAYERS_PER_TRADE = 4;
const WARM_UP_SHARE = 0.5;
const FLAT = 1.15;

interface Field {
  economy: Economy;
  market: Market;
  inFlight: number;
  meter: Meter;
  pairings: Record<'same shard' | 'random', Pairs>;
  measured: Record<'same shard' | 'random', Rate[]>;
}

/** What a trade costs PostgreSQL on one shard, on a few and on many: between players of one shard, and between any two. */
export async function shardCount({ one, few, many }: Grounds, { rounds, roundMs }: BenchOptions): Promise<BenchResult[]> {
  const fields: Field[] = [];
  for (const ground of [one, few, many]) fields.push(await fieldOn(ground));
  const random = seededRandom(12);
  for (const pairing of ['same shard', 'random'] as const) {
    for (const { economy, market, inFlight, pairings } of fields) {
      for (const { pool } of economy.shards) await pool.query('vacuum analyze');
      await economy.shards[0]!.pool.query('checkpoint');
      await market.run(inFlight, forMs(roundMs * WARM_UP_SHARE), random, pairings[pairing]);
    }
    for (let round = 0; round < rounds; round++) {
      for (const { market, inFlight, meter, pairings, measured } of round % 2 === 0 ? fields : fields.toReversed()) {
        measured[pairing].push(await meter.rate(() => market.run(inFlight, forMs(roundMs), random, pairings[pairing])));
      }
    }
  }
  return [...rows(fields, 'same shard', true), ...rows(fields, 'random', false)];
}

async function fieldOn({ economy, groups }: Ground): Promise<Field> {
  const players = groups.flat();
  return {
    economy,
    market: await Market.open(economy, players),
    inFlight: Math.min(IN_FLIGHT * groups.length, Math.floor(players.length / PLAYERS_PER_TRADE)),
    meter: new Meter(economy.postgresPid),
    pairings: { 'same shard': new PairsWithin(groups), random: new FreePlayers(players) },
    measured: { 'same shard': [], random: [] },
  };
}

/** Same-shard pairs tell what shards cost. Random ones also cross more often the more shards there are, and a trade that crosses is two halves. */
function rows([one, ...others]: readonly Field[], pairing: 'same shard' | 'random', targeted: boolean): BenchResult[] {
  if (one === undefined) return [];
  const base = medians(one.measured[pairing]);
  return others.flatMap(({ economy, inFlight, measured }) => {
    const here = medians(measured[pairing]);
    const at = `${pairing} pairs, ${economy.shards.length} shards with ${inFlight.toLocaleString('en')} in flight, against one with ${one.inFlight}`;
    return [
      { what: `${at}, PostgreSQL's CPU`, ours: here.postgresUs, ceiling: base.postgresUs, unit: 'µs/trade', ...(targeted && { targets: [{ of: 'ratio' as const, bound: 'at most' as const, value: FLAT }] }) },
      { what: `${at}, Node's CPU`, ours: here.nodeUs, ceiling: base.nodeUs, unit: 'µs/trade' },
      { what: `${at}, rate`, ours: here.perSecond, ceiling: base.perSecond, unit: 'trades/s' },
    ].filter(isTold);
  });
}
