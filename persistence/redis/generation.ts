import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';

/** Whoever finds none makes one: it says by which contents of Redis the processes go. */
const GENERATION = 'strongroom:generation';

export interface GenerationOptions {
  intervalMs: number;
  /** Puts again what this process had there. A loss that it rejects for is told again at the next look. */
  onLost: () => Promise<void> | void;
  /** Hears of what `onLost` rejected with. */
  onFault: (error: Error) => void;
}

/**
 * Notices that Redis lost what was in it: flushed, or started again without its data. Looks in intervals, and at once when
 * the connection is back. While Redis is away there is nothing to see, and the next look sees it.
 * @throws when Redis is away now: what is put into it before the first look could be lost unseen
 * @see docs/SPEC.md RD8
 */
export async function watchGeneration(redis: Redis, { intervalMs, onLost, onFault }: GenerationOptions): Promise<{ stop(): void }> {
  let known = await generationOf(redis);
  let looking = false;
  let again = false;
  let stopped = false;

  async function look(): Promise<void> {
    const found = await generationOf(redis).catch(() => known);
    if (found === known || stopped) return;
    try {
      await onLost();
      known = found;
    } catch (error) {
      onFault(error as Error);
    }
  }

  /** One look at a time; who comes meanwhile is answered by one more. */
  async function lookAlone(): Promise<void> {
    again = true;
    if (looking) return;
    looking = true;
    while (again && !stopped) {
      again = false;
      await look();
    }
    looking = false;
  }

  const onReady = () => void lookAlone();
  const timer = setInterval(onReady, intervalMs);
  redis.on('ready', onReady);
  return {
    stop() {
      stopped = true;
      clearInterval(timer);
      redis.off('ready', onReady);
    },
  };
}

async function generationOf(redis: Redis): Promise<string> {
  const answers = await redis.multi().set(GENERATION, randomUUID(), 'NX').get(GENERATION).exec();
  const [error, found] = answers?.[1] ?? [new Error('no answer'), null];
  if (error) throw error;
  return found as string;
}
