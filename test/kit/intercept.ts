import type { Pool, PoolClient } from 'pg';
import type { Shard } from '../../persistence/shard.ts';

/** Called before a statement of ours goes out; what it waits for, the statement waits for, and what text it answers goes out instead. `pid` is 0 where the pool picks the connection. */
export type Intercept = (statement: { shard: number; text: string; pid: number }) => Promise<string | void>;

/** The shard with a test between it and the server, which can wait, kill or look at every step; the ORM's own SQL passes by. */
export function interceptShard(shard: Shard, intercept: Intercept): Shard {
  const queried = (target: Pool | PoolClient, pid: number) => {
    /** What is sent behind a statement goes out behind it, however long that one is kept. */
    let before: Promise<unknown> = Promise.resolve();
    return async (query: string | { text: string }, values?: unknown[]) => {
      const asked = before.then(() => intercept({ shard: shard.index, text: typeof query === 'string' ? query : query.text, pid }));
      const sent = asked.then((instead) => ({ answer: target.query(instead ?? (query as string), values) }));
      before = sent.catch(() => undefined);
      return await (await sent).answer;
    };
  };
  const wrap = (client: PoolClient) => over(client, { query: queried(client, (client as unknown as { processID: number }).processID), release: (broken: boolean) => client.release(broken) });
  const pool = over(shard.pool, { query: queried(shard.pool, 0), connect: async () => wrap(await shard.pool.connect()) });
  return over(shard, { pool });
}

function over<Target extends object>(target: Target, instead: Record<string, unknown>): Target {
  return new Proxy(target, {
    get(_, key) {
      if (typeof key === 'string' && key in instead) return instead[key];
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
