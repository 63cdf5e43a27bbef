import type { ClientBase } from 'pg';
import type { Shard } from '../shard.ts';

/** Any number, the same in every process: held by a session on the first shard while it moves slots. */
const MOVE_LOCK = 7_203_453;

/** @returns whether this session has it now: nobody else moves slots until the session ends or gives it back */
export async function takeMoveLock(client: ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ taken: boolean }>(`select pg_try_advisory_lock(${MOVE_LOCK}) as taken`);
  return rows[0]?.taken === true;
}

/** Whether some process is moving slots now. A move that nobody is at was interrupted. */
export async function isSomebodyMoving([first]: readonly Shard[]): Promise<boolean> {
  const { rows } = (await first?.pool.query<{ held: boolean }>(
    `select exists (select 1 from pg_locks where locktype = 'advisory' and objsubid = 1 and classid = 0 and objid = ${MOVE_LOCK}
       and database = (select oid from pg_database where datname = current_database())) as held`,
  )) ?? { rows: [] };
  return rows[0]?.held === true;
}
