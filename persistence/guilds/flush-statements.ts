import type { Statement } from '../shard-transaction.ts';

/** What a flush reads under its locks: one statement of each kind per shard, for all flushes of a round at once; `offset 0` as in settle-statements.ts. */

/** $1 guilds, $2 whether the bank's size matters, $3 whether the number of members does; what does not matter is 0. */
export const READ_GUILDS: Statement = {
  name: 'guild-read',
  text: `select g.id, g.name, g.tag, g.motd, g.version::float8 as version, g.logged::float8 as logged, floor(extract(epoch from now()) * 1000)::float8 as now,
      case when w.members then (select count(*)::int from guild_member m where m.guild = g.id) else 0 end as "memberCount",
      case when w.bank then (select count(*)::int from item i where i.holder = g.id) else 0 end as "bankItems",
      w.bank and not exists (select from item i where i.holder = g.id) and not exists (select from balance b where b.holder = g.id and b.quantity > 0) as "bankIsEmpty"
    from unnest($1::uuid[], $2::bool[], $3::bool[]) as w(id, bank, members) join guild g on g.id = w.id and g.disbanded_at is null`,
};

/**
 * What a member took out today counts, where it matters; of an earlier day it is over. Today is when the locks were had: a transaction that began before
 * midnight may have waited for one that began after it, whose day it must not take back.
 */
const members = (name: string, joinedAt: string, which: string): Statement => ({
  name,
  text: `select m.guild, m.player as "playerId", m.rank, ${joinedAt} as "joinedAt", t.taken
    from ${which} left join lateral (select taken from guild_withdrawal where w.taken and guild = m.guild and player = m.player and day >= (statement_timestamp() at time zone 'utc')::date offset 0) t on true`,
});
/** $1 guilds, $2 players, side by side: those of them who are members, without since when; $3 whether what they took out matters. */
export const READ_GUILD_MEMBERS = members('guild-read-members', '0::float8', 'unnest($1::uuid[], $2::uuid[], $3::bool[]) as w(guild, player, taken) cross join lateral (select * from guild_member where guild = w.guild and player = w.player offset 0) m');
/** $1 guilds: everybody in them; $2 whether what they took out matters. */
export const READ_WHOLE_GUILDS = members('guild-read-everyone', 'extract(epoch from m.joined_at)::float8 * 1000', 'unnest($1::uuid[], $2::bool[]) as w(guild, taken) join guild_member m on m.guild = w.guild');

/** $1 players, $2 for each the guild that acts, $3 whether it matters that it invites them. */
export const READ_GUILD_PLAYERS: Statement = {
  name: 'guild-read-players',
  text: `select w.id, w.guild, p.name, p.guild_id as "guildId", w.invited and exists (select from guild_invitation v where v.player = w.id and v.guild = w.guild and v.at > now() - interval '7 days') as "isInvited"
    from unnest($1::uuid[], $2::uuid[], $3::bool[]) as w(id, guild, invited)
    cross join lateral (select * from player where id = w.id offset 0) p`,
};

/** $1 holders, $2 assets, side by side. */
export const READ_GUILD_BALANCES: Statement = {
  name: 'guild-read-balances',
  text: `select b.holder, b.asset, b.quantity::float8 as quantity from unnest($1::uuid[], $2::text[]) as w(holder, asset)
    cross join lateral (select * from balance where holder = w.holder and asset = w.asset offset 0) b`,
};

/** Beside its holder's row: items that a move has copied or not yet removed are nobody's here. */
export const READ_GUILD_ITEMS: Statement = {
  name: 'guild-read-items',
  text: `select i.id, i.holder, i.version, i.kind, i.attributes, i.bound from unnest($1::uuid[]) as w(id)
    cross join lateral (select * from item where id = w.id offset 0) i where exists (select from inventory v where v.holder = i.holder)`,
};

/** $1 actors, $2 ids. */
export const READ_GUILD_COMMANDS: Statement = {
  name: 'guild-read-commands',
  text: `select c.actor, c.id, c.hash, c.answer from unnest($1::uuid[], $2::uuid[]) as w(actor, id)
    cross join lateral (select * from command where actor = w.actor and id = w.id offset 0) c`,
};

/** Members that go: $1 guild, $2 player. Leaders who step down: $3, $4; before the next is written, because one guild has one leader. */
export const REMOVE_MEMBERS: Statement = {
  name: 'guild-remove-members',
  text: `with gone as (delete from guild_member m using unnest($1::uuid[], $2::uuid[]) as r(guild, player) where m.guild = r.guild and m.player = r.player)
    update guild_member m set rank = 'officer' from unnest($3::uuid[], $4::uuid[]) as r(guild, player) where m.guild = r.guild and m.player = r.player and m.rank = 'leader'`,
};

