import { startEmbeddedRedis } from '../../persistence/embedded/redis.ts';
import { openRedis } from '../../persistence/redis/client.ts';
import { redisSessionStore } from '../../persistence/redis/session-store.ts';
import { memorySessionStore, type SessionStore } from '../../persistence/session-store.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** Sessions as two processes see them, and what happens to where they are kept. */
export interface SessionHost {
  stores: readonly [SessionStore, SessionStore];
  /** Everything is lost. */
  flush(): Promise<void>;
  /** So much time goes by. */
  pass(ms: number): Promise<void>;
  stop(): Promise<void>;
}

export async function memoryHost(): Promise<SessionHost> {
  let now = 1_000_000;
  const open = () => memorySessionStore({ now: () => now });
  const host = {
    stores: [open(), open()] as [SessionStore, SessionStore],
    async flush() {
      const store = open();
      host.stores = [store, store];
    },
    pass: async (ms: number) => void (now += ms),
    stop: async () => undefined,
  };
  await host.flush();
  return host;
}

export type RedisHost = Awaited<ReturnType<typeof redisHost>>;

/** A real Redis with two connections. Time goes by in it as all that is kept comes so much nearer to its end. */
export async function redisHost() {
  const { folder, remove } = temporaryFolder();
  const redis = await startEmbeddedRedis({ dir: folder });
  const links = await Promise.all([0, 1].map(() => openRedis(redis.url, { onFault: () => undefined })));
  const [first, second] = links.map(({ commands }) => commands);
  if (first === undefined || second === undefined) throw new Error('there are two connections');
  return {
    stores: [redisSessionStore(first), redisSessionStore(second)] as const,
    commands: first,
    flush: async () => void (await first.flushall()),
    async pass(ms: number) {
      for (const key of await first.keys('*')) await first.pexpire(key, (await first.pttl(key)) - ms);
    },
    async stop() {
      await Promise.all(links.map((link) => link.close()));
      await redis.stop();
      remove();
    },
  } satisfies SessionHost & Record<string, unknown>;
}
