import { GATHER, TRADE } from './settle-statements.ts';

/**
 * What one shard says of itself for the audit, in one repeatable-read snapshot. A holder is here if its inventory row is:
 * what a slot's move has copied, or not yet removed, belongs to nobody here and counts for nothing. Each `violations` statement answers the
 * offending keys; each `totals` statement answers what only all shards together can prove.
 */

/** Whether a row of this holder counts here: unless it is a copy that a move has made, or not yet removed. */
const counts = (holder: string) => `(exists (select 1 from inventory v where v.holder = ${holder}) or not exists (select 1 from slot_move m where m.slot = slot_of((${holder})::text)))`;

/** Holdings of each holder are what its ledger rows add up to; every row stands on each of its holders' shards. */
const BALANCES_MATCH_LEDGER = `
  with local as (select holder from inventory),
  folded as (
    select holder, asset, sum(quantity) as quantity from (
      select receiver as holder, asset, quantity from ledger where asset is not null and receiver in (select holder from local)
      union all
      select giver, asset, -quantity from ledger where asset is not null and giver in (select holder from local)) s
    group by 1, 2)
  select coalesce(b.holder, f.holder) || ' ' || coalesce(b.asset, f.asset) || ': held ' || coalesce(b.quantity, 0) || ', ledger ' || coalesce(f.quantity, 0) as violation
  from (select * from balance where ${counts('balance.holder')}) b full join folded f on f.holder = b.holder and f.asset = b.asset
  where coalesce(b.quantity, 0) <> coalesce(f.quantity, 0)`;

const BOUNDS = `
  select holder || ' ' || asset || ': ' || quantity as violation from balance where quantity < 0 or quantity > 9007199254740991
  union all select id || ': version ' || version from item where version < 1
  union all select holder || ': no inventory' from (select holder from item union select holder from balance) h
    where not exists (select 1 from inventory v where v.holder = h.holder) and not exists (select 1 from slot_move m where m.slot = slot_of(h.holder::text))`;

/** A holder's version rose by exactly one per transaction that touched it. */
const DENSE_VERSIONS = `
  with touched as (
    select holder, count(distinct transaction_id) as transactions from (
      select receiver as holder, transaction_id from ledger where receiver is not null
      union all select giver, transaction_id from ledger where giver is not null) s group by 1)
  select v.holder || ': version ' || v.version || ', transactions ' || coalesce(t.transactions, 0) as violation
  from inventory v left join touched t on t.holder = v.holder where v.version <> coalesce(t.transactions, 0)`;

/**
 * Within what this shard saw of an item, versions that follow each other hand over to each other; and who gives it here
 * received it here, one version before.
 */
const HANDED_ON = `
  select item || ': version ' || item_version || ' given by ' || coalesce(giver::text, 'nobody') || ', received before by ' || coalesce(earlier::text, 'nobody') as violation
  from (select item, item_version, giver, lag(receiver) over w as earlier, lag(item_version) over w as previous
    from ledger where item is not null window w as (partition by item order by item_version)) chain
  where (previous = item_version - 1 and earlier is distinct from giver)
    or (previous is distinct from item_version - 1 and exists (select 1 from inventory v where v.holder = chain.giver))`;

/** An item's row is the last posting of its chain here: same holder, same version. */
const HELD_AS_LAST_RECEIVED = `
  select i.id || ': held by ' || i.holder || ' at version ' || i.version || ' without a posting that says so' as violation
  from item i join inventory v on v.holder = i.holder where not exists (
    select 1 from ledger l where l.item = i.id and l.item_version = i.version and l.receiver = i.holder)
  union all
  select l.item || ': version ' || l.item_version || ' was received by ' || l.receiver || ', who does not hold it' as violation
  from (select distinct on (item) item, item_version, receiver from ledger where item is not null order by item, item_version desc) l
  join inventory v on v.holder = l.receiver
  where not exists (select 1 from item i where i.id = l.item and i.holder = l.receiver and i.version = l.item_version)`;

