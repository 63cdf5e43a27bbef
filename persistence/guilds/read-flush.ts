import type { CommandId, GuildId, HolderId, ItemId, PlayerId } from '../../schema/ids.ts';
import { columnsOf, type ArrayElement } from '../array-literal.ts';
import type { ItemContent } from '../posting.ts';
import type { HolderRow } from '../settle-outcomes.ts';
import type { ShardTransaction, Statement, Transaction } from '../transaction.ts';
import { READ_GUILD_BALANCES, READ_GUILD_COMMANDS, READ_GUILD_ITEMS, READ_GUILD_MEMBERS, READ_GUILD_PLAYERS, READ_GUILDS, READ_WHOLE_GUILDS } from './flush-statements.ts';
import type { GuildFlush, GuildMemberRow, GuildPlayerRow, GuildRow, GuildSnapshot } from './flush.ts';

/** The guild's own row, and who of its members was asked for. */
interface FoundGuild {
  row?: Omit<GuildRow, 'members' | 'taken'>;
  members: Map<PlayerId, GuildMemberRow>;
  taken: Map<PlayerId, Readonly<Record<string, number>>>;
}

type MemberAnswer = GuildMemberRow & { guild: GuildId; taken: Record<string, number> | null };

interface PlayerAnswer extends Omit<GuildPlayerRow, 'epoch' | 'frozen'> {
  id: PlayerId;
  guild: GuildId;
  [column: string]: unknown;
}

/**
 * Reads for flushes, under their locks, what they are decided by: every kind of thing in one statement per shard, and all
 * statements of a shard in one round trip.
 */
export async function readFlushes(transaction: Transaction, flushes: readonly GuildFlush[], locked: ReadonlyMap<HolderId, HolderRow>): Promise<GuildSnapshot[]> {
  const guilds = new Map(flushes.map(({ guildId }): [GuildId, FoundGuild] => [guildId, { members: new Map(), taken: new Map() }]));
  const players = new Map<GuildId, Map<PlayerId, GuildPlayerRow>>();
  const balances = new Map<string, number>();
  const items = new Map<ItemId, ItemContent & { holder: HolderId; version: number }>();
  const commands = new Map<string, { hash: Buffer; answer: unknown }>();
  await Promise.all(
    transaction.parts.map(async (part) => {
      const here = (key: string) => transaction.shardOf(key) === part.shard.index;
      await Promise.all([
        ...readGuilds(part, flushes.filter(({ guildId }) => here(guildId)), guilds),
        readPlayers(part, flushes, here, locked, players),
        ask<{ holder: HolderId; asset: string; quantity: number }>(part, READ_GUILD_BALANCES, flushes.flatMap(({ wants }) => wants.balances).filter(([holder]) => here(holder)), ({ holder, asset, quantity }) =>
          balances.set(`${holder} ${asset}`, quantity),
        ),
        ask<ItemContent & { id: ItemId; holder: HolderId; version: number }>(part, READ_GUILD_ITEMS, flushes.flatMap(({ wants }) => wants.items).filter(([holder]) => here(holder)).map(([, id]) => [id]), ({ id, ...item }) => items.set(id, item)),
        ask<{ actor: PlayerId; id: CommandId; hash: Buffer; answer: unknown }>(part, READ_GUILD_COMMANDS, flushes.flatMap(({ wants }) => wants.commands).filter(([actor]) => here(actor)), ({ actor, id, hash, answer }) =>
          commands.set(`${actor} ${id}`, { hash, answer }),
        ),
      ]);
    }),
  );
  return flushes.map(({ guildId }) => ({
    guild: asRow(guilds.get(guildId)),
    players: players.get(guildId) ?? new Map(),
    balance: (holder, asset) => balances.get(`${holder} ${asset}`) ?? 0,
    item: (id) => items.get(id),
    paused: transaction.paused,
    known: (actor, id) => commands.get(`${actor} ${id}`),
  }));
}

function readGuilds(part: ShardTransaction, flushes: readonly GuildFlush[], into: ReadonlyMap<GuildId, FoundGuild>): Promise<void>[] {
  const take = ({ guild, playerId, rank, joinedAt, taken }: MemberAnswer) => {
    const found = into.get(guild);
    found?.members.set(playerId, { playerId, rank, joinedAt });
    if (taken !== null) found?.taken.set(playerId, taken);
  };
  return [
    ask<Omit<GuildRow, 'members' | 'taken'>>(part, READ_GUILDS, flushes.map(({ guildId, wants }) => [guildId, wants.bankSize]), (row) => Object.assign(into.get(row.id) ?? {}, { row })),
    ask<MemberAnswer>(part, READ_GUILD_MEMBERS, flushes.flatMap(({ guildId, wants }) => (wants.everyone ? [] : wants.players.map((player) => [guildId, player]))), take),
    ask<MemberAnswer>(part, READ_WHOLE_GUILDS, flushes.flatMap(({ guildId, wants }) => (wants.everyone ? [[guildId]] : [])), take),
  ];
}

function asRow(found: FoundGuild | undefined): GuildRow | undefined {
  return found?.row && { ...found.row, members: [...found.members.values()], taken: found.taken };
}

async function readPlayers(
  part: ShardTransaction,
  flushes: readonly GuildFlush[],
  here: (key: string) => boolean,
  locked: ReadonlyMap<HolderId, HolderRow>,
  into: Map<GuildId, Map<PlayerId, GuildPlayerRow>>,
): Promise<void> {
  const asked = flushes.flatMap(({ guildId, holders }) => holders.flatMap((holder) => (holder !== guildId && here(holder) ? [[holder, guildId] as const] : [])));
  await ask<PlayerAnswer>(part, READ_GUILD_PLAYERS, asked, ({ id, guild, ...player }) => {
    const row = locked.get(id);
    if (row === undefined) return;
    const found = into.get(guild) ?? new Map<PlayerId, GuildPlayerRow>();
    into.set(guild, found.set(id, { ...player, epoch: row.epoch, frozen: row.frozen }));
  });
}

/** Runs a statement whose parameters are the columns of `rows`, unless there are none. */
async function ask<Row>(part: ShardTransaction, statement: Statement, rows: readonly (readonly ArrayElement[])[], take: (row: Row) => void): Promise<void> {
  if (rows.length === 0) return;
  for (const row of await part.query(statement, columnsOf(rows))) take(row as Row);
}
