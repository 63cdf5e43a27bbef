import type { GuildInvitation, GuildLogEntry, GuildRank } from '../../schema/guild.ts';
import type { Holdings } from '../../schema/holdings.ts';
import type { GuildId, PlayerId } from '../../schema/ids.ts';
import { Refusal } from '../../schema/refusals.ts';
import type { CommandRecord } from '../posting.ts';
import { inGroups } from '../group-read.ts';
import { newId } from '../new-id.ts';
import type { RoutedRead } from '../routed-read.ts';
import type { Transact } from '../routed-transact.ts';
import type { HolderRow } from '../settle-outcomes.ts';
import { LOCK } from '../settle-statements.ts';
import type { Shard } from '../shard.ts';
import { slotOf } from '../slots.ts';
import type { Statement } from '../shard-transaction.ts';
import type { Transaction } from '../transaction.ts';
import { CREATE_GUILD, DECLINE, FIND_GUILDS, FIND_INVITATIONS, FIND_LOG, FIND_NAMES, FOUNDER, GUILD_VERSIONS, JOIN_FOUNDER, READ_GUILD_WHOLE, TAKE_NAME } from './store-statements.ts';

/** Who is in a guild and what it is called, without its bank. */
export interface GuildRecord {
  id: GuildId;
  name: string;
  tag: string;
  motd: string;
  version: number;
  members: { playerId: PlayerId; rank: GuildRank; joinedAt: number }[];
}

/** All that members see, from one snapshot. */
export interface WholeGuild extends GuildRecord {
  bank: Holdings;
  /** The last 50 lines, the newest at the end. */
  log: GuildLogEntry[];
}

export interface Founding {
  founder: PlayerId;
  /** Of the founder's session. */
  epoch: number;
  name: string;
  tag: string;
  /** Answered with the guild's id. */
  command: (guildId: GuildId) => CommandRecord;
}

/** Guilds as PostgreSQL has them. What their actions change goes through `settle`. */
export interface GuildStore {
  /** @throws {Refusal} UNKNOWN_PLAYER, SESSION_REPLACED, GUILD_NAME_TAKEN, ALREADY_IN_GUILD */
  create(founding: Founding): Promise<GuildId>;
  /** Forgets an invitation, if there is one. */
  decline(playerId: PlayerId, guildId: GuildId): Promise<void>;
  invitations(playerId: PlayerId): Promise<GuildInvitation[]>;
  /** Who does not exist, or was disbanded, is absent. One question per shard. */
  find(ids: readonly GuildId[]): Promise<Map<GuildId, GuildRecord>>;
  whole(id: GuildId): Promise<WholeGuild | undefined>;
  versions(ids: readonly GuildId[]): Promise<Map<string, { version: number; epoch: number }>>;
  /** At most `limit` lines before that one, the newest first. */
  log(id: GuildId, before: number, limit: number): Promise<GuildLogEntry[]>;
  /** What players are called; who does not exist is absent. */
  names(players: readonly PlayerId[]): Promise<Map<PlayerId, string>>;
}

/** Under which no two guilds have the same name or tag, whatever the case. */
export function nameKeys({ name, tag }: { name: string; tag: string }): [string, string] {
  const fold = (text: string) => text.normalize('NFKC').toLowerCase();
  return [`name:${fold(name)}`, `tag:${fold(tag)}`];
}

