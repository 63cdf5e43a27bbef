import { OPERATOR_ACTOR } from '../posting.ts';
import type { Statement } from '../shard-transaction.ts';

export const FREEZE: Statement = { name: 'support-freeze', text: 'update inventory set frozen = $2 where holder = $1' };

export const PAUSE: Statement = {
  name: 'support-pause',
  text: 'insert into pause (asset, reason) values ($1, $2) on conflict (asset) do update set reason = excluded.reason',
};
export const RESUME: Statement = { name: 'support-resume', text: 'delete from pause where asset = $1' };
export const PAUSES = 'select asset, round(extract(epoch from since) * 1000)::float8 as since, reason from pause';

/** The same id twice is refused by its key: whoever comes second is told what the first did. */
export const REMEMBER: Statement = { name: 'support-remember', text: 'insert into command (actor, id, hash, answer) values ($1, $2, $3, $4)' };

/** $1: an instant in Unix milliseconds or null, $2: how many. */
export const READ_ENTRIES = `
  select id, floor(extract(epoch from at) * 1000)::float8 as at, answer->>'action' as action, answer->>'target' as target, answer->>'reason' as reason
  from command where actor = '${OPERATOR_ACTOR}' and ($1::float8 is null or floor(extract(epoch from at) * 1000) < $1::float8) order by at desc limit $2`;

/** $1: a pattern in lower case, $2: an id or null, $3: how many. */
export const FIND_PLAYERS = `
  select p.id, p.name, p.region, p.level, p.guild_id as "guildId", v.frozen from player p join inventory v on v.holder = p.id
  where (lower(p.name) like $1 or p.id = $2::uuid) and p.erased_at is null order by lower(p.name) limit $3`;

export const READ_STANDING = `
  select p.id, v.frozen, p.login is not null as "hasLogin", round(extract(epoch from p.created_at) * 1000)::float8 as "createdAt", p.erased_at is not null as erased
  from player p join inventory v on v.holder = p.id where p.id = $1`;

/** By the player's commands, whose key begins with the player: the ledger has no index by holder, which every trade would pay for. */
export const READ_DEEDS = `
  select d."transactionId", coalesce(l.reason, '') as reason, round(extract(epoch from d.at) * 1000)::float8 as at
  from (select transaction_id as "transactionId", max(at) as at from command where actor = $1 and transaction_id is not null group by 1 order by 2 desc limit $2) d
  left join lateral (select reason from ledger where transaction_id = d."transactionId" limit 1) l on true order by d.at desc`;

export const READ_POSTINGS = `
  select seq, reason, round(extract(epoch from at) * 1000)::float8 as at, asset, item, item_version as "itemVersion", quantity::float8 as quantity, giver, receiver
  from ledger where transaction_id = $1`;

export const PRESENT_ITEMS = 'select i.id, i.kind, i.attributes, i.bound, i.holder, i.version from item i join inventory v on v.holder = i.holder where i.id = any($1::uuid[])';

/**
 * What of a transaction is not as it left it, by the shard of whoever received: an item that went on or was bound, and less of an asset
 * than was received. Items of which this shard knows nothing any more are burned or elsewhere.
 */
export const OBSTACLES = `
  with l as (select item, item_version, asset, quantity, receiver from ledger where transaction_id = $1 and giver is not null and receiver is not null
      and exists (select 1 from inventory v where v.holder = receiver))
  select json_build_object('code', case when i.holder is distinct from l.receiver or i.version <> l.item_version then 'NOT_OWNER' else 'ITEM_BOUND' end,
      'item', l.item, 'kind', i.kind, 'holder', i.holder, 'version', i.version) as obstacle
    from l left join item i on i.id = l.item
    where l.item is not null and (i.holder is distinct from l.receiver or i.version is distinct from l.item_version or i.bound)
  union all
  select json_build_object('code', 'INSUFFICIENT', 'asset', s.asset, 'holder', s.receiver, 'held', coalesce(b.quantity, 0), 'needed', s.quantity)
    from (select receiver, asset, sum(quantity) as quantity from l where asset is not null group by 1, 2) s
    left join balance b on b.holder = s.receiver and b.asset = s.asset where coalesce(b.quantity, 0) < s.quantity`;

/** What an erased player is called, where an id is still shown. */
export const ERASED = 'Deleted player';
export const READ_LOGIN: Statement = { name: 'person-login', text: 'select login from player where id = $1 and erased_at is null' };
/** Answers the login that it had. */
export const ERASE: Statement = {
  name: 'person-erase',
  text: `with before as (select login from player where id = $1 and erased_at is null for update),
    player as (update player set name = $2, login = null, erased_at = now() where id = $1 and exists (select from before)),
    account as (update inventory set frozen = true, session_epoch = session_epoch + 1, session_client = null where holder = $1 and exists (select from before))
  select login from before`,
};
export const FORGET_ACCOUNT: Statement = { name: 'person-account', text: 'delete from account where login = $1 and player_id = $2' };
export const FORGET_INVITATIONS: Statement = { name: 'person-invitations', text: 'delete from guild_invitation where player = $1' };
/** What it once renamed itself to. */
export const FORGET_ANSWERS: Statement = { name: 'person-answers', text: `update command set answer = answer - 'name' where actor = $1 and answer ? 'name'` };
/** The logs of all guilds that it was in, or was asked into. */
export const FORGET_LINES: Statement = {
  name: 'person-lines',
  text: `update guild_log set actor_name = case when actor = $1 then $2 else actor_name end, subject_name = case when subject = $1 then $2 else subject_name end
    where (actor = $1 and actor_name <> $2) or (subject = $1 and subject_name <> $2)`,
};

export const READ_PERSON = `
  select p.login, round(extract(epoch from p.created_at) * 1000)::float8 as "createdAt", v.frozen, p.guild_id as "guildId"
  from player p join inventory v on v.holder = p.id where p.id = $1 and p.erased_at is null`;
export const READ_PERSON_SCORES = `
  select board, season, region, value::float8 as value, null::float8 as rank from score where player = $1
  union all select board, season, region, value::float8, rank::float8 from score_result where player = $1 order by board, season`;
/** All of it, by reading all of the shard's ledger: asked for seldom, and an index by holder is paid for by every trade. */
export const READ_PERSON_LEDGER = `
  select transaction_id as "transactionId", seq, reason, round(extract(epoch from at) * 1000)::float8 as at, asset, item, item_version as "itemVersion",
    quantity::float8 as quantity, giver, receiver, null as kind
  from ledger where giver = $1 or receiver = $1 order by at, transaction_id, seq`;
