import { QUANTITY_MAX } from '../schema/quantities.ts';
import { batchStatement, type BatchStatement, type Column } from './settle-columns.ts';
import { writerFails } from './writer-check.ts';

/** What a batch needs of the statement that moves it; what it does not need costs nothing. */
export interface Needs {
  /** Items change hands between holders who are here. */
  stays: boolean;
  /** They go elsewhere or out of existence. */
  goes: boolean;
  /** They come from elsewhere or into existence. */
  comes: boolean;
  /** There may be copies of those that come, of a slot's move: an item whose holder has no row here is nobody's. */
  copies: boolean;
  debits: boolean;
  credits: boolean;
  /** Who acts has not seen the holders' rows: they must be as was foreseen, and not frozen. */
  foreseen: boolean;
  experience: boolean;
}

/** Fails the statement, and says why: no number is written like this. What is committed behind it must not be. */
export const fail = (what: string): string => `(${what})::int`;

/** Of a posting's row `r`: that the item is what and whose it was when it was decided. */
const AS_DECIDED = 'r.id = #items[#item[p.r]] and r.holder = #keys[#giver[p.r]] and r.version = #version[p.r]';

/** The holder's row is locked, so whoever had nothing of an asset still has nothing of it. */
const CREDITS = 'unnest(@creditHolder) with ordinality as n(holder, at)';

const CHANGES: Record<keyof Omit<Needs, 'copies' | 'foreseen'>, string | ((needs: Needs) => string)> = {
  stays: `moved as (update item r set holder = #keys[#receiver[p.r]], version = r.version + 1 from unnest(@stays) as p(r)
  where ${AS_DECIDED} and not r.bound returning 1)`,
  goes: `gone as (delete from item r using unnest(@goes) as p(r)
  where ${AS_DECIDED} and (not r.bound or #receiver[p.r] = 0) returning 1)`,
  comes: ({ copies }) => `came as (insert into item (id, holder, kind, attributes, version, bound)
  select #items[#item[p.r]], #keys[#receiver[p.r]], #kinds[p.at::int], #attributes[p.at::int], #version[p.r] + 1, #bounds[p.at::int] from unnest(@comes) with ordinality as p(r, at)${copies ? OVER_COPIES : ''}
  returning 1)`,
  debits: `debited as (update balance r set quantity = r.quantity + #change[n.at::int] from unnest(@debitHolder) with ordinality as n(holder, at)
  where r.holder = #keys[n.holder] and r.asset = #assets[#debitAsset[n.at::int]] and r.quantity >= #spent[n.at::int] and r.quantity <= ${QUANTITY_MAX} - #rise[n.at::int]
  returning n.at, r.quantity)`,
  credits: `credited as (update balance r set quantity = r.quantity + #credit[n.at::int] from ${CREDITS}
  where r.holder = #keys[n.holder] and r.asset = #assets[#creditAsset[n.at::int]] returning n.at, r.quantity),
first as (insert into balance (holder, asset, quantity)
  select #keys[n.holder], #assets[#creditAsset[n.at::int]], #credit[n.at::int] from ${CREDITS} where not exists (select from credited where credited.at = n.at) returning 1)`,
  experience: `earned as (${earning('true')})`,
};

/** What an answered number is. */
export const ANSWERED = { version: 1, debit: 2, credit: 3 } as const;
/** A number of one row, which is called by its place in its column and by what it is. */
const numbers = (what: keyof typeof ANSWERED, value: string) => `at * 4 + ${ANSWERED[what]}, ${value}`;
/** The same, read again: so many of these are in a row. */
export const readPlace = (place: number): { what: number; at: number } => ({ what: place % 4, at: Math.floor(place / 4) - 1 });

/**
 * What must change as often as it is asked for: which changes, the column of those that ask, what is told of each, and what it is if it does not change.
 * Nothing changes more often, because each row is asked for once: so all of it is counted together.
 */
const DUE: Partial<Record<keyof Needs, { changed: readonly string[]; column: Column; told?: string; otherwise?: string }>> = {
  stays: { changed: ['moved'], column: 'stays', otherwise: 'an item is not as it was decided' },
  goes: { changed: ['gone'], column: 'goes', otherwise: 'an item that goes is not as it was decided' },
  copies: { changed: ['came'], column: 'comes', otherwise: 'held twice' },
  debits: { changed: ['debited'], column: 'debitHolder', told: numbers('debit', 'quantity'), otherwise: 'INSUFFICIENT' },
  credits: { changed: ['credited', 'first'], column: 'creditHolder', told: numbers('credit', 'quantity') },
  foreseen: { changed: ['raised'], column: 'trades', told: numbers('version', 'version'), otherwise: 'a holder is not as was foreseen' },
};