export function guildStore(transact: Transact, read: RoutedRead): GuildStore {
  const rows = async <Row>({ pool }: Shard, { name, text }: Statement, values: unknown[]) => (await pool.query({ name, text, values })).rows as Row[];
  const guilds = async <Guild extends GuildRecord>(shard: Shard, statement: Statement, ids: GuildId[]) =>
    (await rows<Omit<Guild, 'members'> & { members: string }>(shard, statement, [ids])).map((guild): [GuildId, Guild] => [guild.id, { ...guild, members: membersOf(guild.members) } as unknown as Guild]);
  const askGuilds = inGroups<GuildId, GuildRecord>((shard, group) => guilds(shard, FIND_GUILDS, group));
  const askNames = inGroups<PlayerId, string>(async (shard, group) => (await rows<{ id: PlayerId; name: string }>(shard, FIND_NAMES, [group])).map(({ id, name }) => [id, name]));
  return {
    async create(founding) {
      const guildId = newId<GuildId>();
      await transact([founding.founder, guildId, ...nameKeys(founding)], 'guild-create', (transaction) => create(transaction, guildId, founding));
      return guildId;
    },
    async decline(playerId, guildId) {
      await transact([playerId], 'guild-decline', async (transaction) => {
        await transaction.takeSlots([playerId]);
        await transaction.on(transaction.shardOf(playerId)).query(DECLINE, [playerId, guildId]);
      });
    },
    async invitations(playerId) {
      const found = await read([playerId], async (shard, players) => [[playerId, await rows<GuildInvitation>(shard, FIND_INVITATIONS, [players])]]);
      return found.get(playerId) ?? [];
    },
    find: (ids) => read(ids, askGuilds),
    async whole(id) {
      return (await read([id], (shard, group) => guilds<WholeGuild>(shard, READ_GUILD_WHOLE, group))).get(id);
    },
    async versions(ids) {
      return await read<string, { version: number; epoch: number }>(ids, async (shard, group) => (await rows<{ id: string; version: number }>(shard, GUILD_VERSIONS, [group])).map(({ id, version }) => [id, { version, epoch: 0 }]));
    },
    async log(id, before, limit) {
      const found = await read([id], async (shard): Promise<[GuildId, GuildLogEntry[]][]> => [[id, await rows<GuildLogEntry>(shard, FIND_LOG, [id, before, limit])]]);
      return found.get(id) ?? [];
    },
    names: (players) => read(players, askNames),
  };
}

/** As the statements write them: `player rank joinedAt`, with commas between. */
function membersOf(text: string): GuildRecord['members'] {
  if (text === '') return [];
  return text.split(',').map((member) => {
    const [playerId, rank, joinedAt] = member.split(' ');
    return { playerId: playerId as PlayerId, rank: rank as GuildRank, joinedAt: Number(joinedAt) };
  });
}

/** Names first: of two guilds that want one, the later waits here, and then finds it taken. */
async function create(transaction: Transaction, guildId: GuildId, { founder, epoch, name, tag, command }: Founding): Promise<void> {
  const keys = nameKeys({ name, tag });
  await transaction.takeSlots([guildId, ...keys]);
  const home = transaction.on(transaction.shardOf(founder));
  const [[held]] = await Promise.all([home.query<HolderRow>(LOCK, [`{${founder}}`]), transaction.confirm(home)]);
  if (held === undefined) throw new Refusal('UNKNOWN_PLAYER', { playerId: founder });
  if (held.epoch !== epoch) throw new Refusal('SESSION_REPLACED', { playerId: founder });
  // In one order everywhere, so that two who want both never wait for each other.
  const byShard = keys.toSorted((a, b) => transaction.shardOf(a) - transaction.shardOf(b) || (a < b ? -1 : 1));
  for (const key of byShard) {
    const taken = await transaction.on(transaction.shardOf(key)).query(TAKE_NAME, [key, guildId]);
    if (taken.length === 0) throw new Refusal('GUILD_NAME_TAKEN', key === keys[0] ? { name } : { tag });
  }
  const [player] = await home.query<{ name: string; guildId: GuildId | null }>(FOUNDER, [founder]);
  if (player === undefined) throw new Refusal('UNKNOWN_PLAYER', { playerId: founder });
  if (player.guildId !== null) throw new Refusal('ALREADY_IN_GUILD', { guildId: player.guildId });
  const { actor, id, hash, answer } = command(guildId);
  await Promise.all([
    transaction.on(transaction.shardOf(guildId)).query(CREATE_GUILD, [guildId, slotOf(guildId), name, tag, founder, player.name]),
    home.query(JOIN_FOUNDER, [founder, guildId, actor, id, hash, JSON.stringify(answer(new Map()))]),
  ]);
}
