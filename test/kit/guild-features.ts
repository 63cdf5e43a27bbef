import { randomUUID } from 'node:crypto';
import { memoryBus, type Bus, type Storage } from '../../persistence/index.ts';
import { GUILD_RULES, type CatalogFile, type GuildRules } from '../../schema/catalog.ts';
import type { CommandId, GuildId, PlayerId } from '../../schema/ids.ts';
import type { GuildAnswer } from '../../schema/messages/guild.ts';
import { Refusal } from '../../schema/refusals.ts';
import { Catalog } from '../../server/catalog/index.ts';
import { createFeatures, type Features } from '../../server/features.ts';
import type { GuildDeed } from '../../server/guilds/index.ts';
import { Metrics } from '../../server/telemetry/index.ts';
import type { TestCluster } from './cluster.ts';

const asset = (name: string, type: 'fungible' | 'unique') => ({ name, title: name, icon: name, type, bound: false, stack: 100 });
const CATALOG: CatalogFile = { assets: [asset('gold', 'fungible'), asset('ore', 'fungible'), asset('sword', 'unique')], zones: [], guilds: GUILD_RULES, regions: ['eu'], boards: [] };

/** The features of one process, below its sockets. */
export interface GuildProcess {
  features: Features;
  metrics: Metrics;
  bus: Bus;
}

export function startProcess(storage: Storage, { rules = {}, bus = memoryBus() }: { rules?: Partial<GuildRules>; bus?: Bus } = {}): GuildProcess {
  const metrics = new Metrics();
  const catalog = new Catalog({ ...CATALOG, guilds: { ...GUILD_RULES, ...rules } });
  const features = createFeatures({ storage, catalog, metrics, bus, limits: { inventoryCacheMax: 1_000, inventoryCacheTtlMs: 60_000, tradesOpenMax: 64 }, reach: () => undefined });
  return { features, metrics, bus };
}

/** In the session of a player who never had one. */
export const actorOf = (id: PlayerId) => ({ id, epoch: 0 });

export function found({ features }: GuildProcess, founder: PlayerId, name = `G ${randomUUID().slice(0, 8)}`, tag: string = randomUUID().slice(0, 8)): Promise<GuildId> {
  return features.guilds.create(actorOf(founder), { commandId: randomUUID() as CommandId, name, tag }).then(({ guildId }) => guildId);
}

export function act({ features }: GuildProcess, guildId: GuildId, actor: PlayerId, deed: GuildDeed, commandId = randomUUID()): Promise<GuildAnswer> {
  return features.guilds.act(guildId, actorOf(actor), commandId as CommandId, deed);
}

/** `done`, or the code of the refusal. */
export function verdictOf(asked: Promise<unknown>): Promise<string> {
  return asked.then(
    () => 'done',
    (error: unknown) => {
      if (error instanceof Refusal) return error.code;
      throw error;
    },
  );
}

/** Into the guild by raw SQL, as if long ago: what is tested is not how they came. */
export async function enlist(cluster: TestCluster, guildId: GuildId, players: readonly PlayerId[], rank: 'officer' | 'member' = 'member'): Promise<void> {
  await cluster.sql(cluster.placeOf(guildId), 'insert into guild_member (guild, player, rank) select $1, player, $3 from unnest($2::uuid[]) as p(player)', [guildId, players, rank]);
  await Promise.all(cluster.shards.map(({ index }) => cluster.sql(index, 'update player set guild_id = $1 where id = any($2::uuid[])', [guildId, players])));
}

export async function invite(cluster: TestCluster, guildId: GuildId, players: readonly PlayerId[]): Promise<void> {
  await Promise.all(
    cluster.shards.map(({ index }) =>
      cluster.sql(index, `insert into guild_invitation (player, guild, name, tag, inviter) select id, $1, 'x', 'x', $1 from player where id = any($2::uuid[])`, [guildId, players.filter((player) => cluster.placeOf(player) === index)]),
    ),
  );
}
