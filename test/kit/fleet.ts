import { startServer, type StartOptions, type TestServer } from './server.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** Several processes of one server: on the same databases and the same Redis, with the same secrets. */
export interface Fleet {
  servers: TestServer[];
  dataDir: string;
  /** One more, or one in place of one that ended. */
  start(options?: StartOptions): Promise<TestServer>;
  stop(): Promise<void>;
}

export interface FleetOptions extends StartOptions {
  processes: number;
  redis: { url: string };
  shards: string;
}

export async function startFleet({ processes, redis, shards, env = {}, ...options }: FleetOptions): Promise<Fleet> {
  const { folder, remove } = temporaryFolder();
  const started: TestServer[] = [];
  const start = async ({ env: own = {}, ...others }: StartOptions = {}): Promise<TestServer> => {
    const server = await startServer({ ...options, ...others, dataDir: folder, env: { SHARD_URLS: shards, REDIS_URL: redis.url, ...env, ...own } });
    started.push(server);
    return server;
  };
  const stop = async () => {
    await Promise.all(started.map((server) => server.stop()));
    remove();
  };
  try {
    // The first makes the secrets and the tables.
    const servers = [await start()];
    servers.push(...(await Promise.all(Array.from({ length: processes - 1 }, () => start()))));
    return { servers, dataDir: folder, start, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
