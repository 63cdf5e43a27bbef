import { OPERATOR_ACTOR, SERVICE_ACTOR } from '../posting.ts';

/**
 * The SQL of moving slots. Rows travel as JSON text that this process never parses: numbers beyond 2^53, times to the
 * microsecond and binary hashes arrive as they were. Rows are copied before their holders, and a holder's inventory row
 * last of all: until it is there, the copies belong to nobody (see the audit).
 */

/** The slots of `$1`, as a source sees them: whoever holds there has a row. */
const HOLDERS_HERE = `(select holder from inventory where slot_of(holder::text) = any($1::int[]))`;
const NO_PLAYERS = `('${SERVICE_ACTOR}', '${OPERATOR_ACTOR}')`;

/** The service's commands and the operators' have no holder: their own ids say where they live. */
const HISTORY = {
  ledger: {
    of: `from ledger r where (r.giver in ${HOLDERS_HERE} or r.receiver in ${HOLDERS_HERE})`,
    key: ['transaction_id', 'seq'],
    content: ['reason', 'asset', 'item', 'item_version', 'quantity', 'giver', 'receiver'],
  },
  command: {
    of: `from command r where (r.actor in ${HOLDERS_HERE} or (r.actor in ${NO_PLAYERS} and slot_of(r.id::text) = any($1::int[])))`,
    key: ['actor', 'id'],
    content: ['hash', 'answer', 'transaction_id'],
  },
  guild_log: {
    of: `from guild_log r where r.guild in ${HOLDERS_HERE}`,
    key: ['guild', 'seq'],
    content: ['event', 'actor', 'actor_name', 'subject', 'subject_name', 'details'],
  },
  score_result: {
    of: `from score_result r where r.player in ${HOLDERS_HERE}`,
    key: ['player', 'board', 'season'],
    content: ['region', 'value', 'counted', 'rank', 'region_rank'],
  },
};
const columns = (of: string, names: readonly string[]) => `(${names.map((name) => `${of}.${name}`).join(', ')})`;

/**
 * What is only ever appended to. `after` is what is new since an instant, which a block range index finds; `same` counts how
 * many of the rows that were appended are there and say the same. A posting between the two shards is there already, with
 * that shard's own time.
 */
export const HISTORIES = (['ledger', 'command', 'guild_log', 'score_result'] as const).map((table) => {
  const { of, key, content } = HISTORY[table];
  const given = `json_populate_recordset(null::${table}, $1::json)`;
  return {
    table,
    all: `select r.* ${of} and r.at < $2::timestamptz`,
    after: `select coalesce(json_agg(r), '[]')::text as rows, count(*)::int as count ${of} and r.at >= $2::timestamptz`,
    append: `insert into ${table} select * from ${given} on conflict do nothing`,
    same: `select count(*)::int as count from ${given} r join ${table} h on ${columns('h', key)} = ${columns('r', key)} where ${columns('h', content)} is not distinct from ${columns('r', content)}`,
  };
});

/** Of holders, $1, the ones whose copied ledger does not have a transaction for each version that was copied. */
export const UNDENSE = `
  with touched as (
    select holder, count(distinct transaction_id) as transactions from (
      select receiver as holder, transaction_id from ledger where receiver = any($1::uuid[])
      union all select giver, transaction_id from ledger where giver = any($1::uuid[])) s group by 1)
  select i.holder from incoming i left join touched t on t.holder = i.holder where i.holder = any($1::uuid[]) and i.version <> coalesce(t.transactions, 0)`;

/** Which holders a copy would be out of date of, or is missing for. $1: slots. */
export const VERSIONS_HERE = `select holder, version::text from inventory where slot_of(holder::text) = any($1::int[]) order by holder`;
export const VERSIONS_COMING = `select holder, version::text from incoming where slot = any($1::int[])`;

/** Everything that some holders, $1, hold, with its version, from one snapshot. */
export const READ_HOLDINGS = `select
  (select coalesce(json_agg(json_build_object('holder', v.holder, 'slot', slot_of(v.holder::text), 'version', v.version)), '[]')::text from inventory v where v.holder = any($1::uuid[])) as incoming,
  (select coalesce(json_agg(i), '[]')::text from item i where i.holder = any($1::uuid[])) as items,
  (select coalesce(json_agg(b), '[]')::text from balance b where b.holder = any($1::uuid[])) as balances`;

const NOBODYS = (column: string) => `not exists (select 1 from inventory v where v.holder = ${column})`;

/** Takes the place of what was copied before: nothing of a holder who is here. An item may have been copied for another holder. */
export const FORGET_HOLDINGS = [
  `delete from item where holder = any($1::uuid[]) and ${NOBODYS('item.holder')}`,
  `delete from balance where holder = any($1::uuid[]) and ${NOBODYS('balance.holder')}`,
];
export const WRITE_ITEMS = `insert into item select * from json_populate_recordset(null::item, $1::json) r where ${NOBODYS('r.holder')}
  on conflict (id) do update set holder = excluded.holder, kind = excluded.kind, attributes = excluded.attributes, version = excluded.version, bound = excluded.bound
  where ${NOBODYS('item.holder')}`;
