import { Pool, type PoolConfig } from 'pg';
import { PgClient } from '../../../persistence/index.ts';

/** Connections like ours, that stay open until they are closed. One that breaks while it is idle is no event: whoever needs it next is told. */
export function openPool(config: PoolConfig): Pool {
  const pool = new Pool({ Client: PgClient, idleTimeoutMillis: 0, ...config });
  // The server may end a connection that is being closed; without a listener that would end this process.
  pool.on('error', () => undefined);
  return pool;
}
