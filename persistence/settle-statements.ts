import { QUANTITY_MAX } from '../schema/quantities.ts';
import type { Statement } from './shard-transaction.ts';

/**
 * LOCK is the first statement of every settlement: takes the holders' rows in id order, the lock order of the whole system.
 * READ COMMITTED gives each statement its own snapshot, so what follows sees what a waiter waited for. [LD2]
 */
const HOLDERS = 'select holder, version::float8 as version, session_epoch::float8 as epoch, frozen from inventory where holder = any($1::uuid[])';
export const LOCK: Statement = { name: 'settle-lock', text: `${HOLDERS} order by holder for update` };

/** The same rows as they are, for who only asks. */
export const READ_HOLDERS: Statement = { name: 'settle-read-holders', text: HOLDERS };

/** Serialises the service's commands, which have no holder's row to lock: one advisory lock per command id, in order. */
export const LOCK_COMMANDS: Statement = {
  name: 'settle-lock-commands',
  text: `select pg_advisory_xact_lock(hashtextextended(id, 0)) from (select id from unnest($1::text[]) as c(id) order by id) c`,
};

/**
 * The batch as two tables. `p`: the postings with an end here; `c`: the commands that live here. `ix` is the movement's
 * place in the batch, by which outcomes are told apart. Keys that stand in several rows are sent once, in $1, and named
 * by their place in it: first the holders that are here, whose movements are in $2, then the others.
 */
const INPUT = `
p as materialized (select ix, seq, ($3::uuid[])[ix] as tx, ($4::text[])[ix] as reason, asset, item, version, quantity,
    giver as giver_at, receiver as receiver_at, ($1::uuid[])[giver] as giver, ($1::uuid[])[receiver] as receiver,
    coalesce(giver <= cardinality($2::int[]), false) as giver_local, coalesce(receiver <= cardinality($2::int[]), false) as receiver_local,
    ($13::text[])[content] as kind, ($14::text[])[content] as attributes, ($15::bool[])[content] as bound
  from unnest($5::int[], $6::smallint[], $7::text[], $8::uuid[], $9::int[], $10::bigint[], $11::int[], $12::int[], $16::int[])
  as p(ix, seq, asset, item, version, quantity, giver, receiver, content)),
c as materialized (select ix, place, ($1::uuid[])[actor] as actor, id, ($21::text[])[said] as hash, ($22::text[])[said] as answer
  from unnest($17::int[], $18::int[], $19::int[], $20::uuid[], $23::int[]) as c(ix, place, actor, id, said))`;

/**
 * What this shard has of what is given here, looked up once: `i` the items; `b` per holder and asset, and per movement or for
 * `together` from the first to the last of them, what is spent, got and held. `at` is where the row is, and nobody moves it, because
 * its holder's inventory row is locked.
 *
 * `lateral … offset 0`, here and below, is one look-up by key for each row, whatever the planner thinks: the plan is made once per
 * connection, and one that joins by hashing reads the whole of a table that was small then and grows with every command.
 */
const held = ({ together }: { together: boolean }) => `
i as materialized (select p.ix, p.item, p.giver, p.receiver, p.version, p.receiver_local, r.at, r.holder, r.version as held_version, r.bound
  from p left join lateral (select ctid as at, holder, version, bound from item where id = p.item offset 0) r on true where p.item is not null and p.giver_local),
b as materialized (select d.*, r.at, r.quantity as held from (
    select ${together ? 'min(ix) as ix, max(ix)' : 'ix, ix'} as last, holder, asset, sum(spent) as spent, sum(got) as got from (
      select ix, giver_at as holder, asset, quantity as spent, 0 as got from p where asset is not null and giver_local
      union all select ix, receiver_at, asset, 0, quantity from p where asset is not null and receiver_local) s group by ${together ? '' : 'ix, '}holder, asset) d
  left join lateral (select ctid as at, quantity from balance where holder = ($1::uuid[])[d.holder] and asset = d.asset offset 0) r on true)`;

