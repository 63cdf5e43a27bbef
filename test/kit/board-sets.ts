import { setTimeout as delay } from 'node:timers/promises';
import { memoryBoardSets, type BoardSets, type SetName, type SetRow } from '../../persistence/board-sets.ts';
import { startEmbeddedRedis } from '../../persistence/embedded/redis.ts';
import { redisBoardSets } from '../../persistence/redis/board-sets.ts';
import { openRedisLane, type RedisLane } from '../../persistence/redis/client.ts';
import { until } from './player.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** Sorted sets as a process sees them, and what happens to where they are kept. */
export interface BoardSetsHost {
  sets: BoardSets;
  /** Everything is lost. */
  flush(): Promise<void>;
  stop(): Promise<void>;
}

/** The top of one set alone. */
export async function topOf(sets: BoardSets, name: SetName, limit: number): Promise<SetRow[] | undefined> {
  return (await sets.tops([{ name, limit }]))[0];
}

export async function memoryBoards(): Promise<BoardSetsHost> {
  const host = { sets: memoryBoardSets(), flush: async () => void (host.sets = memoryBoardSets()), stop: async () => undefined };
  return host;
}

export interface RedisBoards extends BoardSetsHost {
  lane: RedisLane;
  /** Ends the server by SIGKILL and starts it again, with what it last saved to disk. */
  restart(): Promise<void>;
}

export async function redisBoards(): Promise<RedisBoards> {
  const { folder, remove } = temporaryFolder();
  let redis = await startEmbeddedRedis({ dir: folder });
  const port = Number(new URL(redis.url).port);
  const lane = await openRedisLane(redis.url, { setting: 'the test', onFault: () => undefined });
  const sets = redisBoardSets(lane.commands);
  await until(async () => sets.isUp(), 5_000, 'the run is known');
  return {
    sets,
    lane,
    flush: async () => void (await lane.commands.flushall()),
    async restart() {
      await redis.stop('SIGKILL');
      redis = await startEmbeddedRedis({ dir: folder, port });
      await until(async () => sets.isUp(), 5_000, 'the connection is back');
      await delay(0);
    },
    async stop() {
      sets.stop();
      await lane.close();
      await redis.stop();
      remove();
    },
  };
}
