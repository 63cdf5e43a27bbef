import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { faultPoints } from '../../../persistence/index.ts';
import type { GuildId, PlayerId } from '../../../schema/ids.ts';
import { Catalog, loadCatalog } from '../../../server/catalog/index.ts';
import { createFeatures, type Features } from '../../../server/features.ts';
import type { GuildDeed } from '../../../server/guilds/index.ts';
import { Metrics } from '../../../server/telemetry/index.ts';
import { newCommandId } from '../kit/command-id.ts';
import { populateInBulk } from '../kit/bulk-players.ts';
import type { Cluster } from '../kit/economy.ts';
import { timeEach } from '../kit/measure.ts';
import type { More } from '../kit/rate.ts';

const CATALOG = path.resolve(import.meta.dirname, '../../../catalog.yaml');
/** More than the catalogue's file may say: nobody shall be refused for it here. */
const MEMBERS_MAX = 10_000;
/** Each takes a connection to every shard that its name and its founder are on, and who waits long for one is refused. */
const FOUNDED_AT_ONCE = 8;
const ENLIST = `
with enlisted as (insert into guild_member (guild, player, rank) select $1, player, 'member' from unnest($2::uuid[]) as p(player)
  where exists (select from guild where id = $1))
update player set guild_id = $1 where id = any($2::uuid[])`;
const INVITE = `
insert into guild_invitation (player, guild, name, tag, inviter) select p.id, w.guild, 'Bench', 'B', w.guild
from unnest($1::uuid[], $2::uuid[]) as w(player, guild) join player p on p.id = w.player on conflict (player, guild) do update set at = now()`;

export const DEPOSIT: GuildDeed = { type: 'deposit', items: [], fungibles: { gold: 1 } };

/** A guild and who is in it; the first leads. */
export interface Band {
  id: GuildId;
  members: readonly PlayerId[];
}

/** A player beside the guild that the player acts in. */
export interface Seat {
  guild: GuildId;
  player: PlayerId;
}

/** The guilds' feature over some shards, below the socket, with every inventory in its cache, as of players who are online. */
export class Hall {
  readonly cluster: Cluster;
  readonly metrics = new Metrics();
  readonly #features: Features;

  constructor(cluster: Cluster) {
    this.cluster = cluster;
    const { assets, guilds, regions } = loadCatalog(CATALOG);
    this.#features = createFeatures({
      storage: cluster.storage,
      catalog: new Catalog({ assets, zones: [], guilds: { ...guilds, membersMax: MEMBERS_MAX }, regions: [...regions], boards: [] }),
      metrics: this.metrics,
      limits: { inventoryCacheMax: 100_000, inventoryCacheTtlMs: 3_600_000, tradesOpenMax: 1 },
      reach: faultPoints(undefined),
    });
  }

  get guilds(): Features['guilds'] {
    return this.#features.guilds;
  }

  /** Players with gold, spread over the shards, who are in no guild. */
  async players(count: number): Promise<PlayerId[]> {
    const byShard = await populateInBulk(this.cluster, { players: count, itemsEach: 0, assets: ['gold'] });
    const players = Array.from({ length: count }, (_, at) => byShard[at % byShard.length]?.[Math.floor(at / byShard.length)] as PlayerId);
    await Promise.all(players.map((player) => this.#features.inventory.get(player)));
    return players;
  }

  /** The first founds it; the others are in it by SQL, as if long ago. */
  async assemble([leader, ...others]: readonly [PlayerId, ...PlayerId[]]): Promise<GuildId> {
    const name = randomUUID().slice(0, 8);
    const { guildId } = await this.guilds.create({ id: leader, epoch: 0 }, { commandId: newCommandId(), name: `Bench ${name}`, tag: name });
    await this.#everywhere(ENLIST, [guildId, others]);
    return guildId;
  }

  /** Guilds of so many, with gold in their banks. */
  async bands(count: number, size: number): Promise<Band[]> {
    const players = await this.players(count * size);
    const bands: Band[] = [];
    await timeEach(Array.from({ length: count }, (_, at) => at), FOUNDED_AT_ONCE, async (at) => {
      const members = players.slice(at * size, (at + 1) * size) as [PlayerId, ...PlayerId[]];
      const id = await this.assemble(members);
      await this.act({ guild: id, player: members[0] }, DEPOSIT);
      bands[at] = { id, members };
    });
    return bands;
  }

  /** By SQL, all at once. */
  async invite(seats: readonly Seat[]): Promise<void> {
    await this.#everywhere(INVITE, [seats.map(({ player }) => player), seats.map(({ guild }) => guild)]);
  }

  async act({ guild, player }: Seat, deed: GuildDeed): Promise<void> {
    await this.guilds.act(guild, { id: player, epoch: 0 }, newCommandId(), deed);
  }

  /** So many deposits of one gold at any time, shared out evenly among the members. @returns how long each took, in milliseconds */
  async deposits(seats: readonly Seat[], inFlight: number, more: More): Promise<number[]> {
    const tookMs: number[] = [];
    const worker = async (_: unknown, place: number) => {
      const seat = seats[place % seats.length] as Seat;
      while (more()) {
        const began = performance.now();
        await this.act(seat, DEPOSIT);
        tookMs.push(performance.now() - began);
      }
    };
    await Promise.all(Array.from({ length: inFlight }, worker));
    return tookMs;
  }

  /** Dead rows gone, statistics known. */
  async tidy(): Promise<void> {
    await Promise.all(this.cluster.shards.map(({ pool }) => pool.query('vacuum analyze')));
    await this.cluster.shards[0]?.pool.query('checkpoint');
  }

  async #everywhere(text: string, values: unknown[]): Promise<void> {
    await Promise.all(this.cluster.shards.map(({ pool }) => pool.query(text, values)));
  }
}

/** One of each guild after the other, so that any run of them is of as many guilds as there are. */
export function seatsOf(bands: readonly Band[]): Seat[] {
  return bands.flatMap(({ id, members }) => members.map((player) => ({ guild: id, player })));
}
