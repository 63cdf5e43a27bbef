import type { ProcessSample } from '../../schema/messages/ops.ts';

/** What a process says of itself that does nothing, unless more of it is said. */
export function sampleOf(processId: string, at: number, over: Partial<Omit<ProcessSample, 'totals'>> & { totals?: Partial<ProcessSample['totals']> } = {}): ProcessSample {
  const { totals = {}, ...rest } = over;
  return {
    processId, instance: 0, pid: 1, startedAt: 0, at, clients: 0, sessions: 0, rooms: {}, queue: 0, loopDelayP99Ms: 0, rssBytes: 0, cpu: 0, redisUp: true, inDoubt: 0, boardLagMs: 0, cachedInventories: 0, ...rest,
    totals: { trades: {}, refusals: {}, movements: 0, commits: 0, queueWaitSeconds: 0, commitSeconds: 0, cacheHits: 0, cacheReads: 0, ...totals },
  };
}
