/** How a loop written by hand makes its trades: on which tables, and by which statements. */
export interface HandStatements {
  /** Its own tables; without, they are ours. */
  tables?: string;
  lock: { name: string; text: string };
  /** Answers the trades that happened, by their place. */
  act: { name: string; text: string };
}

/** The tables that a trade needs and nothing else. */
const TABLES = `
  create table inventory (player_id uuid primary key, version bigint not null default 0) with (fillfactor = 50);
  create table balance (player_id uuid, asset text, quantity bigint not null check (quantity >= 0), primary key (player_id, asset)) with (fillfactor = 50);
  create table item (id uuid primary key, holder uuid not null, kind text not null, version int not null default 1, bound bool not null default false, attributes jsonb) with (fillfactor = 50);
  create index on item (holder);
  create table ledger (tx uuid not null, seq smallint not null, at timestamptz not null default now(), reason text not null, asset text, item uuid, quantity bigint not null, giver uuid, receiver uuid);
  create index on ledger (tx);
  create table command (player_id uuid, id uuid, hash bytea, result jsonb, primary key (player_id, id))`;

// On either tables.
export const FILL_INVENTORY = 'insert into inventory select unnest($1::uuid[])';
export const FILL_BALANCE = 'insert into balance select * from unnest($1::uuid[], $2::text[], $3::bigint[])';
export const FILL_ITEM = 'insert into item (id, holder, kind, attributes, version) select id, holder, kind, attributes::jsonb, 1 from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) as i(id, holder, kind, attributes)';

/** On our tables, with their constraints and indexes. */
export const LOCK_OURS = { name: 'ceiling-lock', text: 'select holder, version, session_epoch, frozen from inventory where holder = any($1::uuid[]) order by holder for update' };

/** What both begin with: what is asked for, and what speaks against it. */
const asked = (player: string, trade: string) => `
with t as (select * from unnest(${trade}),
im as (select * from unnest($5::int[], $6::uuid[], $7::uuid[], $8::uuid[], $9::int[]) as im(ix, item, giver, receiver, version)),
bm as (select * from unnest($1::int[], $10::text[], $11::bigint[], $3::uuid[], $4::uuid[]) as bm(ix, asset, q, giver, receiver)),
bad as (select im.ix from im left join item i on i.id = im.item and i.holder = im.giver and i.version = im.version and not i.bound where i.id is null
  union select bm.ix from bm left join balance x on x.${player} = bm.giver and x.asset = bm.asset and x.quantity >= bm.q where x.${player} is null),
ok as (select t.* from t where not exists (select 1 from bad where bad.ix = t.ix)),
ui as (update item i set holder = im.receiver, version = i.version + 1 from im join ok using (ix) where i.id = im.item and i.version = im.version),
net as (select holder, asset, sum(q)::bigint q from (select giver holder, asset, -q q from bm join ok using (ix) union all select receiver, asset, q from bm join ok using (ix)) s group by 1, 2),
ub as (update balance b set quantity = b.quantity + net.q from net where b.${player} = net.holder and b.asset = net.asset),`;

/** The plain loop of its kind: the fewest rows, one command for each trade. */
export const FEWEST_ROWS: HandStatements = {
  tables: TABLES,
  lock: { name: 'ceiling-lock-fewest', text: 'select player_id from inventory where player_id = any($1::uuid[]) order by player_id for update' },
  act: {
    name: 'ceiling-act-fewest',
    text: `${asked('player_id', '$1::int[], $2::uuid[], $3::uuid[], $4::uuid[]) as t(ix, id, a, b)')}
uv as (update inventory v set version = v.version + 1 where v.player_id in (select a from ok union all select b from ok) returning v.player_id, v.version),
lg as (insert into ledger (tx, seq, reason, item, asset, quantity, giver, receiver)
  select ok.id, row_number() over (partition by ok.id), 'trade', im.item, null, 1, im.giver, im.receiver from im join ok using (ix)
  union all select ok.id, 100, 'trade', null, bm.asset, bm.q, bm.giver, bm.receiver from bm join ok using (ix)),
cm as (insert into command select a, id, '\\x00'::bytea, '{"status":"settled"}'::jsonb from ok)
select ok.ix, va.version av, vb.version bv from ok join uv va on va.player_id = ok.a join uv vb on vb.player_id = ok.b`,
  },
};

/** The same rows as ours writes, in the same tables: a command of each side with a hash, trades counted, ledger rows that name an item's version. */
export const SAME_ROWS: HandStatements = {
  lock: LOCK_OURS,
  act: {
    name: 'ceiling-act',
    text: `${asked('holder', '$1::int[], $2::uuid[], $3::uuid[], $4::uuid[], $12::uuid[], $13::uuid[]) as t(ix, id, a, b, a_asks, b_asks)')}
uv as (update inventory v set version = v.version + 1, traded = v.traded + 1 where v.holder in (select a from ok union all select b from ok) returning v.holder, v.version),
lg as (insert into ledger (transaction_id, seq, reason, item, item_version, asset, quantity, giver, receiver)
  select ok.id, row_number() over (partition by ok.id), 'trade', im.item, im.version + 1, null, 1, im.giver, im.receiver from im join ok using (ix)
  union all select ok.id, 100, 'trade', null, null, bm.asset, bm.q, bm.giver, bm.receiver from bm join ok using (ix)),
cm as (insert into command (actor, id, hash, answer, transaction_id)
  select a, a_asks, $14::bytea, '{"status":"settled"}'::jsonb, id from ok union all select b, b_asks, $14::bytea, '{"status":"settled"}'::jsonb, id from ok)
select ok.ix, va.version av, vb.version bv from ok join uv va on va.holder = ok.a join uv vb on vb.holder = ok.b`,
  },
};
