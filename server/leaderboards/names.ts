import { LRUCache } from 'lru-cache';
import type { PlayerId } from '../../schema/ids.ts';

const CACHED_MAX = 50_000;
/** Who changes their name is shown by it after this long. */
const TTL_MS = 10_000;

/** What players are called. Whose name is not known is read together with all others that are asked for in the same turn. */
export class Names {
  readonly #read: (players: readonly PlayerId[]) => Promise<ReadonlyMap<PlayerId, string>>;
  readonly #known = new LRUCache<PlayerId, string>({ max: CACHED_MAX, ttl: TTL_MS });
  #wanted = new Set<PlayerId>();
  #reading: Promise<ReadonlyMap<PlayerId, string>> | undefined;

  constructor(read: (players: readonly PlayerId[]) => Promise<ReadonlyMap<PlayerId, string>>) {
    this.#read = read;
  }

  /** In the order of the players; '' where there is no such player. */
  async of(players: readonly PlayerId[]): Promise<string[]> {
    const names = players.map((player) => this.#known.get(player));
    if (!names.includes(undefined)) return names as string[];
    players.forEach((player, at) => names[at] === undefined && this.#wanted.add(player));
    this.#reading ??= this.#readSoon();
    const found = await this.#reading;
    return names.map((name, at) => name ?? found.get(players[at] as PlayerId) ?? '');
  }

  async #readSoon(): Promise<ReadonlyMap<PlayerId, string>> {
    await new Promise(setImmediate);
    const players = [...this.#wanted];
    this.#wanted = new Set();
    this.#reading = undefined;
    const found = await this.#read(players);
    for (const [player, name] of found) this.#known.set(player, name);
    return found;
  }
}
