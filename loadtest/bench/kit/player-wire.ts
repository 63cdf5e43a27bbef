import { Encoder } from '@colyseus/schema';
import { writeDelta } from '../../../rooms/kit/player-view.ts';
import { diffHoldings, type InventoryDelta } from '../../../schema/inventory-delta.ts';
import type { Holdings } from '../../../schema/holdings.ts';
import type { PlayerId } from '../../../schema/ids.ts';
import { PlayerState } from '../../../schema/states/player-state.ts';

/** Room for the full state of a large inventory, as the server has it. */
const ENCODER_BYTES = 128 * 1024;

/**
 * The bytes that a player's room puts on the wire: its own state, written by its own code and encoded as Colyseus'
 * serializer does. Around them a frame has one byte for its type, and the WebSocket's header of two to four.
 */
export class PlayerWire {
  readonly #state = new PlayerState();
  readonly #encoder: Encoder<PlayerState>;

  constructor(playerId: PlayerId, holdings: Holdings) {
    this.#encoder = new Encoder(this.#state);
    this.#encoder.sharedBuffer = new Uint8Array(ENCODER_BYTES);
    this.#state.playerId = playerId;
    this.patchBytes(diffHoldings(playerId, { version: 0, fungibles: {}, items: [] }, holdings));
  }

  /** What one delta costs on the wire. */
  patchBytes(delta: InventoryDelta): number {
    writeDelta(this.#state, delta);
    const { length } = this.#encoder.encode({ offset: 0 });
    this.#encoder.discardChanges();
    return length;
  }

  /** What a client that joins is sent. */
  fullBytes(): number {
    return this.#encoder.encodeAll({ offset: 0 }).length;
  }
}
