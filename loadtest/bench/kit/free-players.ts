import type { PlayerId } from '../../../schema/ids.ts';
import { pick, type Random } from './holdings.ts';

/** Who trades with whom, so that each is in one trade at a time. */
export interface Pairs {
  pair(random: Random): [PlayerId, PlayerId];
  release(players: Iterable<PlayerId>): void;
}

/** Players of whom each is in one trade at a time. There must be many more than trades in flight. */
export class FreePlayers implements Pairs {
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

/** Pairs of whom both are in the same group, whichever it is. */
export class PairsWithin implements Pairs {
  readonly #groups: readonly FreePlayers[];

  constructor(groups: readonly (readonly PlayerId[])[]) {
    this.#groups = groups.map((group) => new FreePlayers(group));
  }

  pair(random: Random): [PlayerId, PlayerId] {
    return pick(random, this.#groups).pair(random);
  }

  release(players: Iterable<PlayerId>): void {
    const released = [...players];
    for (const group of this.#groups) group.release(released);
  }
}

/** Pairs of whom the first is always in the one group and the second in the other. */
export class PairsAcross implements Pairs {
  readonly #first: FreePlayers;
  readonly #second: FreePlayers;

  constructor(first: readonly PlayerId[], second: readonly PlayerId[]) {
    this.#first = new FreePlayers(first);
    this.#second = new FreePlayers(second);
  }

  pair(random: Random): [PlayerId, PlayerId] {
    return [this.#first.take(random), this.#second.take(random)];
  }

  release(players: Iterable<PlayerId>): void {
    const released = [...players];
    this.#first.release(released);
    this.#second.release(released);
  }
}
