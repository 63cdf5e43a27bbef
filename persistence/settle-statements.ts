import { batchStatement } from './settle-columns.ts';
import { earning, fail, OVER_COPIES } from './settle-sure.ts';
import type { Statement } from './shard-transaction.ts';

/**
 * LOCK is the first statement of every settlement: takes the holders' rows in id order, the lock order of the whole system.
 * READ COMMITTED gives each statement its own snapshot, so what follows sees what a waiter waited for. [LD2]
 */
const HOLDERS = 'select holder, version::float8 as version, session_epoch::float8 as epoch, frozen from inventory where holder = any($1::uuid[])';
const IN_ORDER = 'order by holder for update';
const AT_ONCE = 'for update nowait';
const unseen = (how: string) => `select count(*)::int as rows from (select from inventory where holder = any($1::uuid[]) ${how}) as locked`;
export const LOCK: Statement = { name: 'settle-lock', text: `${HOLDERS} ${IN_ORDER}` };
/** The same for who waits for nobody: it fails where somebody has one of them. */
export const LOCK_AT_ONCE: Statement = { name: 'settle-lock-at-once', text: `${HOLDERS} ${AT_ONCE}` };
/** Of both, for who hears what is in them from another statement: a row that is not told costs less than one that is. */
export const LOCK_UNSEEN: Statement = { name: 'settle-lock-unseen', text: unseen(IN_ORDER) };
export const LOCK_UNSEEN_AT_ONCE: Statement = { name: 'settle-lock-unseen-at-once', text: unseen(AT_ONCE) };

/** The same rows as they are, for who only asks. */
export const READ_HOLDERS: Statement = { name: 'settle-read-holders', text: HOLDERS };

/** Serialises the service's commands, which have no holder's row to lock: one advisory lock per command id, in order. */
export const LOCK_COMMANDS: Statement = {
  name: 'settle-lock-commands',
  text: `select pg_advisory_xact_lock(hashtextextended(id, 0)) from (select id from unnest($1::text[]) as c(id) order by id) c`,
};

/** The batch as two tables, for statements that tell movements apart. `p`: the postings with an end here; `c`: the commands that live here. */
const INPUT = `
p as materialized (select ix, seq, #transactions[ix] as tx, #reasons[#reason[ix]] as reason, #assets[asset] as asset, #items[item] as item, version, quantity,
    giver as giver_at, receiver as receiver_at, #keys[giver] as giver, #keys[receiver] as receiver,
    giver between 1 and cardinality(@moves) as giver_local, receiver between 1 and cardinality(@moves) as receiver_local, r
  from unnest(@ix, @seq, @asset, @item, @version, @quantity, @giver, @receiver) with ordinality
  as p(ix, seq, asset, item, version, quantity, giver, receiver, r)),
c as materialized (select ix, place, #keys[actor] as actor, id, hash, answer from unnest(@commandIx, @place, @actor, @commandId, @hash, @answer) as c(ix, place, actor, id, hash, answer))`;

/**
 * What this shard has of what is given here, looked up once: `i` the items; `b` per movement, holder and asset, what is spent, got and held. `at` is
 * where the row is, and nobody moves it, because its holder's inventory row is locked.
 *
 * `lateral … offset 0`, here and below, is one look-up by key for each row, whatever the planner thinks: the plan is made once per
 * connection, and one that joins by hashing reads the whole of a table that was small then and grows with every command.
 */
const HELD = `
i as materialized (select p.ix, p.item, p.giver, p.receiver, p.version, p.receiver_local, r.at, r.holder, r.version as held_version, r.bound
  from p left join lateral (select ctid as at, holder, version, bound from item where id = p.item offset 0) r on true where p.item is not null and p.giver_local),
b as materialized (select d.*, r.at, r.quantity as held from (
    select ix, holder, asset, sum(spent) as spent, sum(got) as got from (
      select ix, giver_at as holder, asset, quantity as spent, 0 as got from p where asset is not null and giver_local
      union all select ix, receiver_at, asset, 0, quantity from p where asset is not null and receiver_local) s group by ix, holder, asset) d
  left join lateral (select ctid as at, quantity from balance where holder = #keys[d.holder] and asset = d.asset offset 0) r on true)`;

/** Every reason why a movement must not happen, as far as this shard knows. */
const BAD = `
bad as materialized (
  select i.ix, case when i.holder is null or i.holder <> i.giver then 'NOT_OWNER'
      when i.bound and i.receiver is not null then 'ITEM_BOUND' else 'STALE' end as code,
    jsonb_build_object('item', i.item, 'version', r.version, 'kind', r.kind, 'attributes', r.attributes) as doc
    from i left join lateral (select version, kind, attributes from item where id = i.item offset 0) r on true
    where i.holder is null or i.holder <> i.giver or i.held_version <> i.version or (i.bound and i.receiver is not null)
  union all
  select ix, 'INSUFFICIENT', jsonb_build_object('asset', asset, 'held', coalesce(held, 0), 'needed', spent)
    from b where coalesce(held, 0) < spent
  union all
  select c.ix, 'KNOWN', jsonb_build_object('place', c.place, 'hash', encode(k.hash, 'hex'), 'answer', k.answer)
    from c cross join lateral (select hash, answer from command where actor = c.actor and id = c.id offset 0) k)`;

