import type { Bus, PlayerStore, Session, SessionStore } from '../../persistence/index.ts';
import type { ClientId, PlayerId } from '../../schema/ids.ts';
import { Refusal } from '../../schema/refusals.ts';

export { SessionPool, type PooledSession } from './session-pool.ts';

/** A seat in a shared room, bound to its player's session. */
export interface Follower {
  /** The epoch that this seat's writes carry. */
  readonly epoch: number;
  stop(): void;
}

export interface SessionsDeps {
  players: PlayerStore;
  store: SessionStore;
  bus: Bus;
  /** Who has no profile is a player no longer. */
  epochs: (players: readonly PlayerId[]) => Promise<Map<string, { epoch: number; profile?: object }>>;
  /** Under which this process's rooms are listed. */
  processId: () => string;
  /** Whether a process lives, by what is known here; every one does, unless given. */
  isAlive?: (processId: string) => boolean;
  now?: () => number;
  /** The store is away: sessions go on without it, since PostgreSQL has their epochs. */
  onStoreFault?: (error: unknown) => void;
}

/**
 * One session per player over all processes, held by the player's own room. Taking it raises the epoch in the player's
 * inventory row, which refuses every earlier session's writes, records where it is held, and tells whoever held it to close
 * with 4100. [SE1] [SE2]
 */
export class Sessions {
  readonly #deps: SessionsDeps;
  readonly #held = new Map<PlayerId, Session>();

  constructor(deps: SessionsDeps) {
    this.#deps = deps;
  }

  /** Sessions that this process holds. */
  get heldCount(): number {
    return this.#held.size;
  }

  /** @returns the session's epoch. @throws {Refusal} UNKNOWN_PLAYER; SESSION_REPLACED when a newer one was taken meanwhile */
  async take(playerId: PlayerId, roomId: string, clientId?: ClientId): Promise<number> {
    const { players, bus, processId, now = Date.now } = this.#deps;
    const epoch = await players.takeSession(playerId, clientId);
    const session: Session = { playerId, epoch, processId: processId(), roomId, takenAt: now(), ...(clientId !== undefined && { clientId }) };
    const displaces = await this.#record(session);
    this.#held.set(playerId, session);
    bus.publish('player', playerId, { type: 'session:taken', epoch, displaces, clientId });
    return epoch;
  }

  /** Where the player's session is held, if the store knows. */
  find(playerId: PlayerId): Promise<Session | undefined> {
    return this.#deps.store.find(playerId);
  }

  /** Who of them is there: whose session is held by a process that lives. Nobody, while the store is away. */
  async online(players: readonly PlayerId[]): Promise<Set<PlayerId>> {
    const { store, isAlive = () => true } = this.#deps;
    const found = (await store.findMany(players).catch(this.#fault)) ?? new Map<PlayerId, Session>();
    return new Set([...found.values()].filter(({ processId }) => isAlive(processId)).map(({ playerId }) => playerId));
  }

  /**
   * The holder leaves; a session that was displaced meanwhile is not the holder's to release.
   * @returns whether nobody has the player's session any more, as far as the store knows
   */
  async release(playerId: PlayerId, epoch: number): Promise<boolean> {
    if (this.#held.get(playerId)?.epoch === epoch) this.#held.delete(playerId);
    this.#deps.bus.publish('player', playerId, { type: 'session:left', epoch });
    return (await this.#deps.store.release({ playerId, epoch }).catch(this.#fault)) ?? false;
  }

  /** Keeps what this process holds from running out, and puts it back where the store lost it. [SE4] */
  async renew(): Promise<void> {
    if (this.#held.size > 0) await this.#deps.store.renew([...this.#held.values()]).catch(this.#fault);
  }

  /**
   * Binds a seat to the session as it is now. A first session that opens later is the seat's own, and so is a newer one of
   * the same client, which comes back after its process died; any other that displaces one means that the seat belongs to
   * the displaced. [SE7]
   * @throws {Refusal} UNKNOWN_PLAYER
   */
  async follow({ playerId, clientId }: { playerId: PlayerId; clientId?: ClientId }, onDisplaced: () => void): Promise<Follower> {
    let epoch = 0;
    // A seat that was taken in a session is that one's, whatever the store says later: it may have lost it meanwhile.
    let isFree = true;
    // Listen first, ask second: a session taken in between is seen by one or the other.
    const listening = this.#deps.bus.subscribe('player', playerId, (event) => {
      if (event.type === 'session:left' && event.epoch === epoch) isFree = true;
      if (event.type !== 'session:taken' || event.epoch <= epoch) return;
      const isOwn = clientId !== undefined && event.clientId === clientId;
      if ((event.displaces || !isFree) && !isOwn) return onDisplaced();
      epoch = event.epoch;
      isFree = false;
    });
    try {
      await listening.ready;
      const [versions, session] = await Promise.all([this.#deps.epochs([playerId]), this.#deps.store.find(playerId).catch(this.#fault)]);
      const held = versions.get(playerId);
      if (held?.profile === undefined) throw new Refusal('UNKNOWN_PLAYER', { playerId });
      epoch = Math.max(epoch, held.epoch, session?.epoch ?? 0);
      if (session !== undefined) isFree = false;
    } catch (error) {
      listening.stop();
      throw error;
    }
    return {
      get epoch() {
        return epoch;
      },
      stop: () => listening.stop(),
    };
  }

  /** @returns whether another session is displaced; when the store does not say, it counts as one */
  async #record(session: Session): Promise<boolean> {
    const outcome = await this.#deps.store.take(session).catch(this.#fault);
    if (outcome === undefined) return true;
    if (!outcome.taken) throw new Refusal('SESSION_REPLACED');
    return outcome.displaced !== undefined;
  }

  readonly #fault = (error: unknown): undefined => void this.#deps.onStoreFault?.(error);
}
