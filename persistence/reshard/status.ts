import { databaseOf } from '../cluster.ts';
import { parseGid } from '../gid.ts';
import { countInDoubt, IN_DOUBT_AFTER_MS } from '../resolver.ts';
import type { Shard } from '../shard.ts';

export interface ShardStatus {
  shard: number;
  /** Host, port and name; never who opens it. */
  database: string;
  slots: number;
  players: number;
  bytes: number;
  /** Of the whole server that it is on, by whomever. */
  connections: number;
  connectionsMax: number;
  /** Prepared transactions here whose coordinator is gone. */
  inDoubt: number;
  mapVersion: number;
  /** Slots that are being moved from here or to here. */
  moving: number;
  /** Nothing is here and nobody will ask it for a decision: it may be dropped. */
  isEmpty: boolean;
}

const STATUS = `
  select (select count(*)::int from slot where shard = $1::int) as slots, (select count(*)::int from player) as players,
    pg_database_size(current_database())::float8 as bytes,
    (select count(*)::int from pg_stat_activity where backend_type = 'client backend') as connections, current_setting('max_connections')::int as "connectionsMax",
    (select version::float8 from slot_map) as "mapVersion", (select count(*)::int from slot_move) as moving,
    not (exists (select 1 from slot where shard = $1::int) or exists (select 1 from slot_move) or exists (select 1 from player) or exists (select 1 from inventory)
      or exists (select 1 from account) or exists (select 1 from item) or exists (select 1 from balance) or exists (select 1 from ledger) or exists (select 1 from command)
      or exists (select 1 from guild) or exists (select 1 from guild_name) or exists (select 1 from guild_log)) as "isEmpty"`;

/** What an operator looks at before and after moving slots. Reads only. [SH5] */
export async function shardStatus(shards: readonly Shard[]): Promise<ShardStatus[]> {
  const open = new Set((await Promise.all(shards.map(shardsInPrepared))).flat());
  return await Promise.all(
    shards.map(async (shard) => {
      const { rows } = await shard.pool.query<Omit<ShardStatus, 'shard' | 'database' | 'inDoubt'>>(STATUS, [shard.index]);
      const [row] = rows as [(typeof rows)[number]];
      return { shard: shard.index, database: databaseOf(shard.url), ...row, inDoubt: await countInDoubt([shard], IN_DOUBT_AFTER_MS), isEmpty: row.isEmpty && !open.has(shard.index) };
    }),
  );
}

/** Every shard that a prepared transaction is on or is decided on, of whatever age. */
async function shardsInPrepared({ pool }: Shard): Promise<number[]> {
  const { rows } = await pool.query<{ gid: string }>('select gid from pg_prepared_xacts where database = current_database()');
  return rows.flatMap(({ gid }) => {
    const parsed = parseGid(gid);
    return parsed ? [parsed.home, parsed.shard] : [];
  });
}