/** Raises experience, and says what there is then. @param mayAct of a row `e` */
export function earning(mayAct: string): string {
  return `update player r set xp = r.xp + e.xp, gathered = r.gathered + e.gathered, level = 1 + floor(sqrt((r.xp + e.xp) / 100.0))::int
  from unnest(@earnedIx, @earner, @xp, @gathered) as e(ix, player, xp, gathered)
  where r.id = #keys[e.player] and ${mayAct}
  returning r.id as holder, r.xp, r.level`;
}

export const OVER_COPIES = `
  on conflict (id) do update set holder = excluded.holder, kind = excluded.kind, attributes = excluded.attributes, version = excluded.version, bound = excluded.bound
    where not exists (select 1 from inventory v where v.holder = item.holder)`;

/**
 * Moves everything, or fails: where anything speaks against any of it, where a command acted before, and where a writer may not write what he
 * wants to. A holder may be in many movements then, if no item is and what is held at first covers all that is spent, because
 * they end the same in whatever order. What changed is answered in one row, as a list of places and a list of numbers, because to read a row
 * costs more than what is in it; and the same row fails, because each part of a statement that is looked at for itself has a cost of its own. [TP10] [LD7]
 */
function sure(name: string, needs: Needs): BatchStatement {
  const isNeeded = (part: string) => needs[part as keyof Needs];
  const changes = Object.entries(CHANGES).flatMap(([part, text]) => (isNeeded(part) ? [typeof text === 'string' ? text : text(needs)] : []));
  const due = Object.entries(DUE).flatMap(([part, row]) => (isNeeded(part) ? [row] : []));
  const refused = due.flatMap(({ otherwise }) => otherwise ?? []).join(' or ');
  const numbered = due.flatMap(({ changed, told }) => changed.map((change, at) => `
    union all select ${at === 0 && told !== undefined ? told : '0, 0'} from ${change}`));
  return batchStatement(name, `with
raised as (update inventory r set version = r.version + #moves[h.at::int], traded = r.traded + h.trades from unnest(@trades) with ordinality as h(trades, at)
  where r.holder = #keys[h.at::int]${needs.foreseen ? ' and r.session_epoch = #epochs[h.at::int] and not r.frozen returning h.at, r.version' : ''}),
written as (insert into ledger (transaction_id, seq, reason, asset, item, item_version, quantity, giver, receiver)
  select #transactions[#ix[p.r]], #seq[p.r], #reasons[#reason[#ix[p.r]]], #assets[#asset[p.r]], #items[#item[p.r]], case when #item[p.r] > 0 then #version[p.r] + 1 end, #quantity[p.r], #keys[#giver[p.r]], #keys[#receiver[p.r]]
  from generate_series(1, cardinality(@ix)) as p(r)),
answered as (insert into command (actor, id, hash, answer, transaction_id)
  select #keys[#actor[c.r]], #commandId[c.r], #hashes[#hash[c.r]], #answers[#answer[c.r]], #transactions[#commandIx[c.r]] from generate_series(1, cardinality(@commandIx)) as c(r))${changes.map((change) => `,
${change}`).join('')}
select ${fail(`case ${writerFails('@mapVersion', '@lease', '@paused')}${due.length === 0 ? '' : `
    when count(*) < ${due.map(({ column }) => `cardinality(@${column})`).join(' + ')} then 'sure under the locks, and refused: ${refused}'`} end`)} as ix,
  null::uuid as holder, null as key, 0::float8 as n, json_build_array(array_agg(place), array_agg(number)) as doc
  from (select null::bigint as place, null::bigint as number where false${numbered.join('')}) as changes${needs.experience ? `
union all select null, holder, null, xp, to_json(level) from earned` : ''}`);
}

const statements = new Map<number, BatchStatement>();

/** The statement for these needs, made once. */
export function sureStatement(needs: Needs): BatchStatement {
  let key = 0;
  for (const need in needs) key = key * 2 + Number(needs[need as keyof Needs]);
  const found = statements.get(key) ?? sure(['settle-sure', ...Object.entries(needs).filter(([, isNeeded]) => isNeeded).map(([need]) => need)].join('-'), needs);
  statements.set(key, found);
  return found;
}
