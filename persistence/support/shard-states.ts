import type { ShardState } from '../../schema/messages/ops.ts';
import type { Shard } from '../shard.ts';

/** Who looks at all shards does not wait for one that hangs. */
const ANSWER_MAX_MS = 1_000;
/** Where there are many players, how many the last analyze counted: counting them reads the table, and somebody looks every few seconds. */
const STATE = `
  select (select count(*)::int from slot where shard = $1::int) as slots,
    (select case when reltuples < 10000 then (select count(*) from player) else reltuples end from pg_class where oid = 'player'::regclass)::float8 as players,
    pg_database_size(current_database())::float8 as bytes,
    (select count(*)::int from pg_stat_activity where backend_type = 'client backend') as connections,
    (select count(*)::int from pg_prepared_xacts where database = current_database() and gid like 'strongroom:%' and prepared < clock_timestamp() - interval '5 seconds') as "inDoubt"`;

export async function shardStates(shards: readonly Shard[]): Promise<ShardState[]> {
  return await Promise.all(
    shards.map(async ({ index, pool }): Promise<ShardState> => {
      const away = { shard: index, up: false, slots: 0, players: 0, bytes: 0, connections: 0, inDoubt: 0 };
      try {
        const query = { text: STATE, values: [index], query_timeout: ANSWER_MAX_MS };
        const { rows } = await pool.query<Omit<ShardState, 'shard' | 'up'>>(query);
        return { ...away, ...rows[0], up: true };
      } catch {
        // It says why to whoever needs it; here it is away.
        return away;
      }
    }),
  );
}
