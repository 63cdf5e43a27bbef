import type { Pool, PoolClient } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import type { Holdings } from '../../../schema/holdings.ts';
import type { PlayerId } from '../../../schema/ids.ts';
import { invariant } from '../../../schema/invariant.ts';
import { BULK_CONTENT } from '../kit/bulk-players.ts';
import { openOn } from '../kit/economy.ts';
import type { Pairs } from '../kit/free-players.ts';
import type { HandTrade } from '../kit/hand-trade.ts';
import type { Random } from '../kit/holdings.ts';
import { ItemView } from '../kit/item-view.ts';
import { openPool } from '../kit/pool.ts';
import type { More } from '../kit/rate.ts';
import { fillByHand } from '../kit/trade-ceiling.ts';
import { LOCK_OURS } from '../kit/trade-ceiling-statements.ts';
import { runBatches, type Load } from './settle-crew.ts';

/** As many to each database as ours has. */
const CONNECTIONS = 10;
/** As long as a command's hash is. */
const HASH = Buffer.alloc(32, 7);

/**
 * One database's part of a batch of trades whose partners are in another: an item goes and one comes, gold goes or comes,
 * the version rises, the trade is counted, and every posting and the own side's command are written, as they are in ours. Answers how many happened.
 */
const ACT = {
  name: 'hand-crossing-act',
  text: `
with t as materialized (select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::int[], $6::uuid[], $7::int[])
  as t(tx, here, there, goes, goes_version, comes, comes_version)),
gone as (delete from item i using t where i.id = t.goes and i.holder = t.here and i.version = t.goes_version and not i.bound returning t.tx),
came as (insert into item (id, holder, kind, version, attributes) select comes, here, $9::text, comes_version + 1, $10::jsonb from t),
paid as (update balance b set quantity = b.quantity + $8::bigint from t where b.holder = t.here and b.asset = 'gold' and b.quantity + $8::bigint >= 0 returning t.tx),
raised as (update inventory v set version = v.version + 1, traded = v.traded + 1 from t where v.holder = t.here returning v.holder),
written as (insert into ledger (transaction_id, seq, reason, item, item_version, asset, quantity, giver, receiver)
  select tx, 0, 'trade', goes, goes_version + 1, null, 1, here, there from t
  union all select tx, 1, 'trade', comes, comes_version + 1, null, 1, there, here from t
  union all select tx, 2, 'trade', null, null, 'gold', 1, case when $8 < 0 then here else there end, case when $8 < 0 then there else here end from t),
answered as (insert into command (actor, id, hash, answer, transaction_id) select here, tx, $11::bytea, '{"status":"settled"}'::jsonb, tx from t)
select count(*)::int as done from gone join paid using (tx) where exists (select from raised)`,
};

/**
 * Trades between two databases, committed in two phases by hand: lock here, lock there, act in both, prepare there, commit here with
 * the decision, commit there. It knows its goods in memory, so it asks no database first whether a trade may happen.
 */
export class HandCrossing {
  readonly pools: readonly [Pool, Pool];
  readonly #view: ItemView;
  readonly #pairs: Pairs;

  private constructor(pools: readonly [Pool, Pool], view: ItemView, pairs: Pairs) {
    this.pools = pools;
    this.#view = view;
    this.#pairs = pairs;
  }

  /** @param goods what the players of each of the two databases have. @param pairs of a player of the first and one of the second */
  static async open(urls: readonly string[], goods: readonly ReadonlyMap<PlayerId, Holdings>[], pairs: Pairs): Promise<HandCrossing> {
    await (await openOn(urls)).close();
    const pools = urls.map((connectionString) => openPool({ connectionString, max: CONNECTIONS, pipeline: true, options: '-c plan_cache_mode=force_generic_plan' }));
    for (const [at, pool] of pools.entries()) await fill(pool, goods[at] ?? new Map());
    return new HandCrossing(pools as [Pool, Pool], new ItemView(new Map(goods.flatMap((here) => [...here]))), pairs);
  }

  /** @returns how long each trade took, which is its batch's time, in milliseconds */
  async run(load: Load, more: More, random: Random): Promise<number[]> {
    return await runBatches(load, more, random, { view: this.#view, pairs: this.#pairs }, (trades) => this.#settle(trades));
  }

  async close(): Promise<void> {
    await Promise.all(this.pools.map((pool) => pool.end()));
  }

  async #settle(trades: readonly HandTrade[]): Promise<void> {
    const [home, other] = [await this.pools[0].connect(), await this.pools[1].connect()];
    const transaction = uuidv7();
    await lock(home, trades.map(({ players }) => players[0]));
    await lock(other, trades.map(({ players }) => players[1]));
    const acted = [act(home, trades, 0), act(other, trades, 1)];
    // Behind what it writes, as ours.
    const [, ...done] = await Promise.all([other.query(`prepare transaction '${transaction}'`), ...acted]);
    invariant(done.every((count) => count === trades.length), 'nothing speaks against a trade of what is held');
    await home.query(`insert into decision (transaction_id, outcome) values ('${transaction}', 'commit'); commit`);
    home.release();
    await other.query(`commit prepared '${transaction}'`);
    other.release();
  }
}

async function fill(pool: Pool, goods: ReadonlyMap<PlayerId, Holdings>): Promise<void> {
  await fillByHand(pool, goods);
  await pool.query('vacuum analyze');
}

async function lock(client: PoolClient, players: PlayerId[]): Promise<void> {
  await Promise.all([client.query('begin'), client.query({ ...LOCK_OURS, values: [players] })]);
}

async function act(client: PoolClient, trades: readonly HandTrade[], side: 0 | 1): Promise<number> {
  const other = side === 0 ? 1 : 0;
  const { rows } = await client.query<{ done: number }>({
    ...ACT,
    values: [
      trades.map(({ id }) => id), trades.map(({ players }) => players[side]), trades.map(({ players }) => players[other]),
      trades.map(({ items }) => items[side].id), trades.map(({ items }) => items[side].version), trades.map(({ items }) => items[other].id), trades.map(({ items }) => items[other].version),
      side === 0 ? -1 : 1, BULK_CONTENT.kind, JSON.stringify(BULK_CONTENT.attributes), HASH,
    ],
  });
  return rows[0]?.done ?? 0;
}