export const WRITE_BALANCES = `insert into balance select * from json_populate_recordset(null::balance, $1::json) r where ${NOBODYS('r.holder')} on conflict do nothing`;
export const WRITE_INCOMING = `insert into incoming select * from json_populate_recordset(null::incoming, $1::json)
  on conflict (holder) do update set version = excluded.version`;

/** One hash per holder, $1, of all that it holds. */
export const HASH_HOLDINGS = `select h.holder,
    (select count(*) || '/' || coalesce(sum(hashtextextended(i::text, 0)), 0) from item i where i.holder = h.holder) || ' ' ||
    (select count(*) || '/' || coalesce(sum(hashtextextended(b::text, 0)), 0) from balance b where b.holder = h.holder) as hash
  from unnest($1::uuid[]) as h(holder) order by h.holder`;

/** The fence: every writer of these slots has ended, and the next one waits. In the order that writers lock in. */
export const FENCE_SLOTS = (lock: number) => `select pg_advisory_xact_lock(${lock}, slot) from (select slot from unnest($1::int[]) as s(slot) order by slot) s`;
export const FENCE_MAP = `select slot from slot where slot = any($1::int[]) and shard = $2 order by slot for update`;
export const FENCE_HOLDERS = `select holder, version::text from inventory where slot_of(holder::text) = any($1::int[]) order by holder for update`;
export const FENCE_PLAYERS = `select id from player where slot = any($1::int[]) order by id for update`;

const GUILDS_HERE = '(select id from guild where slot = any($1::int[]))';

/** What makes the holders be somewhere. $1: slots. What is found by its guild goes before the guild. */
export const PRESENCES = [
  { table: 'inventory', where: 'slot_of(r.holder::text) = any($1::int[])' },
  { table: 'score', where: 'r.player in (select id from player where slot = any($1::int[]))' },
  { table: 'player', where: 'r.slot = any($1::int[])' },
  { table: 'account', where: 'slot_of(r.login) = any($1::int[])' },
  { table: 'guild_member', where: `r.guild in ${GUILDS_HERE}` },
  { table: 'guild_withdrawal', where: `r.guild in ${GUILDS_HERE}` },
  { table: 'guild', where: 'r.slot = any($1::int[])' },
  { table: 'guild_name', where: 'slot_of(r.key) = any($1::int[])' },
  { table: 'guild_invitation', where: 'slot_of(r.player::text) = any($1::int[])' },
].map(({ table, where }) => ({
  table,
  take: `with gone as (delete from ${table} r where ${where} returning r.*) select coalesce(json_agg(gone), '[]')::text as rows, count(*)::int as count from gone`,
  give: `insert into ${table} select * from json_populate_recordset(null::${table}, $1::json)`,
}));

/** A shard that was added after trading was paused holds nothing until slots come, and then it knows. */
export const READ_PAUSES = `select coalesce(json_agg(p), '[]')::text as rows, count(*)::int as count from pause p`;
export const GIVE_PAUSES = 'insert into pause select * from json_populate_recordset(null::pause, $1::json) on conflict do nothing';

/** $1: slots, $2: their shard, $3: the map's version. */
export const FLIP_SLOTS = `update slot set shard = $2, epoch = $3 where slot = any($1::int[]) and epoch < $3`;
export const FLIP_MAP = `update slot_map set version = $1`;

export const REMEMBER_MOVE = `insert into slot_move (slot, source, target) select slot, $2, $3 from unnest($1::int[]) as s(slot) on conflict (slot) do nothing`;
export const FLIP_MOVE = `update slot_move set flipped = true where slot = any($1::int[])`;
export const FORGET_MOVE = `delete from slot_move where slot = any($1::int[])`;
export const FORGET_INCOMING = `delete from incoming where slot = any($1::int[])`;

/** The copies of the map that others keep. $1: slots, $2: their epochs, $3: their shard. */
export const TELL_SLOTS = `update slot s set shard = $3, epoch = t.epoch from unnest($1::int[], $2::bigint[]) as t(slot, epoch) where s.slot = t.slot and s.epoch < t.epoch`;

/** What the source keeps of slots, $1, and of those who held there, $2. */
export const CLEAN = [
  { of: 'holders', text: `delete from item where holder = any($1::uuid[]) and ${NOBODYS('item.holder')}` },
  { of: 'holders', text: `delete from balance where holder = any($1::uuid[]) and ${NOBODYS('balance.holder')}` },
  { of: 'holders', text: `delete from command where actor = any($1::uuid[]) and ${NOBODYS('command.actor')}` },
  { of: 'holders', text: `delete from guild_log where guild = any($1::uuid[]) and ${NOBODYS('guild_log.guild')}` },
  { of: 'holders', text: `delete from score_result where player = any($1::uuid[]) and ${NOBODYS('score_result.player')}` },
  { of: 'slots', text: `delete from command where actor in ${NO_PLAYERS} and slot_of(id::text) = any($1::int[])` },
  { of: 'holders', text: `delete from ledger where (giver = any($1::uuid[]) or receiver = any($1::uuid[])) and ${NOBODYS('ledger.giver')} and ${NOBODYS('ledger.receiver')}` },
] as const;
