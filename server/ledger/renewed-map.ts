/** Deletions after which the map is made anew: fewer than a table has room for, most of the time. */
const RENEWED_AFTER = 48;
/** Or a part of what it holds: making it anew costs as much as all of that, so each deletion bears so many entries. */
const RENEWED_SHARE = 4;

/**
 * A map whose entries come and go within milliseconds, for the whole life of the process.
 *
 * When a Map is full of what was deleted, V8 gives it another table. Once one of them has been moved to the old generation, those that follow are made
 * there, and each that was replaced keeps all that was in it from being collected young: of whole trades nearly everything was copied
 * twice, and waited for a collection of the whole heap. That was a fifth of what a trade cost this process. A Map of its own begins in the young generation.
 * @see V8, src/objects/ordered-hash-table.cc: Rehash
 */
export class RenewedMap<Key, Value> {
  #entries = new Map<Key, Value>();
  #deleted = 0;

  get(key: Key): Value | undefined {
    return this.#entries.get(key);
  }

  set(key: Key, value: Value): void {
    this.#entries.set(key, value);
  }

  delete(key: Key): void {
    if (!this.#entries.delete(key) || ++this.#deleted < Math.max(RENEWED_AFTER, this.#entries.size / RENEWED_SHARE)) return;
    this.#deleted = 0;
    const entries = new Map<Key, Value>();
    for (const [kept, value] of this.#entries) entries.set(kept, value);
    this.#entries = entries;
  }
}
