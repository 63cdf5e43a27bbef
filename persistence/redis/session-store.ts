import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import { Packr } from 'msgpackr';
import type { ClientId, PlayerId } from '../../schema/ids.ts';
import { SESSION_TTL_MS, type Session, type SessionStore } from '../session-store.ts';

const PREFIX = 'strongroom:session:';
/** Redis does nothing else while it renews so many: well below a millisecond. */
const RENEWED_AT_ONCE_MAX = 200;

/** What is stored; whose it is says the key. */
type Stored = [epoch: number, processId: string, roomId: string, takenAt: number, clientId?: ClientId];

/** The scripts beside this file, as commands. */
interface Scripts {
  takeSessionBuffer(key: string, session: Buffer, ttlMs: number): Promise<[taken: number, other?: Buffer]>;
  renewSessions(count: number, ...keysTtlAndSessions: (string | number | Buffer)[]): Promise<number[]>;
  releaseSession(key: string, epoch: number): Promise<number>;
}

const packr = new Packr({ useRecords: false });
const keyOf = (playerId: PlayerId): string => PREFIX + playerId;

function pack({ epoch, processId, roomId, takenAt, clientId }: Session): Buffer {
  return packr.pack([epoch, processId, roomId, takenAt, ...(clientId === undefined ? ([] as const) : ([clientId] as const))] satisfies Stored);
}

function unpack(playerId: PlayerId, stored: Buffer): Session {
  const [epoch, processId, roomId, takenAt, clientId] = packr.unpack(stored) as Stored;
  return { playerId, epoch, processId, roomId, takenAt, ...(clientId !== undefined && { clientId }) };
}

/**
 * The sessions of all processes, in MessagePack under one key each, kept for 24 h. What compares epochs before it writes is
 * one script per operation, so that it happens at once; a look-up is a bare GET. [SE3] [SE4]
 */
export function redisSessionStore(redis: Redis): SessionStore {
  const scripts = withScripts(redis);
  return {
    async take(session) {
      const [taken, other] = await scripts.takeSessionBuffer(keyOf(session.playerId), pack(session), SESSION_TTL_MS);
      const found = other && unpack(session.playerId, other);
      return taken === 0 && found !== undefined ? { taken: false, newest: found } : { taken: true, displaced: found };
    },
    async renew(sessions) {
      const displaced: Session[] = [];
      for (let at = 0; at < sessions.length; at += RENEWED_AT_ONCE_MAX) {
        const some = sessions.slice(at, at + RENEWED_AT_ONCE_MAX);
        const places = await scripts.renewSessions(some.length, ...some.map(({ playerId }) => keyOf(playerId)), SESSION_TTL_MS, ...some.map(pack));
        displaced.push(...some.filter((_, place) => places.includes(place)));
      }
      return displaced;
    },
    release: async ({ playerId, epoch }) => (await scripts.releaseSession(keyOf(playerId), epoch)) === 1,
    async find(playerId) {
      const stored = await redis.getBuffer(keyOf(playerId));
      return stored === null ? undefined : unpack(playerId, stored);
    },
    async findMany(playerIds) {
      if (playerIds.length === 0) return new Map();
      const stored = await redis.mgetBuffer(playerIds.map(keyOf));
      return new Map(playerIds.flatMap((playerId, at) => (stored[at] ? [[playerId, unpack(playerId, stored[at])]] : [])));
    },
  };
}

function withScripts(redis: Redis): Scripts {
  const lua = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8');
  redis.defineCommand('takeSession', { numberOfKeys: 1, lua: lua('take-session.lua') });
  redis.defineCommand('renewSessions', { lua: lua('renew-sessions.lua') });
  redis.defineCommand('releaseSession', { numberOfKeys: 1, lua: lua('release-session.lua') });
  return redis as unknown as Scripts;
}
