import { defineEntity, p } from '@mikro-orm/postgresql';
import type { GuildRank } from '../../schema/guild.ts';

/** A guild, on the shard of its id; one that was disbanded keeps its row. */
export const Guild = defineEntity({
  name: 'Guild',
  tableName: 'guild',
  properties: {
    id: p.uuid().primary(),
    slot: p.smallint(),
    name: p.string().length(32),
    tag: p.string().length(8),
    motd: p.string().length(500).default(''),
    /** Rises by one with each commit that changes anything that members see. */
    version: p.bigint('number').default(1),
    /** The number of the log's last line. */
    logged: p.bigint('number').default(0),
    createdAt: p.datetime().defaultRaw('now()'),
    disbandedAt: p.datetime().nullable(),
  },
});

/** Who is in a guild, beside it; the player's own row says the same. */
export const GuildMembership = defineEntity({
  name: 'GuildMembership',
  tableName: 'guild_member',
  properties: {
    guild: p.uuid().primary(),
    player: p.uuid().primary(),
    rank: p.string().$type<GuildRank>().length(7),
    joinedAt: p.datetime().defaultRaw('now()'),
  },
});
