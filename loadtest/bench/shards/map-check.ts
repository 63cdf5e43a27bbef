import type { Pool, PoolClient } from 'pg';
import { writerFails } from '../../../persistence/index.ts';
import { invariant } from '../../../schema/invariant.ts';
import type { BenchOptions, BenchResult, Target } from '../kit/bench.ts';
import { goodsOf } from '../kit/economy.ts';
import { PairsWithin } from '../kit/free-players.ts';
import { seededRandom } from '../kit/holdings.ts';
import { ItemView } from '../kit/item-view.ts';
import { median, medians, quantile } from '../kit/measure.ts';
import { isTold, Meter, times, type Rate } from '../kit/rate.ts';
import type { Grounds } from './grounds.ts';
import { SettleCrew, type Load } from './settle-crew.ts';

/** Turns are short, so that what disturbs the machine falls on both; together they last a round of each. */
const SLICE_MS = 20;
const WARM_UP = 20;
/** The question within a statement, as persistence/ words it, with its three parameters: they are named still where nothing is asked. */
const QUESTION = new RegExp(
  writerFails('PARAMETER', 'PARAMETER', 'PARAMETER')
    .replaceAll(/[()']/g, String.raw`\$&`)
    .replaceAll('PARAMETER', String.raw`(\$\d+::[a-z]+(?:\[\])?)`),
);

const VERSION = '(select version from slot_map)';

const LOADS: readonly (Load & { name: string })[] = [
  { name: 'a lonely trade', atOnce: 1, batch: 1 },
  { name: 'a batch of 100', atOnce: 1, batch: 100 },
];

/** What is left out for comparison: of the question the map's version, or all of it. */
type LeftOut = 'version' | 'question';
const COMPARED: Record<LeftOut, { name: string; targets?: readonly Target[] }> = {
  version: { name: 'with the slot map’s version compared', targets: [{ of: 'ratio', bound: 'at most', value: 1.03 }] },
  question: { name: 'asking all of whether it may write (map, lease, pauses)' },
};

/** What it costs that each settlement asks its shard whether the slot map still holds: with that in its statement, and without. */
export async function mapCheck({ one: { economy, groups } }: Grounds, { rounds, roundMs }: BenchOptions): Promise<BenchResult[]> {
  const players = groups.flat();
  const crew = new SettleCrew(economy.storage, new ItemView(await goodsOf(economy, players)), new PairsWithin(groups));
  const { pool } = economy.shards[0]!;
  const question = new MapQuestion(pool);
  const meter = new Meter(economy.postgresPid);
  const results: BenchResult[] = [];
  for (const { name, ...load } of LOADS) {
    await pool.query('vacuum analyze');
    await pool.query('checkpoint');
    const random = seededRandom(load.batch);
    const [, took = 1] = (await crew.run(load, times(WARM_UP), random)).toSorted((a, b) => a - b);
    const batchesPerSlice = Math.max(1, Math.round(SLICE_MS / took));
    for (const leftOut of ['version', 'question'] as const) {
      const measured: Record<'ours' | 'ceiling', Rate>[] = [];
      for (let round = 0; round < rounds; round++) measured.push(await inSlices(batchesPerSlice, leftOut));
      results.push(...rows(`${name} ${COMPARED[leftOut].name}`, medians(measured.map(({ ours }) => ours)), medians(measured.map(({ ceiling }) => ceiling)), COMPARED[leftOut].targets));
    }

    /** One round: as many slices of each as fit, in turn, counted together. */
    async function inSlices(batches: number, leftOut: LeftOut): Promise<Record<'ours' | 'ceiling', Rate>> {
      const slices = Math.max(2, Math.round(roundMs / SLICE_MS));
      const tookMs: Record<'ours' | 'ceiling', number[]> = { ours: [], ceiling: [] };
      const used: Record<'ours' | 'ceiling', Rate[]> = { ours: [], ceiling: [] };
      for (let slice = 0; slice < slices * 2; slice++) {
        // o c c o: neither always follows the other.
        const who = slice % 4 === 0 || slice % 4 === 3 ? 'ours' : 'ceiling';
        question.leftOut = who === 'ours' ? undefined : leftOut;
        used[who].push(await meter.rate(async () => {
          const took = await crew.run(load, times(batches), random);
          tookMs[who].push(...took);
          return took;
        }));
      }
      question.leftOut = undefined;
      const sumUp = (who: 'ours' | 'ceiling'): Rate => ({
        perSecond: mean(used[who].map(({ perSecond }) => perSecond)),
        p50: quantile(tookMs[who], 0.5),
        p99: quantile(tookMs[who], 0.99),
        // Not the mean: a collection of garbage falls on one slice, and a checkpoint.
        nodeUs: median(used[who].map(({ nodeUs }) => nodeUs)),
        postgresUs: median(used[who].map(({ postgresUs }) => postgresUs)),
      });
      return { ours: sumUp('ours'), ceiling: sumUp('ceiling') };
    }
  }
  invariant(question.count > 0, 'the question was left out when it should be');
  return results;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function rows(name: string, ours: Rate, ceiling: Rate, targets: readonly Target[] | undefined): BenchResult[] {
  const row = (what: string, figure: 'p50' | 'nodeUs' | 'postgresUs', unit: string): BenchResult => ({
    what: `${name}, ${what}, against without`, ours: ours[figure], ceiling: ceiling[figure], unit, ...(targets && { targets }),
  });
  return [row('p50', 'p50', 'ms'), row("Node's CPU", 'nodeUs', 'µs/trade'), row("PostgreSQL's CPU", 'postgresUs', 'µs/trade')].filter(isTold);
}

/** Stands between a pool and who uses it, and can leave the question, or a part of it, out of the statements that ask it. */
class MapQuestion {
  leftOut: LeftOut | undefined;
  count = 0;
  readonly #known = new WeakSet<PoolClient>();

  constructor(pool: Pool) {
    const connect = pool.connect.bind(pool);
    // A transaction waits for its connection; the pool's own queries leave a callback.
    pool.connect = (async (...args: []) => (args.length > 0 ? connect(...args) : this.#before(await connect()))) as typeof pool.connect;
  }

  #before(client: PoolClient): PoolClient {
    if (this.#known.has(client)) return client;
    this.#known.add(client);
    const query = client.query.bind(client) as (...args: unknown[]) => unknown;
    client.query = ((...args: unknown[]) => query(...(this.leftOut === undefined ? args : [this.#without(args[0] as Sent, this.leftOut), ...args.slice(1)]))) as typeof client.query;
    return client;
  }

  #without(sent: Sent, leftOut: LeftOut): Sent {
    const asked = QUESTION.exec(sent.text ?? '');
    if (asked === null) return sent;
    this.count++;
    const [question, version = ''] = asked;
    const named = asked.slice(1).map((parameter) => `${parameter} is null`);
    const instead = leftOut === 'version' ? question.replace(VERSION, version) : `when false and ${named.join(' and ')} then ''`;
    invariant(instead !== question, 'the question reads the version');
    return { ...sent, name: `${sent.name}-without-${leftOut}`, text: asked.input.replace(question, instead) };
  }
}

interface Sent {
  name?: string;
  text?: string;
}