/** Of commands that may not act, those that did before. */
export const RECALL: Statement = {
  name: 'settle-recall',
  text: `select asked.ix, null::uuid as holder, 'KNOWN' as key, 0::float8 as n,
      jsonb_build_object('place', asked.place, 'hash', encode(k.hash, 'hex'), 'answer', k.answer) as doc
    from unnest($1::int[], $2::int[], $3::uuid[], $4::uuid[]) as asked(ix, place, actor, id)
    cross join lateral (select hash, answer from command where actor = asked.actor and id = asked.id offset 0) k`,
};

/** What a shard says before a movement over several shards: why not. */
export const CHECK = batchStatement('settle-check', `with ${INPUT}, ${HELD}, ${BAD}
select ix, null::uuid as holder, code as key, 0::float8 as n, doc from bad`);

/** The reasons of which a player's number is counted: what leaderboards are fed with. [LB7] */
export const TRADE = 'trade';
export const GATHER = 'gather';

/** Of a row's movement: whether nothing speaks against it. */
const mayAct = (row: string) => `not exists (select 1 from bad where bad.ix = ${row}.ix)`;

/** Of postings whose item comes and may: of `p`, by its row and its place among those that come. */
const COMING = `unnest(@comes) with ordinality as k(r, at) join p on p.r = k.r where ${mayAct('p')}`;

/**
 * Moves everything of every movement that nothing speaks against: holdings, versions, ledger, commands, experience, in
 * one set-based statement. It answers why the others do not move, and the balances and profiles that changed; versions
 * and items the caller knows. The caller has locked every local holder, and no holder is in two movements, as no movement knows what
 * another one does. A balance beyond its bounds fails the whole statement: its constraint is the guard, because probing for what
 * nearly never happens would cost every trade. [LD1] [LD3] [LD4]
 *
 * An item that comes may meet the copy of itself that a slot's move has made or not yet removed, whose holder has no row here: that one is
 * nobody's. Any other is held twice. [O]
 */
const choosy = (needs: { more: boolean }) => `with ${INPUT}, ${HELD}, ${BAD},
moved as (update item r set holder = i.receiver, version = r.version + 1 from i
  where r.ctid = i.at and i.receiver_local and ${mayAct('i')}),
changed as (update balance r set quantity = r.quantity + (b.got - b.spent)::bigint from b
  where r.ctid = b.at and b.got <> b.spent and ${mayAct('b')}
  returning r.holder, r.asset, r.quantity),
made as (insert into balance (holder, asset, quantity)
  select #keys[holder], asset, (got - spent)::bigint from b
  where at is null and got > 0 and ${mayAct('b')}
  returning holder, asset, quantity),
raised as (update inventory r set version = r.version + h.moves, traded = r.traded + h.trades
  from (select #keys[at::int] as holder, ix, moves, trades from unnest(@holderIx, @moves, @trades) with ordinality as h(ix, moves, trades, at)) h
  where r.holder = h.holder and ${mayAct('h')}),
written as (insert into ledger (transaction_id, seq, reason, asset, item, item_version, quantity, giver, receiver)
  select tx, seq, reason, asset, item, case when item is not null then version + 1 end, quantity, giver, receiver from p where ${mayAct('p')}),
answered as (insert into command (actor, id, hash, answer, transaction_id)
  select actor, id, #hashes[hash], #answers[answer], #transactions[ix] from c where ${mayAct('c')})${needs.more ? `,
gone as (delete from item r using i
  where r.ctid = i.at and not i.receiver_local and ${mayAct('i')}),
came as (insert into item (id, holder, kind, attributes, version, bound)
  select p.item, p.receiver, #kinds[k.at::int], #attributes[k.at::int], p.version + 1, #bounds[k.at::int] from ${COMING}${OVER_COPIES}
  returning id),
earned as (${earning(mayAct('e'))})` : ''}
select ix, null::uuid as holder, code as key, 0::float8 as n, doc from bad
union all select null, holder, asset, quantity, null from changed
union all select null, holder, asset, quantity, null from made${needs.more ? `
union all select null, holder, null, xp, to_jsonb(level) from earned
union all select ${fail("'held twice: ' || p.item")}, null, null, 0, null from ${COMING} and not exists (select 1 from came where came.id = p.item)` : ''}`;

/** What most batches need: things change hands between holders who are all here. */
export const ACT_HERE = batchStatement('settle-act-here', choosy({ more: false }));
/** Also: items that go elsewhere or out of existence, items that come, and experience. */
export const ACT = batchStatement('settle-act', choosy({ more: true }));
