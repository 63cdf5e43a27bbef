import { PerformanceObserver } from 'node:perf_hooks';
import type { Session } from '../../../persistence/index.ts';
import type { PlayerId } from '../../../schema/ids.ts';
import { invariant } from '../../../schema/invariant.ts';
import { SessionPool, type PooledSession } from '../../../server/sessions/index.ts';
import type { Churn } from './churn.ts';

/**
 * A process of its own per contender, so that neither the other's objects nor its shapes are in its way: so many sessions
 * are live, and at each turn one ends and another begins in its place.
 */
const LIVE = 10_000;
const TURNS = 100_000;
const REPEATS = 20;
const WARM_UPS = 5;
/** Few enough that no collection comes in between; coprime to the number of those that are live. */
const SAMPLED_TURNS = 5_000;
const STRIDE = 7_919;
const BORN_AT = 1_790_000_000_000;

const players = Array.from({ length: LIVE }, (_, at) => `player-${at}` as PlayerId);
const rooms = Array.from({ length: LIVE }, (_, at) => `room-${at}`);
const processId = 'Qm3xTz81K';

interface Contender {
  turns(count: number): void;
  check(): void;
}

/** New objects, as anybody would write them. */
function fresh(): Contender {
  const live: Session[] = [];
  const take = (at: number, epoch: number): Session => ({ playerId: players[at] as PlayerId, epoch, processId, roomId: rooms[at] as string, takenAt: BORN_AT + epoch });
  for (let at = 0; at < LIVE; at++) live.push(take(at, 1));
  return {
    turns(count) {
      for (let turn = 1, at = 0; turn <= count; turn++, at = (at + STRIDE) % LIVE) live[at] = take(at, turn);
    },
    check: () => invariant(live.every(({ takenAt, epoch }) => takenAt === BORN_AT + epoch), 'every session is as it was taken'),
  };
}

function pooled(): Contender {
  const pool = new SessionPool({ sparesMax: LIVE });
  const live: PooledSession[] = [];
  const generations: number[] = [];
  const take = (at: number, epoch: number): void => {
    const session = pool.acquire();
    session.playerId = players[at] as PlayerId;
    session.epoch = epoch;
    session.processId = processId;
    session.roomId = rooms[at] as string;
    session.takenAt = BORN_AT + epoch;
    live[at] = session;
    generations[at] = session.generation;
  };
  for (let at = 0; at < LIVE; at++) take(at, 1);
  return {
    turns(count) {
      for (let turn = 1, at = 0; turn <= count; turn++, at = (at + STRIDE) % LIVE) {
        pool.release(live[at] as PooledSession, generations[at] as number);
        take(at, turn);
      }
    },
    check: () => invariant(live.every((session, at) => pool.held(session, generations[at] as number).takenAt === BORN_AT + session.epoch), 'every session is as it was taken'),
  };
}

const contender = process.argv[2] === 'ours' ? pooled() : fresh();
let gcMs = 0;
const observer = new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) gcMs += duration;
});
for (let round = 0; round < WARM_UPS; round++) contender.turns(TURNS);
contender.check();
observer.observe({ entryTypes: ['gc'] });
const began = performance.now();
for (let round = 0; round < REPEATS; round++) contender.turns(TURNS);
const ms = performance.now() - began;
// What was collected is told in a later turn of the event loop.
await new Promise((resolve) => setTimeout(resolve, 50));
observer.disconnect();
contender.check();
globalThis.gc?.();
const before = process.memoryUsage().heapUsed;
contender.turns(SAMPLED_TURNS);
const bytes = (process.memoryUsage().heapUsed - before) / SAMPLED_TURNS;
process.stdout.write(JSON.stringify({ ns: (ms * 1e6) / (REPEATS * TURNS), gcMs: gcMs / REPEATS, bytes: Math.max(0, bytes) } satisfies Churn));
