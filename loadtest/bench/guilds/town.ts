import { openEconomy, type Economy } from '../kit/economy.ts';
import { openBenchRedis, type BenchRedis } from '../kit/redis.ts';
import { startFleet, type Fleet } from '../sockets/game-server.ts';

export const SERVERS_MAX = 4;
/** What a process may hold, over all shards of one PostgreSQL. */
const SERVER_CONNECTIONS = 40;
const CONNECTIONS_BESIDE = 100;

/** Several real server processes, on four shards and a Redis of their own. */
export interface Town {
  fleet: Fleet;
  economy: Economy;
  redis: BenchRedis;
  close(): Promise<void>;
}

/** With one process of those that it may have. */
export async function openTown(): Promise<Town> {
  const closes: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const each of closes.toReversed()) await each();
  };
  try {
    const redis = await openBenchRedis();
    closes.push(() => redis.close());
    const economy = await openEconomy(4, 0, { max_connections: String(SERVERS_MAX * SERVER_CONNECTIONS + CONNECTIONS_BESIDE) });
    closes.push(() => economy.close());
    const fleet = await startFleet({ shardUrls: economy.urls, redisUrl: redis.url });
    closes.push(() => fleet.stop());
    return { fleet, economy, redis, close };
  } catch (error) {
    await close();
    throw error;
  }
}
