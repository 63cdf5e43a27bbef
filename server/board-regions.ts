import { openRedisLane, redisBoardSets } from '../persistence/index.ts';
import type { RegionSets } from './leaderboards/index.ts';
import type { Logger } from './telemetry/index.ts';

export interface BoardRegions {
  /** By region; one that is not in it is served by what all processes share. */
  sets: ReadonlyMap<string, RegionSets>;
  close(): Promise<void>;
}

/**
 * The Redis of each region that has its own. One that is away keeps nobody from playing.
 * @throws {RedisError} when one refuses us
 */
export async function openBoardRegions(urls: Readonly<Record<string, string>>, log: Logger): Promise<BoardRegions> {
  const closing: (() => Promise<void>)[] = [];
  const sets = new Map<string, RegionSets>();
  const close = async () => {
    await Promise.all(closing.map((end) => end()));
  };
  try {
    await Promise.all(
      Object.entries(urls).map(async ([region, url]) => {
        const onFault = (error: Error) => log.debug({ err: error, region }, "a region's Redis does not answer");
        const lane = await openRedisLane(url, { setting: `LEADERBOARD_URLS, region "${region}",`, onFault });
        const own = redisBoardSets(lane.commands);
        sets.set(region, own);
        closing.push(async () => {
          own.stop();
          await lane.close();
        });
      }),
    );
  } catch (error) {
    await close();
    throw error;
  }
  return { sets, close };
}