/** The slot is the key's own hash, and this shard, $1, holds that slot. */
const PLACEMENT = `
  select id || ': slot ' || slot as violation from player p
  where slot <> slot_of(id::text) or not exists (select 1 from slot s where s.slot = p.slot and s.shard = $1::int)
  union all select g.id || ': slot ' || g.slot from guild g
  where g.slot <> slot_of(g.id::text) or not exists (select 1 from slot s where s.slot = g.slot and s.shard = $1::int)
  union all select holder || ': holds without being a player or a guild here' from inventory v
    where not exists (select 1 from player p where p.id = v.holder) and not exists (select 1 from guild g where g.id = v.holder)`;

/** A guild has a bank, one leader while it lives and nobody afterwards, and a log without gaps. */
const GUILDS = `
  select g.id || ': no bank' as violation from guild g where not exists (select from inventory v where v.holder = g.id)
  union all select g.id || ': ' || count(m.player) || ' leaders' from guild g left join guild_member m on m.guild = g.id and m.rank = 'leader'
    where g.disbanded_at is null group by g.id having count(m.player) <> 1
  union all select m.guild || ': ' || m.player || ' is in no guild that lives' from guild_member m
    where not exists (select from guild g where g.id = m.guild and g.disbanded_at is null)
  union all select g.id || ': was disbanded with something in its bank' from guild g where g.disbanded_at is not null
    and (exists (select from item i where i.holder = g.id) or exists (select from balance b where b.holder = g.id and b.quantity > 0))
  union all select g.id || ': logged ' || g.logged || ', lines ' || count(l.seq) from guild g left join guild_log l on l.guild = g.id
    group by g.id having count(l.seq) <> g.logged or max(l.seq) is distinct from g.logged`;

/** What boards are fed with is what the ledger says was done. */
const COUNTED = `
  select v.holder || ': ' || v.traded || ' trades counted, in the ledger ' || coalesce(t.trades, 0) as violation from inventory v left join (
    select holder, count(distinct transaction_id) as trades from (
      select receiver as holder, transaction_id from ledger where reason = '${TRADE}'
      union all select giver, transaction_id from ledger where reason = '${TRADE}') l group by 1) t on t.holder = v.holder
    where v.traded <> coalesce(t.trades, 0)
  union all select p.id || ': ' || p.gathered || ' gathered, in the ledger ' || coalesce(g.quantity, 0) from player p left join (
    select receiver, sum(quantity) as quantity from ledger where reason = '${GATHER}' and asset is not null group by 1) g on g.receiver = p.id
    where p.gathered <> coalesce(g.quantity, 0)
  union all select s.player || ' on ' || s.board || ': counted ' || s.counted || ', more than there is' from score s
    join inventory v on v.holder = s.player join player p on p.id = s.player where s.counted > greatest(v.traded, p.gathered, v.version)`;

const NOTHING_OPEN = `
  select gid || ': prepared ' || extract(epoch from clock_timestamp() - prepared)::int || ' s ago' as violation
  from pg_prepared_xacts where database = current_database() and gid like 'strongroom:%' and prepared < clock_timestamp() - interval '5 seconds'`;

export const LOCAL_INVARIANTS = [
  { name: 'C: balances are what the ledger adds up to', sql: BALANCES_MATCH_LEDGER, counted: 'select count(*)::float8 as checked from balance' },
  { name: 'P: each giver of an item is its previous receiver', sql: HANDED_ON, counted: 'select count(*)::float8 as checked from ledger where item is not null' },
  { name: 'P: the holder of an item is its last receiver', sql: HELD_AS_LAST_RECEIVED, counted: 'select count(*)::float8 as checked from item' },
  { name: 'B: quantities and versions are within bounds, and every holder exists', sql: BOUNDS, counted: 'select (select count(*) from balance) + (select count(*) from item)::float8 as checked' },
  { name: 'V: inventory versions are dense', sql: DENSE_VERSIONS, counted: 'select count(*)::float8 as checked from inventory' },
  { name: 'F: every player is on the shard of its slot', sql: PLACEMENT, counted: 'select count(*)::float8 as checked from player', placed: true },
  { name: 'O: every guild has a bank, one leader and a whole log', sql: GUILDS, counted: 'select count(*)::float8 as checked from guild' },
  { name: 'V: what leaderboards are fed with is what the ledger says', sql: COUNTED, counted: 'select (select count(*) from inventory) + (select count(*) from player)::float8 as checked' },
  { name: 'L: no prepared transaction is left open', sql: NOTHING_OPEN, counted: 'select count(*)::float8 as checked from pg_prepared_xacts where database = current_database()' },
] as const;

