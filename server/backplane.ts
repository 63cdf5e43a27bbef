import { matchMaker, type MatchMakerDriver, type Presence } from '@colyseus/core';
import {
  joinMembers, memoryBoardSets, memoryBus, memoryCooldowns, memoryOpsSamples, memorySessionStore, newId, openRedis, redisBoardSets, redisBus, redisCooldowns, redisOpsSamples, redisSessionStore, RoomDriver, RoomPresence, watchGeneration,
  type Bus, type Cooldowns, type Membership, type OpsSamples, type RedisLink, type SessionStore, type Storage,
} from '../persistence/index.ts';
import type { Features } from './features.ts';
import { membershipOptions } from './lost-lease.ts';
import type { RegionSets } from './leaderboards/index.ts';
import type { Logger, Metrics } from './telemetry/index.ts';

/** By which of a room's options it is found, for those that are filtered by one. */
const INDEXED_BY = { player: 'playerId', zone: 'zone', guild: 'guildId', leaderboard: 'board' };
const GENERATION_LOOK_MS = 500;
const FAULT_SAID_EVERY_MS = 1_000;
/** Well within the 24 h for which a session is kept. */
const RENEW_EVERY_MS = 600_000;
/** A process that has only so many rooms more than the emptiest makes a room itself: it costs no trip to another. */
const ROOMS_AHEAD_MAX = 16;

export interface BackplaneOptions {
  redisUrl: string | undefined;
  metrics: Metrics;
  log: Logger;
}

export interface Joined {
  storage: Storage;
  features: Features;
}

/** What processes meet in: Redis, or this process's own memory. */
export interface Backplane {
  bus: Bus;
  sessionStore: SessionStore;
  cooldowns: Cooldowns;
  /** Of the leaderboards' regions that have no Redis of their own. */
  boardSets: RegionSets;
  opsSamples: OpsSamples;
  /** Colyseus's own; absent with one process, which has them built in. */
  presence?: Presence;
  driver?: MatchMakerDriver;
  /** Which process makes a room. */
  selectProcess?: () => Promise<string>;
  /** Whether Redis answers; always, where there is none. */
  isUp(): boolean;
  /** Whether a process lives, by the last look. */
  isAlive(processId: string): boolean;
  /** No other process lives, by the last look. */
  isAlone(): boolean;
  /** From when on this process listens, until it is stopped. */
  join(joined: Joined): Promise<void>;
  leave(): Promise<void>;
  close(): Promise<void>;
}

/** @throws {RedisError} */
export async function openBackplane({ redisUrl, metrics, log }: BackplaneOptions): Promise<Backplane> {
  if (redisUrl === undefined) return alone();
  const link = await openRedis(redisUrl, { onFault: seldom((error) => log.warn({ err: error }, 'Redis does not answer')) });
  return await together(link, metrics, log);
}

function alone(): Backplane {
  const nothing = async () => {};
  return { bus: memoryBus(), sessionStore: memorySessionStore(), cooldowns: memoryCooldowns(), boardSets: { ...memoryBoardSets(), isUp: () => true }, opsSamples: memoryOpsSamples(), isUp: () => true, isAlive: () => true, isAlone: () => true, join: nothing, leave: nothing, close: nothing };
}

async function together(link: RedisLink, metrics: Metrics, log: Logger): Promise<Backplane> {
  let joined: Joined | undefined;
  let membership: Membership | undefined;
  const stops: (() => unknown)[] = [];
  const onFault = seldom((error) => log.warn({ err: error }, 'Redis did not do what the matchmaker asked'));
  const bus = redisBus(link, {
    origin: newId(),
    onLag: (ms) => metrics.busLagSeconds.observe(ms / 1_000),
    onDropped: () => metrics.busDropped.inc(),
    onGap: () => void joined?.features.heal().catch((error: unknown) => log.warn({ err: error }, 'versions were not compared')),
  });

  const boardSets = redisBoardSets(link.commands);

  return {
    bus,
    sessionStore: redisSessionStore(link.commands),
    cooldowns: redisCooldowns(link.commands),
    boardSets,
    opsSamples: redisOpsSamples(link.commands),
    driver: new RoomDriver(link.commands, { indexedBy: INDEXED_BY, isGone: async (processId) => (await membership?.isGone(processId)) ?? false, onFault }),
    presence: await RoomPresence.open(link.commands, { onFault }),
    isUp: () => link.isUp(),
    isAlone: () => membership?.alive().every(({ processId }) => processId === matchMaker.processId) ?? true,
    isAlive: (processId) => membership?.alive().some((member) => member.processId === processId) ?? false,

    /** The emptiest of those that live: one that was killed is still in the framework's list for a while. */
    async selectProcess() {
      const own = matchMaker.processId;
      const living = new Set(membership?.alive().map(({ processId }) => processId));
      const counts = (await matchMaker.stats.fetchAll()).filter(({ processId }) => living.has(processId));
      const emptiest = counts.toSorted((a, b) => a.roomCount - b.roomCount)[0];
      if (emptiest === undefined || (matchMaker.stats.local.roomCount <= emptiest.roomCount + ROOMS_AHEAD_MAX)) return own;
      return (await membership?.isGone(emptiest.processId)) ? own : emptiest.processId;
    },

    async join(features) {
      joined = features;
      membership = await joinMembers(link, membershipOptions({ ...features, membership: () => membership, metrics, log }));
      const generation = await watchGeneration(link.commands, { intervalMs: GENERATION_LOOK_MS, onFault, onLost: () => listAgain(features, log) });
      const renewal = setInterval(() => void features.features.sessions.renew(), RENEW_EVERY_MS);
      stops.push(() => generation.stop(), () => clearInterval(renewal));
    },

    async leave() {
      for (const stop of stops) await stop();
      await membership?.stop();
    },
    async close() {
      boardSets.stop();
      await link.close();
    },
  };
}

/** A Redis that is away fails every command and every attempt to connect: one line a second says as much. */
function seldom(say: (error: unknown) => void): (error: unknown) => void {
  let quietUntil = 0;
  return (error) => {
    const now = performance.now();
    if (now < quietUntil) return;
    quietUntil = now + FAULT_SAID_EVERY_MS;
    say(error);
  };
}

/** Redis lost everything: what lives here says so again. [RD7] */
async function listAgain({ features }: Joined, log: Logger): Promise<void> {
  log.warn('Redis was emptied: rooms and sessions of this process are listed again');
  await Promise.all([matchMaker.restoreMissingRoomCaches(), matchMaker.stats.persist(true), features.sessions.renew(), features.heal()]);
}
