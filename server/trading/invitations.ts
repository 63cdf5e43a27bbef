import type { PlayerId, TradeId } from '../../schema/ids.ts';
import { Refusal } from '../../schema/refusals.ts';

/**
 * The open trades of each player who invited to them, and how many they may be: each costs a room until it ends, and an
 * invitation costs its sender nothing. [TR11]
 */
export class Invitations {
  readonly #openMax: number;
  readonly #open = new Map<PlayerId, Set<TradeId>>();

  constructor(openMax: number) {
    this.#openMax = openMax;
  }

  /**
   * Opens a trade by making its room; one that cannot be made takes no place.
   * @throws {Refusal} BUSY when the inviter has as many open as are allowed: no room was made
   */
  async open(inviter: PlayerId, trade: TradeId, makeRoom: () => Promise<unknown>): Promise<void> {
    const open = this.#open.get(inviter) ?? new Set();
    if (open.size >= this.#openMax) throw new Refusal('BUSY', { reason: 'too many open trades', openMax: this.#openMax });
    // Counted before the room is there: of invitations that come together, none may slip past the bound.
    this.#open.set(inviter, open.add(trade));
    try {
      await makeRoom();
    } catch (error) {
      this.ended(inviter, trade);
      throw error;
    }
  }

  /** Gives the place back; said twice, or of a trade that is not counted here, it does nothing. */
  ended(inviter: PlayerId, trade: TradeId): void {
    const open = this.#open.get(inviter);
    open?.delete(trade);
    if (open?.size === 0) this.#open.delete(inviter);
  }
}
