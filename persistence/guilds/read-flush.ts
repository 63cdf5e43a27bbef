import type { CommandId, GuildId, HolderId, ItemId, PlayerId } from '../../schema/ids.ts';
import { columnsOf, type ArrayElement } from '../array-literal.ts';
import type { ItemContent } from '../posting.ts';
import type { HolderRow } from '../settle-outcomes.ts';
import type { ShardTransaction, Statement } from '../shard-transaction.ts';
import type { Transaction } from '../transaction.ts';
import { READ_GUILD_BALANCES, READ_GUILD_COMMANDS, READ_GUILD_ITEMS, READ_GUILD_MEMBERS, READ_GUILD_PLAYERS, READ_GUILDS, READ_WHOLE_GUILDS } from './flush-statements.ts';
import { PLENTY, type GuildFlush, type GuildMemberRow, type GuildPlayerRow, type GuildRow, type GuildSnapshot } from './flush.ts';

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
 * Reads for flushes what they are decided by: every kind of thing in one statement per shard, and all statements of a shard in one
 * round trip. They may be sent right behind the locks: a connection does one statement after the other, and each sees what the locks
 * waited for.
 */
export class FlushReading {
  readonly #flushes: readonly GuildFlush[];
  readonly #sent = new Map<ShardTransaction, Promise<unknown>>();
  readonly #guilds: ReadonlyMap<GuildId, FoundGuild>;
  readonly #players = new Map<GuildId, Map<PlayerId, PlayerAnswer>>();
  readonly #balances = new Map<string, number>();
  readonly #items = new Map<ItemId, ItemContent & { holder: HolderId; version: number }>();
  readonly #commands = new Map<string, { hash: Buffer; answer: unknown }>();
  #isWhole: boolean;

  /** @param isWhole whether balances and commands that acted before are read too: what the write looks at again */
  constructor(flushes: readonly GuildFlush[], { isWhole }: { isWhole: boolean }) {
    this.#flushes = flushes;
    this.#isWhole = isWhole;
    this.#guilds = new Map(flushes.map(({ guildId }): [GuildId, FoundGuild] => [guildId, { members: new Map(), taken: new Map() }]));
  }

