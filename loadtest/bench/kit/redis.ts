import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openRedis, startEmbeddedRedis, type RedisLink } from '../../../persistence/index.ts';

/** A Redis of its own that keeps nothing, and a process's connections to it. */
export interface BenchRedis {
  url: string;
  link: RedisLink;
  close(): Promise<void>;
}

export async function openBenchRedis(): Promise<BenchRedis> {
  const folder = mkdtempSync(path.join(realpathSync(tmpdir()), 'strongroom-bench-'));
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  process.once('exit', remove);
  const redis = await startEmbeddedRedis({ dir: folder });
  const link = await openRedis(redis.url, { onFault: (error) => console.error(error) });
  return {
    url: redis.url,
    link,
    async close() {
      await link.close();
      await redis.stop();
      process.off('exit', remove);
      remove();
    },
  };
}
