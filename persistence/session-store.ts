import type { ClientId, PlayerId } from '../schema/ids.ts';

/** How long a session is kept after it was last taken or renewed. */
export const SESSION_TTL_MS = 24 * 60 * 60 * 1000;
/** How many of those whose time is over go each time one comes: more than come, so that none pile up. */
const SWEPT_MAX = 4;

/** Where a player's session is held. */
export interface Session {
  playerId: PlayerId;
  /** By PostgreSQL, for each session of the player a higher one; with the player it is the session's identity. */
  epoch: number;
  processId: string;
  roomId: string;
  /** By the clock of the process that took it, in ms. */
  takenAt: number;
  /** The client that took it, if it says so in its joins. */
  clientId?: ClientId | undefined;
}

export type Taken = { taken: true; displaced: Session | undefined } | { taken: false; newest: Session };

/**
 * Who is where, for everybody to look up. Epochs come from PostgreSQL, which alone refuses who was displaced: a store that
 * forgot everything makes nothing wrong, and is right again after the next renewals. [SE3]
 */
export interface SessionStore {
  /** Records the newest session and names the one that it displaces. One with an older epoch takes nothing; the same again displaces nobody. */
  take(session: Session): Promise<Taken>;
  /** Keeps them for 24 h from now and puts back what was lost. @returns those that somebody newer holds, which are left alone */
  renew(sessions: readonly Session[]): Promise<Session[]>;
  /** Removes the session, if that is what is recorded. */
  release(session: Pick<Session, 'playerId' | 'epoch'>): Promise<boolean>;
  find(playerId: PlayerId): Promise<Session | undefined>;
  /** Who has no session is left out. */
  findMany(playerIds: readonly PlayerId[]): Promise<Map<PlayerId, Session>>;
}

/** The sessions of a single process. */
export function memorySessionStore({ now = Date.now }: { now?: () => number } = {}): SessionStore & { readonly size: number } {
  /** What was put in or renewed later is later in it, so that those whose time is over are in front. */
  const held = new Map<PlayerId, { session: Session; until: number }>();

  function find(playerId: PlayerId): Session | undefined {
    const found = held.get(playerId);
    return found !== undefined && found.until > now() ? { ...found.session } : undefined;
  }

  function put(session: Session): void {
    held.delete(session.playerId);
    held.set(session.playerId, { session: { ...session }, until: now() + SESSION_TTL_MS });
    let swept = 0;
    for (const [playerId, { until }] of held) {
      if (until > now() || swept++ === SWEPT_MAX) return;
      held.delete(playerId);
    }
  }

  return {
    /** With those whose time is over and that are still there. */
    get size() {
      return held.size;
    },
    async take(session) {
      const before = find(session.playerId);
      if (before !== undefined && before.epoch > session.epoch) return { taken: false, newest: before };
      put(session);
      return { taken: true, displaced: before?.epoch === session.epoch ? undefined : before };
    },
    async renew(sessions) {
      const isDisplaced = ({ playerId, epoch }: Session) => (find(playerId)?.epoch ?? 0) > epoch;
      for (const session of sessions) if (!isDisplaced(session)) put(session);
      return sessions.filter(isDisplaced);
    },
    async release({ playerId, epoch }) {
      return find(playerId)?.epoch === epoch && held.delete(playerId);
    },
    find: async (playerId) => find(playerId),
    async findMany(playerIds) {
      const found = playerIds.map(find).filter((session) => session !== undefined);
      return new Map(found.map((session) => [session.playerId, session]));
    },
  };
}
