import type { Statement } from '../shard-transaction.ts';

const LOG_SHOWN = 50;

/** Nothing, where another guild has it. */
export const TAKE_NAME: Statement = { name: 'guild-take-name', text: 'insert into guild_name (key, guild) values ($1, $2) on conflict do nothing returning key' };

export const FOUNDER: Statement = { name: 'guild-founder', text: `select name, guild_id as "guildId" from player where id = $1` };

/** Its bank has no session, and never will: by that it is told from a player. $1 guild, $2 slot, $3 name, $4 tag, $5 founder, $6 the founder's name. */
export const CREATE_GUILD: Statement = {
  name: 'guild-create',
  text: `with g as (insert into guild (id, slot, name, tag, logged) values ($1, $2, $3, $4, 1)),
    bank as (insert into inventory (holder, session_epoch) values ($1, -1)),
    led as (insert into guild_member (guild, player, rank) values ($1, $5, 'leader'))
    insert into guild_log (guild, seq, event, actor, actor_name, details) values ($1, 1, 'create', $5, $6, '{}')`,
};

/** $1 founder, $2 guild, $3 … $6 the command. */
export const JOIN_FOUNDER: Statement = {
  name: 'guild-join-founder',
  text: `with joined as (update player set guild_id = $2 where id = $1)
    insert into command (actor, id, hash, answer) values ($3, $4, $5, $6)`,
};

export const DECLINE: Statement = { name: 'guild-decline', text: 'delete from guild_invitation where player = $1 and guild = $2' };

export const FIND_INVITATIONS: Statement = {
  name: 'guild-invitations',
  text: `select guild as "guildId", name, tag, inviter as "from", floor(extract(epoch from at) * 1000)::float8 as at
    from guild_invitation where player = any($1::uuid[]) and at > now() - interval '7 days' order by at desc, guild`,
};

/** One text, see `membersOf`: to make JSON of a hundred members takes twice as long. */
const MEMBERS = `coalesce((select string_agg(concat_ws(' ', m.player, m.rank, extract(epoch from m.joined_at)::float8 * 1000), ',') from guild_member m where m.guild = g.id), '') as members`;
const GUILD = `g.id, g.name, g.tag, g.motd, g.version::float8 as version, ${MEMBERS}`;
const LINE = `'seq', l.seq, 'at', floor(extract(epoch from l.at) * 1000), 'event', l.event, 'actor', l.actor, 'actorName', l.actor_name, 'subject', l.subject, 'subjectName', l.subject_name, 'details', l.details`;

export const FIND_GUILDS: Statement = { name: 'guild-find', text: `select ${GUILD} from guild g where g.id = any($1::uuid[]) and g.disbanded_at is null` };

export const READ_GUILD_WHOLE: Statement = {
  name: 'guild-whole',
  text: `select ${GUILD},
      json_build_object('version', v.version,
        'fungibles', coalesce((select json_object_agg(b.asset, b.quantity) from balance b where b.holder = g.id and b.quantity > 0), '{}'),
        'items', coalesce((select json_agg(json_build_object('id', i.id, 'kind', i.kind, 'version', i.version, 'bound', i.bound, 'attributes', i.attributes)) from item i where i.holder = g.id), '[]')) as bank,
      coalesce((select json_agg(json_build_object(${LINE}) order by l.seq) from (select * from guild_log where guild = g.id and seq > g.logged - ${LOG_SHOWN} order by seq) l), '[]') as log
    from guild g join inventory v on v.holder = g.id where g.id = any($1::uuid[]) and g.disbanded_at is null`,
};

export const GUILD_VERSIONS: Statement = { name: 'guild-versions', text: 'select id, version::float8 as version from guild where id = any($1::uuid[]) and disbanded_at is null' };

/** $1 guild, $2 before that line, $3 at most so many. */
export const FIND_LOG: Statement = {
  name: 'guild-log',
  text: `select l.seq::float8 as seq, floor(extract(epoch from l.at) * 1000)::float8 as at, l.event, l.actor, l.actor_name as "actorName", l.subject, l.subject_name as "subjectName", l.details
    from guild_log l where l.guild = $1 and l.seq < $2 order by l.seq desc limit $3`,
};

export const FIND_NAMES: Statement = { name: 'player-names', text: 'select id, name from player where id = any($1::uuid[])' };
