import type { BenchOptions, BenchResult, Target } from '../kit/bench.ts';
import { medians } from '../kit/measure.ts';
import { DEPOSIT, seatsOf } from './hall.ts';
import type { Ground, Stage } from './stage.ts';

const TRANSACTIONS_MAX = 2;
const TARGET: readonly Target[] = [{ of: 'ours', bound: 'at most', value: TRANSACTIONS_MAX }];

/** How many transactions it takes that every member of a guild asks something at once: as we count, and as PostgreSQL does. */
export async function transactions({ one, four }: Stage, { rounds }: BenchOptions): Promise<BenchResult[]> {
  const results: BenchResult[] = [];
  for (const [where, ground] of [['one shard', one], ['four shards', four]] as const) {
    const counts: { flushes: number; written: number }[] = [];
    for (let round = 0; round < rounds; round++) counts.push(await askedAtOnce(ground));
    const { flushes, written } = medians(counts);
    const what = `${ground.hot.members.length} deposits asked at once by as many members, ${where}`;
    results.push({ what: `${what}: flushes, against one transaction for each`, ours: flushes, ceiling: ground.hot.members.length, unit: 'transactions', targets: TARGET });
    results.push({ what: `${what}: transactions that wrote their log lines, by PostgreSQL (xmin)`, ours: written, ceiling: ground.hot.members.length, unit: 'transactions', targets: TARGET });
  }
  return results;
}

async function askedAtOnce({ hall, hot }: Ground): Promise<{ flushes: number; written: number }> {
  const [flushesBefore, lines] = [await flushesOf(hall), await linesOf(hall, hot.id)];
  await Promise.all(seatsOf([hot]).map((seat) => hall.act(seat, DEPOSIT)));
  const [flushes, written] = [(await flushesOf(hall)) - flushesBefore, await writersOf(hall, hot.id, lines)];
  return { flushes, written };
}

async function flushesOf({ metrics }: Ground['hall']): Promise<number> {
  const { values } = await metrics.guildFlushSize.get();
  return values.find(({ metricName }) => metricName?.endsWith('_count'))?.value ?? Number.NaN;
}

async function linesOf({ guilds }: Ground['hall'], guild: Ground['hot']['id']): Promise<number> {
  return (await guilds.whole(guild))?.guild.log.at(-1)?.seq ?? Number.NaN;
}

/** A row keeps the number of the transaction that wrote it. */
async function writersOf({ cluster }: Ground['hall'], guild: string, after: number): Promise<number> {
  const counts = await Promise.all(
    cluster.shards.map(async ({ pool }) => (await pool.query<{ writers: number }>('select count(distinct xmin::text)::int as writers from guild_log where guild = $1 and seq > $2', [guild, after])).rows[0]?.writers ?? 0),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}
