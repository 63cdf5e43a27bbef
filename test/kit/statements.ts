import type { Shard } from '../../persistence/shard.ts';

/** What was sent since it was last forgotten, in its order. */
export interface Statements {
  /** Their names; of those without one, `''`. */
  sent: string[];
  forget(): void;
}

/** Looks at every statement that goes out on the connections of these shards. @param around sends it, or does something else about it */
export function watchStatements(shards: readonly Shard[], around: (query: unknown, send: () => unknown) => unknown = (_, send) => send()): Statements {
  const statements: Statements = { sent: [], forget: () => (statements.sent = []) };
  for (const { pool } of shards) {
    pool.on('acquire', (client) => {
      if (Object.hasOwn(client, 'query')) return;
      const query = client.query.bind(client) as (...args: unknown[]) => unknown;
      client.query = ((...args: unknown[]) => {
        statements.sent.push((args[0] as { name?: string }).name ?? '');
        return around(args[0], () => query(...args));
      }) as typeof client.query;
    });
  }
  return statements;
}