  /** Asks one shard for its part, once. A failure is thrown where the answers are wanted. */
  send(part: ShardTransaction, shardOf: Transaction['shardOf']): void {
    if (this.#sent.has(part)) return;
    const here = (key: string) => shardOf(key) === part.shard.index;
    const flushes = this.#flushes;
    const items = flushes.flatMap(({ wants }) => wants.items).filter(([holder]) => here(holder));
    const asked = Promise.all([
      ...readGuilds(part, flushes.filter(({ guildId }) => here(guildId)), this.#guilds),
      this.#readPlayers(part, here),
      ask<ItemContent & { id: ItemId; holder: HolderId; version: number }>(part, READ_GUILD_ITEMS, items.map(([, id]) => [id]), ({ id, ...item }) => this.#items.set(id, item)),
      ...(this.#isWhole ? this.#readDoubts(part, here) : []),
    ]);
    asked.catch(() => undefined);
    this.#sent.set(part, asked);
  }

  /** Also what was not read because nearly never anything speaks against it. */
  async complete({ parts, shardOf }: Transaction): Promise<void> {
    this.#isWhole = true;
    await Promise.all(parts.flatMap((part) => this.#readDoubts(part, (key) => shardOf(key) === part.shard.index)));
  }

  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** One for each flush, in their order. Where not all was read, there is plenty of everything and nothing acted before. @param locked the holders' rows, as they are under the locks */
  async snapshots({ parts, shardOf, paused }: Transaction, locked: ReadonlyMap<HolderId, HolderRow>): Promise<GuildSnapshot[]> {
    for (const part of parts) this.send(part, shardOf);
    await Promise.all(this.#sent.values());
    return this.#flushes.map(({ guildId }) => ({
      guild: asRow(this.#guilds.get(guildId)),
      players: new Map([...(this.#players.get(guildId) ?? [])].flatMap(([id, player]): [PlayerId, GuildPlayerRow][] => {
        const row = locked.get(id);
        return row === undefined ? [] : [[id, { name: player.name, guildId: player.guildId, isInvited: player.isInvited, epoch: row.epoch, frozen: row.frozen }]];
      })),
      balance: (holder, asset) => (this.#isWhole ? (this.#balances.get(`${holder} ${asset}`) ?? 0) : PLENTY),
      item: (id) => this.#items.get(id),
      paused,
      known: (actor, id) => this.#commands.get(`${actor} ${id}`),
    }));
  }

  #readDoubts(part: ShardTransaction, here: (key: string) => boolean): Promise<void>[] {
    const own = <Row extends readonly [string, ...unknown[]]>(rows: readonly Row[]) => rows.filter(([holder]) => here(holder));
    const wants = this.#flushes.map((flush) => flush.wants);
    return [
      ask<{ holder: HolderId; asset: string; quantity: number }>(part, READ_GUILD_BALANCES, own(wants.flatMap(({ balances }) => balances)), ({ holder, asset, quantity }) => this.#balances.set(`${holder} ${asset}`, quantity)),
      ask<{ actor: PlayerId; id: CommandId; hash: Buffer; answer: unknown }>(part, READ_GUILD_COMMANDS, own(wants.flatMap(({ commands }) => commands)), ({ actor, id, hash, answer }) => this.#commands.set(`${actor} ${id}`, { hash, answer })),
    ];
  }

  async #readPlayers(part: ShardTransaction, here: (key: string) => boolean): Promise<void> {
    const asked = this.#flushes.flatMap(({ guildId, holders, wants }) => holders.flatMap((holder) => (holder !== guildId && here(holder) ? [[holder, guildId, wants.invitations] as const] : [])));
    await ask<PlayerAnswer>(part, READ_GUILD_PLAYERS, asked, (player) => {
      const found = this.#players.get(player.guild) ?? new Map<PlayerId, PlayerAnswer>();
      this.#players.set(player.guild, found.set(player.id, player));
    });
  }
}

function readGuilds(part: ShardTransaction, flushes: readonly GuildFlush[], into: ReadonlyMap<GuildId, FoundGuild>): Promise<void>[] {
  const take = ({ guild, playerId, rank, joinedAt, taken }: MemberAnswer) => {
    const found = into.get(guild);
    found?.members.set(playerId, { playerId, rank, joinedAt });
    if (taken !== null) found?.taken.set(playerId, taken);
  };
  return [
    ask<Omit<GuildRow, 'members' | 'taken'>>(part, READ_GUILDS, flushes.map(({ guildId, wants }) => [guildId, wants.bankSize, wants.memberCount]), (row) => Object.assign(into.get(row.id) ?? {}, { row })),
    ask<MemberAnswer>(part, READ_GUILD_MEMBERS, flushes.flatMap(({ guildId, wants }) => (wants.everyone ? [] : wants.players.map((player) => [guildId, player, wants.taken]))), take),
    ask<MemberAnswer>(part, READ_WHOLE_GUILDS, flushes.flatMap(({ guildId, wants }) => (wants.everyone ? [[guildId, wants.taken]] : [])), take),
  ];
}

function asRow(found: FoundGuild | undefined): GuildRow | undefined {
  return found?.row && { ...found.row, members: [...found.members.values()], taken: found.taken };
}

/** Runs a statement whose parameters are the columns of `rows`, unless there are none. */
async function ask<Row>(part: ShardTransaction, statement: Statement, rows: readonly (readonly ArrayElement[])[], take: (row: Row) => void): Promise<void> {
  if (rows.length === 0) return;
  for (const row of await part.query(statement, columnsOf(rows))) take(row as Row);
}
