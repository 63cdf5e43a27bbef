import type { Statement } from './shard-transaction.ts';

/*
 * What a writer asks each shard once it has its locks: the map's version there, whether its own process may still write, and what must not be
 * traded. It is asked behind the locks: a flip that comes later waits for them, and one that came before is seen. So is a fence: whoever took
 * over waits for these locks, or has them. [SH3] [PL1] [OP3]
 */
const VERSION = '(select version from slot_map)';
const isFenced = (lease: string) => `exists (select from fenced where fenced.lease = ${lease})`;
const PAUSED = 'array(select asset::text from pause order by asset)';

export const CONFIRM: Statement = { name: 'confirm-writer', text: `select ${VERSION}::float8 as version, ${isFenced('$1::uuid')} as fenced, ${PAUSED} as paused` };

/** By what the writer of a statement writes, as the parameters of `writerFails`. */
export interface Writer {
  mapVersion: number;
  lease: string | null;
  /** As an array's literal. */
  paused: string;
}

export const MAP_CHANGED = 'the map changed';
export const FENCED = 'the lease was fenced';
export const PAUSES_CHANGED = 'the pauses changed';

/**
 * The same for a statement that fails unless all is as its writer thinks: of a `case`, why it must. Its parameters: the map's version as it must
 * be, the lease, and what is paused, in order.
 */
export const writerFails = (mapVersion: string, lease: string, paused: string) => `when ${VERSION} is distinct from ${mapVersion} then '${MAP_CHANGED}'
    when ${isFenced(lease)} then '${FENCED}'
    when ${PAUSED} is distinct from ${paused} then '${PAUSES_CHANGED}'`;

/** For who sends the commit along and heeds no pause: the map's version as it must be, $1, and the lease, $2. */
export const CONFIRM_OR_FAIL: Statement = {
  name: 'confirm-writer-or-fail',
  text: `select (case when ${VERSION} is distinct from $1::bigint then '${MAP_CHANGED}' when ${isFenced('$2::uuid')} then '${FENCED}' end)::int`,
};