/**
 * The changes of guilds, on their own shards. $1 guilds, $2 how many lines are logged, $3 messages of the day, $4 whether
 * disbanded. Members that come or change: $5 guild, $6 player, $7 rank. Withdrawals of the day: $8 guild, $9 player, $10 taken.
 * Lines: $11 guild, $12 number, $13 event, $14 actor, $15 name, $16 subject, $17 name, $18 which of the details in $19.
 */
export const WRITE_GUILDS: Statement = {
  name: 'guild-write',
  text: `with g as (select * from unnest($1::uuid[], $2::int[], $3::text[], $4::bool[]) as g(id, lines, motd, disbanded)),
came as (insert into guild_member (guild, player, rank) select * from unnest($5::uuid[], $6::uuid[], $7::text[]) as m(guild, player, rank)
  on conflict (guild, player) do update set rank = excluded.rank),
counted as (insert into guild_withdrawal (guild, player, day, taken)
  select guild, player, (statement_timestamp() at time zone 'utc')::date, taken::jsonb from unnest($8::uuid[], $9::uuid[], $10::text[]) as w(guild, player, taken)
  where guild not in (select id from g where disbanded)
  on conflict (guild, player) do update set day = greatest(guild_withdrawal.day, excluded.day), taken = excluded.taken),
forgotten as (delete from guild_withdrawal w using g where g.disbanded and w.guild = g.id),
logged as (insert into guild_log (guild, seq, event, actor, actor_name, subject, subject_name, details)
  select guild, seq, event, actor, actor_name, subject, subject_name, ($19::jsonb[])[details]
  from unnest($11::uuid[], $12::bigint[], $13::text[], $14::uuid[], $15::text[], $16::uuid[], $17::text[], $18::int[]) as l(guild, seq, event, actor, actor_name, subject, subject_name, details))
update guild r set version = r.version + 1, logged = r.logged + g.lines, motd = g.motd, disbanded_at = case when g.disbanded then now() end from g where r.id = g.id`,
};

/**
 * The same for guilds of which nothing changes but the log, and of which only what was foreseen is known: fails unless they are so. $1 guilds, $2 how many
 * lines are logged, $3 versions, $4 numbers of the last lines. Lines: $5 guild, $6 number, $7 event, $8 actor, $9 name, $10 which of the details in $11.
 */
export const WRITE_FORESEEN_GUILDS: Statement = {
  name: 'guild-write-foreseen',
  text: `with logged as (insert into guild_log (guild, seq, event, actor, actor_name, details)
  select guild, seq, event, actor, actor_name, ($11::jsonb[])[details] from unnest($5::uuid[], $6::bigint[], $7::text[], $8::uuid[], $9::text[], $10::int[]) as l(guild, seq, event, actor, actor_name, details)),
counted as (update guild r set version = r.version + 1, logged = r.logged + g.lines from unnest($1::uuid[], $2::int[], $3::bigint[], $4::bigint[]) as g(id, lines, version, logged)
  where r.id = g.id and r.version = g.version and r.logged = g.logged and r.disbanded_at is null returning 1)
select (case when count(*) < cardinality($1::uuid[]) then 'a guild is not as was foreseen' end)::int as no, floor(extract(epoch from now()) * 1000)::float8 as now from counted`,
};

/** Players' one membership. $1 players, $2 their guild from now on, or null. */
export const WRITE_MEMBERSHIPS: Statement = {
  name: 'guild-write-memberships',
  text: `update player p set guild_id = w.guild from unnest($1::uuid[], $2::uuid[]) as w(id, guild) where p.id = w.id`,
};

/** $1 players, $2 guilds, $3 names, $4 tags, $5 inviters; the oldest beyond the bound, $6, go. */
export const WRITE_INVITATIONS: Statement = {
  name: 'guild-write-invitations',
  text: `with made as (insert into guild_invitation (player, guild, name, tag, inviter) select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::uuid[])
      on conflict (player, guild) do update set inviter = excluded.inviter, at = now())
    delete from guild_invitation v where player = any($1::uuid[]) and (v.player, v.guild) in (
      select player, guild from (select player, guild, row_number() over (partition by player order by at desc, guild) as place from guild_invitation where player = any($1::uuid[])) o where place >= $6::int)
      and (v.player, v.guild) not in (select * from unnest($1::uuid[], $2::uuid[]))`,
};

export const FORGET_INVITATIONS: Statement = {
  name: 'guild-forget-invitations',
  text: `delete from guild_invitation v using unnest($1::uuid[], $2::uuid[]) as r(player, guild) where v.player = r.player and v.guild = r.guild`,
};

export const FORGET_NAMES: Statement = { name: 'guild-forget-names', text: `delete from guild_name where key = any($1::text[]) and guild = $2` };

/** Commands of what moves no value: they have no transaction in the ledger. */
export const WRITE_PLAIN_COMMANDS: Statement = {
  name: 'guild-write-commands',
  text: `insert into command (actor, id, hash, answer) select actor, id, decode(hash, 'hex'), answer::jsonb from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) as c(actor, id, hash, answer)`,
};
