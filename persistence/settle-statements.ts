import { QUANTITY_MAX } from '../schema/quantities.ts';
import type { Statement } from './shard-transaction.ts';
import { writerFails } from './writer-check.ts';

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
    ($13::text[])[content] as kind, ($14::jsonb[])[content] as attributes, ($15::bool[])[content] as bound
  from unnest($5::int[], $6::smallint[], $7::text[], $8::uuid[], $9::int[], $10::bigint[], $11::int[], $12::int[], $16::int[])
  as p(ix, seq, asset, item, version, quantity, giver, receiver, content)),
c as materialized (select ix, place, ($1::uuid[])[actor] as actor, id, ($21::bytea[])[said] as hash, ($22::jsonb[])[said] as answer
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

/** What speaks against a movement, as far as this shard knows: of its items, and of what it spends. */
const NOT_HELD = 'i.holder is null or i.holder <> i.giver or i.held_version <> i.version or (i.bound and i.receiver is not null)';
const WHY_NOT = `case when i.holder is null or i.holder <> i.giver then 'NOT_OWNER'
      when i.bound and i.receiver is not null then 'ITEM_BOUND' else 'STALE' end`;
const NOT_COVERED = `coalesce(held, 0) < spent or (ix <> last and coalesce(held, 0) + got > ${QUANTITY_MAX})`;

/** Every reason why a movement must not happen. */
const BAD = `
bad as materialized (
  select i.ix, ${WHY_NOT} as code,
    jsonb_build_object('item', i.item, 'version', r.version, 'kind', r.kind, 'attributes', r.attributes) as doc
    from i left join lateral (select version, kind, attributes from item where id = i.item offset 0) r on true
    where ${NOT_HELD}
  union all
  select ix, 'INSUFFICIENT', jsonb_build_object('asset', asset, 'held', coalesce(held, 0), 'needed', spent)
    from b where ${NOT_COVERED}
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

/** The reasons of which a player's number is counted: what leaderboards are fed with. [LB7] */
export const TRADE = 'trade';
export const GATHER = 'gather';

/** Fails the statement, and says why: no number is written like this. What is committed behind it must not be. */
const fail = (what: string): string => `(${what})::int`;

/** What a batch may need of the statement beside things that change hands between holders who are all here. */
interface Needs {
  /** Items go elsewhere or out of existence, or come. */
  passage: boolean;
  /** Experience is earned. */
  experience: boolean;
}

/** Rows of `p` whose item comes from elsewhere or into existence. */
const COMES = 'item is not null and receiver_local and not giver_local';

/** Moves what may move. `mayAct` says of a row's movement whether it may, `p` is what is moved. The first parameter that is free is $26. */
const movesOf = ({ passage, experience }: Needs, mayAct: (row: string) => string) => `
moved as (update item r set holder = i.receiver, version = r.version + 1 from i
  where r.ctid = i.at and i.receiver_local and ${mayAct('i')}),
changed as (update balance r set quantity = r.quantity + (b.got - b.spent)::bigint from b
  where r.ctid = b.at and b.got <> b.spent and ${mayAct('b')}
  returning b.holder as at, b.asset, r.quantity),
made as (insert into balance (holder, asset, quantity)
  select ($1::uuid[])[holder], asset, (got - spent)::bigint from b
  where at is null and got > 0 and ${mayAct('b')}
  returning holder, asset, quantity),
raised as (update inventory r set version = r.version + h.moves, traded = r.traded + h.trades from unnest($1::uuid[], $2::int[], $24::int[], $25::int[]) as h(holder, ix, moves, trades)
  where h.ix is not null and r.holder = h.holder and ${mayAct('h')}),
written as (insert into ledger (transaction_id, seq, reason, asset, item, item_version, quantity, giver, receiver)
  select tx, seq, reason, asset, item, case when item is not null then version + 1 end, quantity, giver, receiver from p where ${mayAct('p')}),
answered as (insert into command (actor, id, hash, answer, transaction_id)
  select actor, id, hash, answer, ($3::uuid[])[ix] from c where ${mayAct('c')})${passage ? `,
gone as (delete from item r using i
  where r.ctid = i.at and not i.receiver_local and ${mayAct('i')}),
came as (insert into item (id, holder, kind, attributes, version, bound)
  select item, receiver, kind, attributes, version + 1, bound from p
  where ${COMES} and ${mayAct('p')}
  on conflict (id) do update set holder = excluded.holder, kind = excluded.kind, attributes = excluded.attributes, version = excluded.version, bound = excluded.bound
    where not exists (select 1 from inventory v where v.holder = item.holder)
  returning id)` : ''}${experience ? `,
earned as (update player r set xp = r.xp + e.xp,
  gathered = r.gathered + case when ($4::text[])[e.ix] = '${GATHER}' then (select coalesce(sum(p.quantity), 0) from p where p.ix = e.ix and p.asset is not null)::bigint else 0 end, level = 1 + floor(sqrt((r.xp + e.xp) / 100.0))::int
  from unnest($26::int[], $27::int[], $28::bigint[]) as e(ix, player, xp)
  where r.id = ($1::uuid[])[e.player] and ${mayAct('e')}
  returning e.player as at, r.xp, r.level)` : ''}`;

/** What there is of what changed. By what came and went in equal parts is known what there was between two movements. */
const CHANGED = (together: boolean) => `select at, asset, quantity from changed
  union all select array_position($1::uuid[], holder), asset, quantity from made${together ? `
  union all select holder, asset, held from b where got = spent and ix <> last` : ''}`;
const EARNED = `
union all select null, at, null, xp, to_jsonb(level) from earned`;

/** An item that comes may meet the copy of itself that a slot's move has made or not yet removed, whose holder has no row here: that one is nobody's. Any other is held twice. [O] */
const heldTwice = (mayAct: string) => `
union all select ${fail("'held twice: ' || item")}, null, null, 0, null from p
  where ${COMES} and ${mayAct} and (select count(*) from came) < (select count(*) from p where ${COMES} and ${mayAct}) and not exists (select 1 from came where came.id = p.item)`;

/**
 * Moves everything of every movement that nothing speaks against: holdings, versions, ledger, commands, experience, in
 * one set-based statement. It answers why the others do not move, and the balances and profiles that changed; versions
 * and items the caller knows. The caller has locked every local holder, and no holder is in two movements, as no movement knows what
 * another one does. A balance beyond its bounds fails the whole statement: its constraint is the guard, because probing for what
 * nearly never happens would cost every trade. [LD1] [LD3] [LD4]
 */
function choosy(needs: Needs): string {
  const mayAct = (row: string) => `not exists (select 1 from bad where bad.ix = ${row}.ix)`;
  return `with ${INPUT}, ${held({ together: false })}, ${BAD}, ${movesOf(needs, mayAct)}
select ix, null::int as at, code as key, 0::float8 as n, doc from bad
union all select null, at, asset, quantity, null from (${CHANGED(false)}) as changes${needs.experience ? EARNED : ''}${needs.passage ? heldTwice(mayAct('p')) : ''}`;
}

/** The first parameter behind those of every batch, and of a batch with experience. */
const FREE = 26;
const EXPERIENCE = 3;

/**
 * Moves everything, or fails: where anything speaks against any of it, where a command acted before, and where a writer may not write what he
 * wants to (`writerFails`). A holder may be in many movements then, if no item is and what is held at first covers all that is spent, because
 * they end the same in whatever order. What must fail is looked at first. What changed is answered in one row, as a list: to read a row costs more
 * than what is in it. Its last parameters are how many items come, if things come or go, and the writer's. [TP10] [LD7]
 */
function sure(needs: Needs): string {
  const next = FREE + (needs.experience ? EXPERIENCE : 0);
  return `with ${INPUT}, ${held({ together: true })}, ${movesOf(needs, () => 'true')}
select ${fail('w.failure')} as ix, null::int as at, null as key, 0::float8 as n, null::json as doc from (${writerFails(next + (needs.passage ? 1 : 0))}) as w
union all select ${fail(`'sure under the locks, and refused: ' || ${WHY_NOT} || ' ' || item`)}, null, null, 0, null from i where ${NOT_HELD}
union all select ${fail("'sure under the locks, and refused: INSUFFICIENT ' || asset || ' ' || spent")}, null, null, 0, null from b where ${NOT_COVERED}
union all select null, null, null, 0, json_agg(json_build_array(at, asset, quantity)) from (${CHANGED(true)}) as changes${needs.experience ? EARNED.replace('to_jsonb', 'to_json') : ''}${needs.passage ? `
union all select ${fail("'held twice, of so many that came: ' || (select count(*) from came)")}, null, null, 0, null where (select count(*) from came) < $${next}::int` : ''}`;
}

const statement = (name: string, text: string): Statement => ({ name, text });
const HERE: Needs = { passage: false, experience: false };
const PASSAGE: Needs = { passage: true, experience: false };
const ALL: Needs = { passage: true, experience: true };

/** By what is needed: most batches are of things that change hands between holders who are all here, or on two shards. */
export const ACT_HERE = statement('settle-act-here', choosy(HERE));
export const ACT = statement('settle-act', choosy(ALL));
export const ACT_HERE_SURE = statement('settle-act-here-sure', sure(HERE));
export const ACT_PASSAGE_SURE = statement('settle-act-passage-sure', sure(PASSAGE));
export const ACT_SURE = statement('settle-act-sure', sure(ALL));