/** Every reason why a movement must not happen, as far as this shard knows. */
const HOLDINGS = `
bad as materialized (
  select i.ix, case when i.holder is null or i.holder <> i.giver then 'NOT_OWNER'
      when i.bound and i.receiver is not null then 'ITEM_BOUND' else 'STALE' end as code,
    jsonb_build_object('item', i.item, 'version', r.version, 'kind', r.kind, 'attributes', r.attributes) as doc
    from i left join lateral (select version, kind, attributes from item where id = i.item offset 0) r on true
    where i.holder is null or i.holder <> i.giver or i.held_version <> i.version or (i.bound and i.receiver is not null)
  union all
  select ix, 'INSUFFICIENT', jsonb_build_object('asset', asset, 'held', coalesce(held, 0), 'needed', spent)
    from b where coalesce(held, 0) < spent or (ix <> last and coalesce(held, 0) + got > ${QUANTITY_MAX})`;
const BAD = `${HOLDINGS}
  union all
  select c.ix, 'KNOWN', jsonb_build_object('place', c.place, 'hash', encode(k.hash, 'hex'), 'answer', k.answer)
    from c cross join lateral (select hash, answer from command where actor = c.actor and id = c.id offset 0) k)`;

/** Of commands that may not act, those that did before. */
export const RECALL: Statement = {
  name: 'settle-recall',
  text: `select asked.ix, null::int as at, 'KNOWN' as key, 0::float8 as n,
      jsonb_build_object('place', asked.place, 'hash', encode(k.hash, 'hex'), 'answer', k.answer) as doc
    from unnest($1::int[], $2::int[], $3::uuid[], $4::uuid[]) as asked(ix, place, actor, id)
    cross join lateral (select hash, answer from command where actor = asked.actor and id = asked.id offset 0) k`,
};

/** What a shard says before a movement over several shards: why not. */
export const CHECK: Statement = {
  name: 'settle-check',
  text: `with ${INPUT}, ${held({ together: false })}, ${BAD}
select ix, null::int as at, code as key, 0::float8 as n, doc from bad`,
};

/** What a statement does about movements that must not happen. */
interface Variant {
  bad: string;
  why: string;
  together: boolean;
}

/** The reasons of which a player's number is counted: what leaderboards are fed with. [LB7] */
export const TRADE = 'trade';
export const GATHER = 'gather';

/**
 * Moves everything of every movement that nothing speaks against: holdings, versions, ledger, commands, experience, in
 * one set-based statement. It answers why the others do not move, and the balances and profiles that changed; versions
 * and items the caller knows. The caller has locked every local holder. A balance beyond its bounds fails the whole
 * statement: its constraint is the guard, because probing for what nearly never happens would cost every trade.
 * [LD1] [LD3] [LD4]
 */
const act = ({ bad, why, together }: Variant, more: string, told: string) => `with ${INPUT}, ${held({ together })}, ${bad},
ok as materialized (select * from p where not exists (select 1 from bad where bad.ix = p.ix)),
moved as (update item r set holder = i.receiver, version = r.version + 1 from i
  where r.ctid = i.at and i.receiver_local and not exists (select 1 from bad where bad.ix = i.ix)),
changed as (update balance r set quantity = r.quantity + (b.got - b.spent)::bigint from b
  where r.ctid = b.at and b.got <> b.spent and not exists (select 1 from bad where bad.ix = b.ix)
  returning b.holder as at, b.asset, r.quantity),
made as (insert into balance (holder, asset, quantity)
  select ($1::uuid[])[holder], asset, (got - spent)::bigint from b
  where at is null and got > 0 and not exists (select 1 from bad where bad.ix = b.ix)
  returning holder, asset, quantity),
raised as (update inventory r set version = r.version + h.moves, traded = r.traded + h.trades from unnest($1::uuid[], $2::int[], $24::int[], $25::int[]) as h(holder, ix, moves, trades)
  where h.ix is not null and r.holder = h.holder and not exists (select 1 from bad where bad.ix = h.ix)),
written as (insert into ledger (transaction_id, seq, reason, asset, item, item_version, quantity, giver, receiver)
  select tx, seq, reason, asset, item, case when item is not null then version + 1 end, quantity, giver, receiver from ok),
answered as (insert into command (actor, id, hash, answer, transaction_id)
  select actor, id, decode(hash, 'hex'), answer::jsonb, ($3::uuid[])[ix] from c where not exists (select 1 from bad where bad.ix = c.ix))${more}
select ${why} as ix, null::int as at, code as key, 0::float8 as n, doc from bad
union all select null, at, asset, quantity, null from changed
union all select null, array_position($1::uuid[], holder), asset, quantity, null from made${together ? BETWEEN : ''}${told}`;