/** Per asset: held, minted and burned here. A mint stands on its receiver's shard only, a burn on its giver's. */
export const ASSET_TOTALS = `
  select asset, sum(held)::text as held, sum(minted)::text as minted, sum(burned)::text as burned from (
    select asset, quantity as held, 0 as minted, 0 as burned from balance where ${counts('balance.holder')}
    union all select asset, 0, case when giver is null then quantity else 0 end, case when receiver is null then quantity else 0 end
      from ledger where asset is not null and (giver is null or receiver is null) and ${counts('coalesce(giver, receiver)')}) s
  group by asset`;

/**
 * Fingerprints whose exclusive or over all shards is zero when the shards agree: items held, minted and burned
 * (each item is held once, or burned); ledger rows between shards (each stands twice).
 */
export const FINGERPRINTS = `
  with ended as (select item, giver from ledger where item is not null and (giver is null or receiver is null) and ${counts('coalesce(giver, receiver)')})
  select
    (select coalesce(bit_xor(hashtextextended(id::text, 7)), 0)::text from item where ${counts('item.holder')}) as items,
    (select count(*)::float8 from item where ${counts('item.holder')}) as "itemCount",
    (select coalesce(bit_xor(hashtextextended(item::text, 7)), 0)::text from ended) as "mintsAndBurns",
    (select coalesce(sum(case when giver is null then 1 else -1 end), 0)::float8 from ended) as "mintedLessBurned",
    (select coalesce(bit_xor(hashtextextended(concat_ws('|', transaction_id, seq, reason, asset, item, item_version, quantity, giver, receiver), 7)), 0)::text from ledger l
      where giver is not null and receiver is not null
        and (exists (select 1 from inventory v where v.holder = l.giver)) <> (exists (select 1 from inventory v where v.holder = l.receiver))) as crossing,
    (select count(*)::float8 from ledger l where giver is not null and receiver is not null
        and (exists (select 1 from inventory v where v.holder = l.giver)) <> (exists (select 1 from inventory v where v.holder = l.receiver))) as "crossingCount"`;

/** For naming what a fingerprint found. */
export const ITEM_IDS = `select id::text as key from item where ${counts('item.holder')}`;
export const CROSSING_ROWS = `
  select concat_ws(' ', transaction_id, seq, reason, asset, item, item_version, quantity, giver, receiver) as key from ledger l
  where giver is not null and receiver is not null
    and (exists (select 1 from inventory v where v.holder = l.giver)) <> (exists (select 1 from inventory v where v.holder = l.receiver))`;

/** What a guild says of its members and its names, and what their own rows say: equal over all shards. */
export const GUILD_FINGERPRINTS = `
  select
    (select coalesce(bit_xor(hashtextextended(guild || '|' || player, 7)), 0)::text from guild_member) as members,
    (select coalesce(bit_xor(hashtextextended(guild_id || '|' || id, 7)), 0)::text from player where guild_id is not null) as memberships,
    (select count(*)::float8 from guild_member) as "memberCount",
    (select count(*)::float8 from player where guild_id is not null) as "membershipCount",
    (select count(*)::float8 * 2 from guild where disbanded_at is null) as "namesDue",
    (select count(*)::float8 from guild_name) as "nameCount"`;
export const MEMBERS_BY_GUILDS = `select guild || ' ' || player as key from guild_member`;
export const MEMBERS_BY_PLAYERS = `select guild_id || ' ' || id as key from player where guild_id is not null`;

/** The slots that a shard, $1, says it holds. */
export const SLOTS_HELD = `select slot::text as key from slot where shard = $1::int`;

/** Every transaction was somebody's command. */
export const LEDGER_TRANSACTIONS = `select distinct transaction_id::text as key from ledger`;
export const COMMAND_TRANSACTIONS = `select distinct transaction_id::text as key from command where transaction_id is not null`;
