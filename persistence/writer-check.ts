import type { Statement } from './shard-transaction.ts';

/**
 * What a writer asks each shard once it has its locks: the map's version there, whether its own process may still write, and what must not be
 * traded. It is asked behind the locks: a flip that comes later waits for them, and one that came before is seen. So is a fence: whoever took
 * over waits for these locks, or has them. [SH3] [PL1] [OP3]
 */
const question = (lease: string) => `select (select version from slot_map) as version, exists (select from fenced where fenced.lease = ${lease}) as fenced,
  (select array_agg(asset::text order by asset) from pause) as paused`;

export const CONFIRM: Statement = { name: 'confirm-writer', text: `select version::float8 as version, fenced, paused from (${question('$1::uuid')}) as w` };

/** By what the writer of a statement writes, as the parameters of `writerFails`. */
export interface Writer {
  mapVersion: number;
  lease: string | null;
  paused: string | null;
}

export const MAP_CHANGED = 'the map changed';
export const FENCED = 'the lease was fenced';
export const PAUSES_CHANGED = 'the pauses changed';

/**
 * The same for a statement that fails unless all is as its writer thinks: one row, `failure`, if it is not. Its parameters: the map's
 * version as it must be, the lease, and what is paused, in order, or null.
 */
export const writerFails = (mapVersion: string, lease: string, paused: string) => `select case when version is distinct from ${mapVersion} then '${MAP_CHANGED}: ' || coalesce(version, 0)
    when fenced then '${FENCED}: ' || version else '${PAUSES_CHANGED}: ' || version end as failure
  from (${question(lease)} offset 0) as asked
  where version is distinct from ${mapVersion} or fenced or paused is distinct from ${paused}`;

/** For who sends the commit along and heeds no pause: the map's version as it must be, $1, and the lease, $2. */
export const CONFIRM_OR_FAIL: Statement = {
  name: 'confirm-writer-or-fail',
  text: `select case when version is distinct from $1::bigint then ('${MAP_CHANGED}: ' || coalesce(version, 0))::int when fenced then ('${FENCED}: ' || version)::int end from (${question('$2::uuid')}) as asked`,
};
