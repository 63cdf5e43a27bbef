import type { Holdings, Item, PlayerRecord } from '../schema/holdings.ts';
import type { HolderId, ItemId, PlayerId } from '../schema/ids.ts';
import type { Shard } from './shard.ts';
import type { Statement } from './transaction.ts';

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
    from player p join inventory v on v.holder = p.id where p.id = any($1::uuid[])`,
};

const READ_VERSIONS: Statement = {
  name: 'read-versions',
  text: `select holder, version::float8 as version, session_epoch::float8 as epoch from inventory where holder = any($1::uuid[])`,
};

export interface HeldVersion {
  version: number;
  epoch: number;
}

/** Reads of what is held, routed by holder, one query per shard and in parallel. A read path: it cannot write. */
export interface HoldingsReader {
  holdings(holders: readonly HolderId[]): Promise<Map<HolderId, Holdings>>;
  versions(holders: readonly HolderId[]): Promise<Map<HolderId, HeldVersion>>;
  players(ids: readonly PlayerId[]): Promise<Map<PlayerId, PlayerRecord>>;
  items(ids: readonly ItemId[], holder: HolderId): Promise<Item[]>;
}

const READ_ITEMS: Statement = {
  name: 'read-items',
  text: `select id, kind, version, bound, attributes from item where id = any($1::uuid[]) and holder = $2`,
};

export function holdingsReader(shards: readonly Shard[], shardOf: (key: string) => number): HoldingsReader {
  async function byShard<Row>(statement: Statement, ids: readonly string[], ofOne?: Statement): Promise<{ shard: number; rows: Row[] }[]> {
    const groups = Map.groupBy(new Set(ids), shardOf);
    return await Promise.all(
      [...groups].map(async ([shard, group]) => {
        const [query, key] = ofOne !== undefined && group.length === 1 ? [ofOne, group[0]] : [statement, group];
        return { shard, rows: (await poolOf(shard).query({ ...query, values: [key] })).rows as Row[] };
      }),
    );
  }

  function poolOf(index: number) {
    const shard = shards[index];
    if (shard === undefined) throw new RangeError(`no shard ${index}`);
    return shard.pool;
  }

  return {
    async holdings(holders) {
      const found = await byShard<Holdings & { holder: HolderId }>(READ_HOLDINGS, holders, READ_HOLDINGS_OF_ONE);
      return new Map(found.flatMap(({ rows }) => rows.map(({ holder, version, fungibles, items }) => [holder, { version, fungibles, items }])));
    },
    async versions(holders) {
      const found = await byShard<HeldVersion & { holder: HolderId }>(READ_VERSIONS, holders);
      return new Map(found.flatMap(({ rows }) => rows.map(({ holder, version, epoch }) => [holder, { version, epoch }])));
    },
    async players(ids) {
      const found = await byShard<Omit<PlayerRecord, 'shard'>>(READ_PLAYERS, ids);
      return new Map(found.flatMap(({ shard, rows }) => rows.map((row) => [row.id, { ...row, shard }])));
    },
    async items(ids, holder) {
      if (ids.length === 0) return [];
      return (await poolOf(shardOf(holder)).query({ ...READ_ITEMS, values: [ids, holder] })).rows as Item[];
    },
  };
}
