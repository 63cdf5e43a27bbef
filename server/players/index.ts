import type { Bus, HoldingsReader, PlayerEvent, PlayerStore, Subscription } from '../../persistence/index.ts';
import type { PlayerRecord } from '../../schema/holdings.ts';
import type { PlayerId } from '../../schema/ids.ts';
import type { Rename } from '../../schema/messages/player.ts';
import type { Idempotency } from '../ledger/index.ts';

export type { PlayerEvent } from '../../persistence/index.ts';

export interface PlayersDeps {
  store: PlayerStore;
  reader: HoldingsReader;
  idempotency: Idempotency;
  bus: Bus;
}

/** Who players are, and what is told to them wherever they are connected. */
export class Players {
  readonly #deps: PlayersDeps;

  constructor(deps: PlayersDeps) {
    this.#deps = deps;
  }

  /** Durable truth about many, one query per shard; who does not exist is absent. [SV3] */
  read(ids: readonly PlayerId[]): Promise<Map<PlayerId, PlayerRecord>> {
    return this.#deps.reader.players(ids);
  }

  /** Whether there is such a player: a token outlives one that was erased. */
  async has(id: PlayerId): Promise<boolean> {
    return (await this.#deps.reader.versions([id])).get(id)?.profile !== undefined;
  }

  /** @throws {Refusal} SESSION_REPLACED, COMMAND_REUSED, UNKNOWN_PLAYER */
  async rename(actor: PlayerId, { commandId, name }: Rename, epoch: number): Promise<{ name: string }> {
    const { idempotency, store } = this.#deps;
    const answer = { name };
    return await idempotency.once({ actor, id: commandId, type: 'player:rename', payload: answer }, async (hash) => {
      await store.rename(actor, name, epoch, { actor, id: commandId, hash, answer: () => answer });
      this.tell(actor, { type: 'profile', name });
      return answer;
    });
  }

  /** To the player's own room, wherever it is; at most once. */
  tell(playerId: PlayerId, event: PlayerEvent): void {
    this.#deps.bus.publish('player', playerId, event);
  }

  listen(playerId: PlayerId, listener: (event: PlayerEvent) => void): Subscription {
    return this.#deps.bus.subscribe('player', playerId, listener);
  }
}