/** What came and went in equal parts: by it is known what there was between two movements. */
const BETWEEN = `
union all select null, holder, asset, held, null from b where got = spent and ix <> last`;

/** Fails the statement, and says why: no number is written like this. What is committed behind it must not be. */
const fail = (what: string): string => `(${what})::int`;

/** Also: items that go elsewhere or out of existence, items that come, and experience. */
const MORE = `,
gone as (delete from item r using i
  where r.ctid = i.at and not i.receiver_local and not exists (select 1 from bad where bad.ix = i.ix)),
came as (insert into item (id, holder, kind, attributes, version, bound)
  select item, receiver, kind, attributes::jsonb, version + 1, bound from ok
  where item is not null and receiver_local and not giver_local
  on conflict (id) do update set holder = excluded.holder, kind = excluded.kind, attributes = excluded.attributes, version = excluded.version, bound = excluded.bound
    where not exists (select 1 from inventory v where v.holder = item.holder)
  returning id),
earned as (update player r set xp = r.xp + e.xp,
  gathered = r.gathered + case when ($4::text[])[e.ix] = '${GATHER}' then (select coalesce(sum(p.quantity), 0) from p where p.ix = e.ix and p.asset is not null)::bigint else 0 end, level = 1 + floor(sqrt((r.xp + e.xp) / 100.0))::int
  from unnest($26::int[], $27::int[], $28::bigint[]) as e(ix, player, xp)
  where r.id = ($1::uuid[])[e.player] and not exists (select 1 from bad where bad.ix = e.ix)
  returning e.player as at, r.xp, r.level)`;
/** An item that comes may meet the copy of itself that a slot's move has made or not yet removed, whose holder has no row here: that one is nobody's. Any other is held twice. [O] */
const TOLD = `
union all select null, at, null, xp, to_jsonb(level) from earned
union all select ${fail("'held twice: ' || item")}, null, null, 0, null from ok
  where item is not null and receiver_local and not giver_local
    and (select count(*) from came) < (select count(*) from ok where item is not null and receiver_local and not giver_local)
    and not exists (select 1 from came where came.id = ok.item)`;

/** Leaves out what must not happen. No holder is in two movements, as no movement knows what another one does. */
const CHOOSY: Variant = { bad: BAD, why: 'ix', together: false };
/**
 * Nothing speaks against any of it, or the statement fails: a holder may be in many movements then, if no item is and what is held at first
 * covers all that is spent, because they end the same in whatever order.
 */
const SURE: Variant = { bad: `${HOLDINGS})`, why: fail("'sure under the locks, and refused: ' || code || ' ' || doc"), together: true };

/** What most batches need: things change hands between holders who are all here. */
export const ACT_HERE: Statement = { name: 'settle-act-here', text: act(CHOOSY, '', '') };
export const ACT_HERE_SURE: Statement = { name: 'settle-act-here-sure', text: act(SURE, '', '') };
/** The rest too. */
export const ACT: Statement = { name: 'settle-act', text: act(CHOOSY, MORE, TOLD) };
export const ACT_SURE: Statement = { name: 'settle-act-sure', text: act(SURE, MORE, TOLD) };
