import type { Holdings, Item, PlayerRecord } from '../schema/holdings.ts';
import type { ClientId, GuildId, HolderId, ItemId, PlayerId } from '../schema/ids.ts';
import { inGroups } from './group-read.ts';
import type { RoutedRead } from './routed-read.ts';
import type { Shard } from './shard.ts';
import type { Statement } from './shard-transaction.ts';

const ITEM_JSON = `json_build_object('id', i.id, 'kind', i.kind, 'version', i.version, 'bound', i.bound, 'attributes', i.attributes)`;

/** Everything of holders in one query: a version and the holdings of that version, from one snapshot. */
const readHoldings = (name: string, which: string): Statement => ({
  name,
  text: `select v.holder, v.version::float8 as version, v.session_epoch::float8 as epoch,
      coalesce((select json_object_agg(b.asset, b.quantity) from balance b where b.holder = v.holder and b.quantity > 0), '{}') as fungibles,
      coalesce((select json_agg(${ITEM_JSON}) from item i where i.holder = v.holder), '[]') as items
    from inventory v where v.holder ${which}`,
});
const READ_HOLDINGS = readHoldings('read-holdings', '= any($1::uuid[])');
/** For a lone holder, as most cold loads are: a plan for one key, and no array to open. */
const READ_HOLDINGS_OF_ONE = readHoldings('read-holdings-of-one', '= $1');

const READ_PLAYERS: Statement = {
  name: 'read-players',
  text: `select p.id, p.slot, p.name, p.region, p.level, p.xp::float8 as xp, p.guild_id as "guildId", v.version::float8 as "inventoryVersion",
      coalesce((select json_object_agg(b.asset, b.quantity) from balance b where b.holder = p.id and b.quantity > 0), '{}') as fungibles,
      coalesce((select json_agg(${ITEM_JSON} order by i.id) from item i where i.holder = p.id), '[]') as items
    from player p join inventory v on v.holder = p.id where p.id = any($1::uuid[]) and p.erased_at is null`,
};

const READ_VERSIONS: Statement = {
  name: 'read-versions',
  text: `select v.holder, v.version::float8 as version, v.session_epoch::float8 as epoch, v.session_client as client, p.name, p.level, p.xp::float8 as xp, p.guild_id as "guildId"
    from inventory v left join player p on p.id = v.holder and p.erased_at is null where v.holder = any($1::uuid[])`,
};

export interface HeldVersion {
  version: number;
  epoch: number;
  /** Which client took the session of that epoch, if it said so. */
  client?: ClientId;
  /** Absent for a holder that is no player, or no longer one. */
  profile?: Profile;
}

export interface Profile {
  name: string;
  level: number;
  xp: number;
  guildId: GuildId | null;
}

/** Reads of what is held, routed by holder, one query per shard and in parallel. A read path: it cannot write. */
export interface HoldingsReader {
  holdings(holders: readonly HolderId[]): Promise<Map<HolderId, Holdings>>;
  versions(holders: readonly HolderId[]): Promise<Map<HolderId, HeldVersion>>;
  players(ids: readonly PlayerId[]): Promise<Map<PlayerId, PlayerRecord>>;
  items(ids: readonly ItemId[], holder: HolderId): Promise<Item[]>;
}

/** Beside its holder's row: items that a move has copied or not yet removed are nobody's here. */
const READ_ITEMS: Statement = {
  name: 'read-items',
  text: `select v.holder, coalesce(json_agg(${ITEM_JSON}) filter (where i.id is not null), '[]') as items
    from inventory v left join item i on i.holder = v.holder and i.id = any($1::uuid[]) where v.holder = $2 group by 1`,
};

export function holdingsReader(read: RoutedRead): HoldingsReader {
  const query = async <Row>({ pool }: Shard, statement: Statement, values: unknown[]) => (await pool.query({ ...statement, values })).rows as Row[];
  const askHoldings = inGroups<HolderId, Holdings>(async (shard, group) => {
    const [statement, key] = group.length === 1 ? [READ_HOLDINGS_OF_ONE, group[0]] : [READ_HOLDINGS, group];
    const rows = await query<Holdings & { holder: HolderId }>(shard, statement, [key]);
    return rows.map(({ holder, version, fungibles, items }) => [holder, { version, fungibles, items }]);
  });
  const askPlayers = inGroups<PlayerId, PlayerRecord>(async (shard, group) => {
    const rows = await query<Omit<PlayerRecord, 'shard'>>(shard, READ_PLAYERS, [group]);
    return rows.map((row) => [row.id, { ...row, shard: shard.index }]);
  });
  return {
    holdings: (holders) => read(holders, askHoldings),
    async versions(holders) {
      return await read(holders, async (shard, group) => {
        const rows = await query<Omit<HeldVersion, 'client'> & { [Key in keyof Profile]: Profile[Key] | null } & { holder: HolderId; client: ClientId | null }>(shard, READ_VERSIONS, [group]);
        return rows.map(({ holder, version, epoch, client, name, level, xp, guildId }) => [holder, { version, epoch, ...(client !== null && { client }), ...(name !== null && { profile: { name, level, xp, guildId } as Profile }) }]);
      });
    },
    players: (ids) => read(ids, askPlayers),
    async items(ids, holder) {
      if (ids.length === 0) return [];
      const found = await read([holder], async (shard) => {
        const rows = await query<{ holder: HolderId; items: Item[] }>(shard, READ_ITEMS, [ids, holder]);
        return rows.map((row) => [row.holder, row.items]);
      });
      return found.get(holder) ?? [];
    },
  };
}
