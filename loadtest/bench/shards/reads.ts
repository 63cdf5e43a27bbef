import type { Pool } from 'pg';
import { migrateShards, openShards } from '../../../persistence/index.ts';
import type { PlayerId } from '../../../schema/ids.ts';
import { invariant } from '../../../schema/invariant.ts';
import type { BenchOptions, BenchResult } from '../kit/bench.ts';
import type { Economy } from '../kit/economy.ts';
import { medians, quantile, timePairs, type Figures } from '../kit/measure.ts';
import type { Grounds } from './grounds.ts';

const WANTED = 1_000;
/** A read takes some tens of milliseconds. */
const READS_PER_S = 20;
const READS_MIN = 3;
const TABLES = ['player', 'inventory', 'balance', 'item'];

const ITEM = `json_build_object('id', i.id, 'kind', i.kind, 'version', i.version, 'bound', i.bound, 'attributes', i.attributes)`;
const HELD = `coalesce((select json_object_agg(asset, quantity) from balance b where b.holder = v.holder and b.quantity > 0), '{}') as fungibles`;

/** What each read asks of a database, written by hand; both answer the same. */
const READS_BY_HAND = {
  players: {
    name: 'hand-players',
    text: `select p.id, p.name, p.region, p.level, p.xp::float8 as xp, p.guild_id, v.version::float8 as version, ${HELD},
        coalesce((select json_agg(${ITEM} order by i.id) from item i where i.holder = v.holder), '[]') as items
      from player p join inventory v on v.holder = p.id where p.id = any($1::uuid[])`,
  },
  holdings: {
    name: 'hand-holdings',
    text: `select v.holder, v.version::float8 as version, ${HELD}, coalesce((select json_agg(${ITEM}) from item i where i.holder = v.holder), '[]') as items
      from inventory v where v.holder = any($1::uuid[])`,
  },
} as const;

/** Many players at once over many shards: against one `= ANY` on one database with the same players, and against one shard after the other. */
export async function reads({ many: { economy, groups } }: Grounds, options: BenchOptions): Promise<BenchResult[]> {
  const copies = await openShards(economy.spareUrls, 1);
  try {
    await migrateShards(copies);
    const one = copies[0]!.pool;
    await copy(economy, one);
    const wanted = groups.map((group) => group.slice(0, WANTED / groups.length));
    const results: BenchResult[] = [];
    for (const what of ['players', 'holdings'] as const) results.push(...(await compared(what, economy, one, wanted, options)));
    return results;
  } finally {
    await Promise.all(copies.map((shard) => shard.close()));
  }
}

async function compared(what: keyof typeof READS_BY_HAND, { storage, shards }: Economy, one: Pool, groups: readonly (readonly PlayerId[])[], { rounds, roundMs }: BenchOptions): Promise<BenchResult[]> {
  const ids = groups.flat();
  const ask = async (pool: Pool, ids: readonly PlayerId[]) => (await pool.query({ ...READS_BY_HAND[what], values: [ids] })).rows.length;
  const whole = (found: number) => invariant(found === ids.length, 'every read finds everybody');
  const ours = async () => whole((await storage.holdings[what](ids)).size);
  const atOnce = async () => whole(await ask(one, ids));
  const inSequence = async () => {
    let found = 0;
    for (const [shard, group] of groups.entries()) found += await ask(shards[shard]!.pool, group);
    whole(found);
  };
  const against = async (ceiling: () => Promise<void>) => {
    const measured: Record<'ours' | 'ceiling', Figures>[] = [];
    for (let round = 0; round < rounds; round++) {
      const tookMs = await timePairs(Array.from({ length: Math.max(READS_MIN, Math.round((READS_PER_S * roundMs) / 1000)) }), { ours, ceiling });
      measured.push({ ours: { p50: quantile(tookMs.ours, 0.5) }, ceiling: { p50: quantile(tookMs.ceiling, 0.5) } });
    }
    return { ours: medians(measured.map(({ ours }) => ours))['p50'] ?? Number.NaN, ceiling: medians(measured.map(({ ceiling }) => ceiling))['p50'] ?? Number.NaN };
  };
  // Everybody's connections, and what they have prepared.
  for (const read of [ours, atOnce, inSequence]) await read();
  const at = `${ids.length.toLocaleString('en')} ${what} over ${shards.length} shards, p50`;
  return [
    { what: `${at}, against one = ANY on one database with the same players`, ...(await against(atOnce)), unit: 'ms', targets: [{ of: 'ratio', bound: 'at most', value: 1.5 }] },
    { what: `${at}, against one shard after the other`, ...(await against(inSequence)), unit: 'ms' },
  ];
}

/** The same rows in one database. */
async function copy({ shards }: Economy, one: Pool): Promise<void> {
  for (const table of TABLES) {
    for (const { pool } of shards) {
      const { rows } = await pool.query<{ all: string }>(`select coalesce(json_agg(t), '[]')::text as all from ${table} t`);
      await one.query(`insert into ${table} select * from json_populate_recordset(null::${table}, $1)`, [rows[0]?.all]);
    }
  }
  await one.query('vacuum analyze');
}
