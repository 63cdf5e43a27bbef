import type { Bus, PlayerStore } from '../../persistence/index.ts';
import type { PlayerId } from '../../schema/ids.ts';
import { Refusal } from '../../schema/refusals.ts';

/** A seat in a shared room, bound to its player's session. */
export interface Follower {
  /** The epoch that this seat's writes carry. */
  readonly epoch: number;
  stop(): void;
}

export interface SessionsDeps {
  players: PlayerStore;
  bus: Bus;
  epochs: (players: readonly PlayerId[]) => Promise<Map<string, { epoch: number }>>;
}

/**
 * One session per player, held by the player's own room. Taking it raises the epoch in the player's inventory row,
 * which refuses every earlier session's writes, and tells whoever held it to close with 4100. [SE1] [SE2]
 */
export class Sessions {
  readonly #deps: SessionsDeps;
  readonly #held = new Map<PlayerId, number>();

  constructor(deps: SessionsDeps) {
    this.#deps = deps;
  }

  /** @returns the session's epoch. @throws {Refusal} UNKNOWN_PLAYER */
  async take(playerId: PlayerId): Promise<number> {
    const epoch = await this.#deps.players.takeSession(playerId);
    const displaces = this.#held.has(playerId);
    if (epoch > (this.#held.get(playerId) ?? 0)) this.#held.set(playerId, epoch);
    this.#deps.bus.publish('player', playerId, { type: 'session:taken', epoch, displaces });
    return epoch;
  }

  /** The holder leaves; a session that was displaced meanwhile is not the holder's to release. */
  release(playerId: PlayerId, epoch: number): void {
    if (this.#held.get(playerId) === epoch) this.#held.delete(playerId);
  }

  /**
   * Binds a seat to the session as it is now. A first session that opens later is the seat's own; one that displaces
   * another means that the seat belongs to the displaced.
   * @throws {Refusal} UNKNOWN_PLAYER
   */
  async follow(playerId: PlayerId, onDisplaced: () => void): Promise<Follower> {
    let epoch = 0;
    // Listen first, ask second: a session taken in between is seen by one or the other.
    const stop = this.#deps.bus.subscribe('player', playerId, (event) => {
      if (event.type !== 'session:taken' || event.epoch <= epoch) return;
      if (event.displaces) onDisplaced();
      else epoch = event.epoch;
    });
    try {
      const held = (await this.#deps.epochs([playerId])).get(playerId)?.epoch;
      if (held === undefined) throw new Refusal('UNKNOWN_PLAYER', { playerId });
      epoch = Math.max(epoch, held);
    } catch (error) {
      stop();
      throw error;
    }
    return {
      get epoch() {
        return epoch;
      },
      stop,
    };
  }
}
