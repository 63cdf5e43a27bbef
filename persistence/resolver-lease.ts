import type { Shard } from './shard.ts';

/** Any number, the same in every process; another than that of the migrations. */
const RESOLVER_LOCK = 7_203_452;
/** The server ends a lease that is silent for so long: its process is stopped, or its machine is gone. */
const SILENCE_MAX_MS = 500;

const TAKE = `select case when pg_try_advisory_lock(${RESOLVER_LOCK}) then set_config('idle_session_timeout', '${SILENCE_MAX_MS}', false) end as lease`;
const GIVE_BACK = `select pg_advisory_unlock(${RESOLVER_LOCK}); reset idle_session_timeout`;

/**
 * Runs the work as the one resolver of a shard, or not at all while another process is.
 *
 * It spares resolvers each other's work and noise, and no more: what it guards is right without it. The lease is an
 * advisory lock of one connection, which the server ends when the process dies, and also when it only stands still, so
 * that a process that was stopped keeps nobody from resolving. Work that outlasts its lease goes on.
 *
 * @returns undefined when another has the lease
 */
export async function withLease<Result>(shard: Shard, work: () => Promise<Result>): Promise<Result | undefined> {
  const client = await shard.pool.connect();
  let intact = false;
  try {
    const { rows } = await client.query<{ lease: string | null }>(TAKE);
    if (typeof rows[0]?.lease !== 'string') {
      intact = true;
      return undefined;
    }
    const result = await work();
    intact = await client.query(GIVE_BACK).then(() => true, () => false);
    return result;
  } finally {
    // A connection that is thrown away takes the lease with it.
    client.release(!intact);
  }
}
