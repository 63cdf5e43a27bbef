import { randomUUID } from 'node:crypto';
import { redisSessionStore, type RedisLink, type Session } from '../../../persistence/index.ts';
import type { PlayerId } from '../../../schema/ids.ts';
import { invariant } from '../../../schema/invariant.ts';
import type { BenchResult, Target } from '../kit/bench.ts';
import { inTurn, medians, quantile, timeEach, timePairs } from '../kit/measure.ts';

const SESSIONS = 10_000;
const LOOKUPS = 4_000;
const LOOKUPS_AT_ONCE = 40_000;
const IN_FLIGHT = 100;
const RENEWED = 10_000;

const NEAR_BARE: Target = { of: 'ratio', bound: 'at most', value: 1.3 };
const UNDER_1_MS: Target = { of: 'ours', bound: 'at most', value: 1 };

/** A session with the names that Colyseus gives to processes and rooms. */
export const newSession = (playerId: PlayerId, epoch = 1): Session => ({ playerId, epoch, processId: 'Qm3xTz81K', roomId: randomUUID().slice(0, 9), takenAt: Date.now() });
/** As the store writes it: what is measured against reads the same bytes. */
const keyOf = (playerId: PlayerId) => `strongroom:session:${playerId}`;

/** Look-ups, renewals and the size of a session, against the bare commands on the same connection. */
export async function lookupRows({ commands }: RedisLink, rounds: number): Promise<BenchResult[]> {
  const store = redisSessionStore(commands);
  const sessions = Array.from({ length: SESSIONS }, () => newSession(randomUUID() as PlayerId));
  await timeEach(sessions, IN_FLIGHT, (session) => store.take(session));
  const players = sessions.map(({ playerId }) => playerId);
  const contenders = {
    ours: async (id: PlayerId) => invariant((await store.find(id))?.playerId === id, 'the session is found'),
    ceiling: async (id: PlayerId) => invariant((await commands.getBuffer(keyOf(id))) !== null, 'the bytes are found'),
  };

  const alone: Record<'ours' | 'ceiling', { p50: number; p99: number }[]> = { ours: [], ceiling: [] };
  for (let round = 0; round < rounds; round++) {
    const tookMs = await timePairs(players.slice(0, LOOKUPS), contenders);
    for (const who of ['ours', 'ceiling'] as const) alone[who].push({ p50: quantile(tookMs[who], 0.5), p99: quantile(tookMs[who], 0.99) });
  }
  const [ours, ceiling] = [medians(alone.ours), medians(alone.ceiling)];

  const reads = Array.from({ length: LOOKUPS_AT_ONCE }, (_, at) => players[at % players.length] as PlayerId);
  const crowd = async (find: (id: PlayerId) => Promise<void>) => {
    const began = performance.now();
    const tookMs = await timeEach(reads, IN_FLIGHT, find);
    return { p50: quantile(tookMs, 0.5), p99: quantile(tookMs, 0.99), perSecond: (tookMs.length / (performance.now() - began)) * 1000 };
  };
  const together = await inTurn(rounds, { ours: () => crowd(contenders.ours), ceiling: () => crowd(contenders.ceiling) });

  const renewal = await inTurn(rounds, {
    ours: async () => await timed(async () => void (await store.renew(sessions.slice(0, RENEWED)))),
    ceiling: async () => await timed(async () => void (await Promise.all(players.slice(0, RENEWED).map((id) => commands.pexpire(keyOf(id), 86_400_000))))),
  });

  const [one] = sessions as [Session];
  const { epoch, processId, roomId, takenAt } = one;
  const bytes = await commands.strlen(keyOf(one.playerId));
  return [
    { what: 'look-up, p50, against a bare GET of the same bytes', ours: ours.p50, ceiling: ceiling.p50, unit: 'ms', targets: [NEAR_BARE] },
    { what: 'look-up, p99', ours: ours.p99, ceiling: ceiling.p99, unit: 'ms', targets: [NEAR_BARE, UNDER_1_MS] },
    { what: `look-ups, ${IN_FLIGHT} in flight, p50`, ours: together.ours.p50, ceiling: together.ceiling.p50, unit: 'ms' },
    { what: `look-ups, ${IN_FLIGHT} in flight, p99`, ours: together.ours.p99, ceiling: together.ceiling.p99, unit: 'ms' },
    { what: `look-ups, ${IN_FLIGHT} in flight`, ours: together.ours.perSecond, ceiling: together.ceiling.perSecond, unit: 'per s' },
    { what: `renewal of ${RENEWED.toLocaleString('en')}, against as many bare PEXPIRE in one pipeline`, ours: renewal.ours.ms, ceiling: renewal.ceiling.ms, unit: 'ms' },
    { what: 'a session in MessagePack, against JSON with names', ours: bytes, ceiling: JSON.stringify({ epoch, processId, roomId, takenAt }).length, unit: 'bytes' },
    { what: 'a session in MessagePack, against JSON without names', ours: bytes, ceiling: JSON.stringify([epoch, processId, roomId, takenAt]).length, unit: 'bytes' },
  ];
}

async function timed(work: () => Promise<void>): Promise<{ ms: number }> {
  const began = performance.now();
  await work();
  return { ms: performance.now() - began };
}
