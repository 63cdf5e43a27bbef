import type { PlayerId } from '../../../schema/ids.ts';
import { pick, type Random } from './holdings.ts';

/** Players of whom each is in one trade at a time. There must be many more than trades in flight. */
export class FreePlayers {
  readonly #players: readonly PlayerId[];
  readonly #busy = new Set<PlayerId>();

  constructor(players: readonly PlayerId[]) {
    this.#players = players;
  }

  take(random: Random): PlayerId {
    for (;;) {
      const player = pick(random, this.#players);
      if (this.#busy.has(player)) continue;
      this.#busy.add(player);
      return player;
    }
  }

  pair(random: Random): [PlayerId, PlayerId] {
    return [this.take(random), this.take(random)];
  }

  release(players: Iterable<PlayerId>): void {
    for (const player of players) this.#busy.delete(player);
  }
}
