import type { Statement } from './transaction.ts';

/**
 * First statement of every settlement: takes the holders' rows in id order, the lock order of the whole system.
 * READ COMMITTED gives each statement its own snapshot, so what follows sees what a waiter waited for. [LD2]
 */
export const LOCK: Statement = {
  name: 'settle-lock',
  text: `select holder, version::float8 as version, session_epoch::float8 as epoch from inventory
    where holder = any($1::uuid[]) order by holder for update`,
};

/** Serialises the service's commands, which have no holder's row to lock: one advisory lock per command id, in order. */
export const LOCK_COMMANDS: Statement = {
  name: 'settle-lock-commands',
  text: `select pg_advisory_xact_lock(hashtextextended(id, 0)) from (select id from unnest($1::text[]) as c(id) order by id) c`,
};

/**
 * The batch as two tables. `p`: the postings that touch this shard, with which ends are local; `c`: the commands that
 * live here. `ix` is the movement's place in the batch, by which outcomes are told apart.
 */
const INPUT = `
p as materialized (select * from unnest(
    $1::int[], $2::smallint[], $3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::int[], $8::bigint[], $9::uuid[], $10::uuid[],
    $11::bool[], $12::bool[], $13::text[], $14::text[], $15::bool[])
  as p(ix, seq, tx, reason, asset, item, version, quantity, giver, receiver, giver_local, receiver_local, kind, attributes, bound)),
c as materialized (select * from unnest($16::int[], $17::int[], $18::uuid[], $19::uuid[], $20::text[], $21::text[], $22::uuid[])
  as c(ix, place, actor, id, hash, answer, tx))`;

/** Every reason why a movement must not happen, as far as this shard knows. */
const BAD = `
bad as materialized (
  select p.ix, case when i.id is null or i.holder <> p.giver then 'NOT_OWNER'
      when i.bound and p.receiver is not null then 'ITEM_BOUND' else 'STALE' end as code,
    jsonb_build_object('item', p.item, 'version', i.version, 'kind', i.kind, 'attributes', i.attributes) as doc
    from p left join item i on i.id = p.item
    where p.item is not null and p.giver_local
      and (i.id is null or i.holder <> p.giver or i.version <> p.version or (i.bound and p.receiver is not null))
  union all
  select d.ix, 'INSUFFICIENT', jsonb_build_object('asset', d.asset, 'held', coalesce(b.quantity, 0), 'needed', d.quantity)
    from (select ix, giver, asset, sum(quantity) as quantity from p where asset is not null and giver_local group by 1, 2, 3) d
    left join balance b on b.holder = d.giver and b.asset = d.asset
    where coalesce(b.quantity, 0) < d.quantity
  union all
  select c.ix, 'KNOWN', jsonb_build_object('place', c.place, 'hash', encode(k.hash, 'hex'), 'answer', k.answer)
    from c join command k on k.actor = c.actor and k.id = c.id)`;

/** Of commands that may not act, those that did before. */
export const RECALL: Statement = {
  name: 'settle-recall',
  text: `select asked.ix, null::uuid as holder, 'KNOWN' as key, 0::float8 as n,
      jsonb_build_object('place', asked.place, 'hash', encode(k.hash, 'hex'), 'answer', k.answer) as doc
    from unnest($1::int[], $2::int[], $3::uuid[], $4::uuid[]) as asked(ix, place, actor, id)
    join command k on k.actor = asked.actor and k.id = asked.id`,
};

/** What a shard says before a movement over several shards: why not. */
export const CHECK: Statement = {
  name: 'settle-check',
  text: `with ${INPUT}, ${BAD}
select ix, null::uuid as holder, code as key, 0::float8 as n, doc from bad`,
};

/**
 * Moves everything of every movement that nothing speaks against: holdings, versions, ledger, commands, in one
 * set-based statement. It answers why the others do not move, and the balances that changed; versions and items the
 * caller knows. The caller has locked every local holder. A balance beyond its bounds fails the whole statement: its
 * constraint is the guard, because probing for what nearly never happens would cost every trade. [LD1] [LD3] [LD4]
 */
export const ACT: Statement = {
  name: 'settle-act',
  text: `with ${INPUT}, ${BAD},
ok as materialized (select * from p where not exists (select 1 from bad where bad.ix = p.ix)),
moved as (update item i set holder = ok.receiver, version = i.version + 1 from ok
  where i.id = ok.item and i.version = ok.version and ok.giver_local and ok.receiver_local),
gone as (delete from item i using ok
  where i.id = ok.item and i.version = ok.version and ok.giver_local and (ok.receiver is null or not ok.receiver_local)),
came as (insert into item (id, holder, kind, attributes, version, bound)
  select item, receiver, kind, attributes::jsonb, version + 1, bound from ok
  where item is not null and receiver_local and not giver_local),
net as (select holder, asset, sum(quantity)::bigint as quantity from (
    select giver as holder, asset, -quantity as quantity from ok where asset is not null and giver_local
    union all select receiver, asset, quantity from ok where asset is not null and receiver_local) s group by 1, 2),
spent as (update balance b set quantity = b.quantity + net.quantity from net
  where b.holder = net.holder and b.asset = net.asset and net.quantity < 0 returning b.holder, b.asset, b.quantity),
got as (insert into balance as b (holder, asset, quantity) select holder, asset, quantity from net where quantity > 0
  on conflict (holder, asset) do update set quantity = b.quantity + excluded.quantity returning b.holder, b.asset, b.quantity),
raised as (update inventory v set version = v.version + 1
  where v.holder in (select giver from ok where giver_local union select receiver from ok where receiver_local)),
written as (insert into ledger (transaction_id, seq, reason, asset, item, item_version, quantity, giver, receiver)
  select tx, seq, reason, asset, item, case when item is not null then version + 1 end, quantity, giver, receiver from ok),
answered as (insert into command (actor, id, hash, answer, transaction_id)
  select actor, id, decode(hash, 'hex'), answer::jsonb, tx from c where not exists (select 1 from bad where bad.ix = c.ix))
select ix, null::uuid as holder, code as key, 0::float8 as n, doc from bad
union all select null, holder, asset, quantity, null from spent
union all select null, holder, asset, quantity, null from got`,
};

export const EARN_EXPERIENCE: Statement = {
  name: 'settle-experience',
  text: `update player p set xp = p.xp + e.xp, level = 1 + floor(sqrt((p.xp + e.xp) / 100.0))::int
    from unnest($1::uuid[], $2::bigint[]) as e(id, xp) where p.id = e.id returning p.id, p.xp::float8 as xp, p.level`,
};
