import { createHash, randomUUID } from 'node:crypto';
import { Pool, type PoolClient } from 'pg';
import type { Random } from './holdings.ts';
import { whole } from './holdings.ts';

const ASSETS = ['gold', 'ore', 'wood', 'gem'];

/** The tables that a trade needs and nothing else, filled in SQL: what a loop written by hand would have. */
const TABLES = `
  create table inventory (player_id uuid primary key, version bigint not null default 0) with (fillfactor = 50);
  create table balance (player_id uuid, asset text, quantity bigint not null check (quantity >= 0), primary key (player_id, asset)) with (fillfactor = 50);
  create table item (id uuid primary key, holder uuid not null, kind text not null, version int not null default 1, bound bool not null default false, attributes jsonb) with (fillfactor = 50);
  create index on item (holder);
  create table ledger (tx uuid not null, seq smallint not null, at timestamptz not null default now(), reason text not null, asset text, item uuid, quantity bigint not null, giver uuid, receiver uuid);
  create index on ledger (tx);
  create table command (player_id uuid, id uuid, hash bytea, result jsonb, primary key (player_id, id))`;

const LOCK = { name: 'ceiling-lock', text: 'select player_id from inventory where player_id = any($1::uuid[]) order by player_id for update' };

const ACT = {
  name: 'ceiling-act',
  text: `
with t as (select * from unnest($1::int[], $2::uuid[], $3::uuid[], $4::uuid[]) as t(ix, id, a, b)),
im as (select * from unnest($5::int[], $6::uuid[], $7::uuid[], $8::uuid[], $9::int[]) as im(ix, item, giver, receiver, version)),
bm as (select * from unnest($1::int[], $10::text[], $11::bigint[], $3::uuid[], $4::uuid[]) as bm(ix, asset, q, giver, receiver)),
bad as (select im.ix from im left join item i on i.id = im.item and i.holder = im.giver and i.version = im.version and not i.bound where i.id is null
  union select bm.ix from bm left join balance x on x.player_id = bm.giver and x.asset = bm.asset and x.quantity >= bm.q where x.player_id is null),
ok as (select t.* from t where not exists (select 1 from bad where bad.ix = t.ix)),
ui as (update item i set holder = im.receiver, version = i.version + 1 from im join ok using (ix) where i.id = im.item and i.version = im.version),
net as (select player_id, asset, sum(q)::bigint q from (select giver player_id, asset, -q q from bm join ok using (ix) union all select receiver, asset, q from bm join ok using (ix)) s group by 1, 2),
ub as (update balance b set quantity = b.quantity + net.q from net where b.player_id = net.player_id and b.asset = net.asset),
uv as (update inventory v set version = v.version + 1 where v.player_id in (select a from ok union all select b from ok) returning v.player_id, v.version),
lg as (insert into ledger (tx, seq, reason, item, asset, quantity, giver, receiver)
  select ok.id, row_number() over (partition by ok.id), 'trade', im.item, null, 1, im.giver, im.receiver from im join ok using (ix)
  union all select ok.id, 100, 'trade', null, bm.asset, bm.q, bm.giver, bm.receiver from bm join ok using (ix)),
cm as (insert into command select a, id, '\\x00'::bytea, '{"status":"settled"}'::jsonb from ok)
select ok.ix, va.version av, vb.version bv from ok join uv va on va.player_id = ok.a join uv vb on vb.player_id = ok.b`,
};

/** The same trade as ours, by hand: one loop, its own tables on the same server, batches as large as they can be. */
export class TradeCeiling {
  readonly #pool: Pool;
  readonly #players: string[];
  readonly #items: Map<string, { id: string; version: number }[]>;

  private constructor(pool: Pool, players: string[], items: Map<string, { id: string; version: number }[]>) {
    this.#pool = pool;
    this.#players = players;
    this.#items = items;
  }

  static async open(url: string, { players, itemsEach }: { players: number; itemsEach: number }): Promise<TradeCeiling> {
    const pool = new Pool({ connectionString: url, max: 4 });
    await pool.query(TABLES);
    const ids = Array.from({ length: players }, (_, at) => uuidOf(`player ${at}`));
    const items = new Map(ids.map((id) => [id, Array.from({ length: itemsEach }, (_, at) => ({ id: uuidOf(`${id} ${at}`), version: 1 }))]));
    await pool.query('insert into inventory select unnest($1::uuid[])', [ids]);
    await pool.query('insert into balance select id, asset, 1000000 from unnest($1::uuid[]) id, unnest($2::text[]) asset', [ids, ASSETS]);
    const rows = [...items].flatMap(([holder, held]) => held.map(({ id }) => [id, holder] as const));
    await pool.query(`insert into item select id, holder, 'sword' from unnest($1::uuid[], $2::uuid[]) as i(id, holder)`, [rows.map(([id]) => id), rows.map(([, holder]) => holder)]);
    await pool.query('vacuum analyze');
    return new TradeCeiling(pool, ids, items);
  }

  /** Trades for `forMs` in batches of `batchSize` on one connection. @returns how many trades committed */
  async run(batchSize: number, forMs: number, random: Random): Promise<number> {
    const client = await this.#pool.connect();
    let done = 0;
    try {
      for (const end = performance.now() + forMs; performance.now() < end; ) done += await this.#batch(client, batchSize, random);
    } finally {
      client.release();
    }
    return done;
  }

  async #batch(client: PoolClient, size: number, random: Random): Promise<number> {
    const busy = new Set<string>();
    const next = () => {
      for (;;) {
        const id = this.#players[whole(random, 0, this.#players.length - 1)] ?? '';
        if (!busy.has(id) && (this.#items.get(id)?.length ?? 0) > 0) {
          busy.add(id);
          return id;
        }
      }
    };
    const pickItem = (holder: string) => {
      const held = this.#items.get(holder) ?? [];
      return { at: whole(random, 0, held.length - 1), held };
    };
    const trades = Array.from({ length: size }, () => {
      const [a, b] = [next(), next()];
      return { id: randomUUID(), a, b, given: pickItem(a), taken: pickItem(b) };
    });
    const moves = trades.flatMap(({ a, b, given, taken }, ix) => [
      { ix, ...given.held[given.at]!, giver: a, receiver: b },
      { ix, ...taken.held[taken.at]!, giver: b, receiver: a },
    ]);
    await client.query('begin');
    await client.query({ ...LOCK, values: [[...busy]] });
    const { rows } = await client.query<{ ix: number }>({
      ...ACT,
      values: [
        trades.map((_, ix) => ix), trades.map(({ id }) => id), trades.map(({ a }) => a), trades.map(({ b }) => b),
        moves.map(({ ix }) => ix), moves.map(({ id }) => id), moves.map(({ giver }) => giver), moves.map(({ receiver }) => receiver), moves.map(({ version }) => version),
        trades.map(() => 'gold'), trades.map(() => 5),
      ],
    });
    await client.query('commit');
    for (const { ix } of rows) {
      const { given, taken } = trades[ix]!;
      const [one, other] = [given.held[given.at]!, taken.held[taken.at]!];
      given.held[given.at] = { id: other.id, version: other.version + 1 };
      taken.held[taken.at] = { id: one.id, version: one.version + 1 };
    }
    return rows.length;
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}

function uuidOf(text: string): string {
  const hex = createHash('md5').update(text).digest('hex');
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5');
}
