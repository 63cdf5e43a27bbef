import type { Writable } from 'node:stream';
import type { PoolClient } from 'pg';

const open = new WeakSet<Writable>();

/**
 * What is sent on a connection in this turn goes to its socket in one write: a transaction sends several statements at once, and each
 * write costs as much as some of them do.
 */
export function inOneWrite(client: PoolClient): void {
  // The driver does the same for the parts of one statement.
  const { stream } = (client as unknown as { connection: { stream: Writable } }).connection;
  if (open.has(stream)) return;
  open.add(stream);
  stream.cork();
  process.nextTick(() => {
    open.delete(stream);
    stream.uncork();
  });
}
