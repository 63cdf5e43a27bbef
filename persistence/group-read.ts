import type { Shard } from './shard.ts';

/** What a shard knows of keys; those that it does not know are left out. */
export type Ask<Key, Row> = (shard: Shard, keys: Key[]) => Promise<[Key, Row][]>;

/** Of each kind of question, to each shard: one that is answered, and one that is on its way meanwhile. */
const AT_ONCE_MAX = 2;
/** As many keys are a question of their own, which nobody else should wait for. */
const ALONE_FROM = 100;
const SIZE_MAX = 200;

interface Waiting<Key, Row> {
  keys: Key[];
  resolve: (rows: [Key, Row][]) => void;
  reject: (error: unknown) => void;
}

/**
 * Asks a shard for many keys at a time: what comes while two questions of the kind are under way waits for one of them and goes
 * together, never for a timer; a lonely one goes at once. So a crowd that comes at once needs two connections, not all that there
 * are. A question begins after whoever it is asked for has asked, as if it had been asked alone. [SH7]
 * @returns the same question; who asks for what another asks for as well gets a copy
 */
export function inGroups<Key, Row>(ask: Ask<Key, Row>): Ask<Key, Row> {
  const lanes = new WeakMap<Shard, Lane<Key, Row>>();
  return (shard, keys) => {
    if (keys.length >= ALONE_FROM) return ask(shard, keys);
    const lane = lanes.get(shard) ?? new Lane((together) => ask(shard, together));
    lanes.set(shard, lane);
    return lane.add(keys);
  };
}

class Lane<Key, Row> {
  readonly #ask: (keys: Key[]) => Promise<[Key, Row][]>;
  #underWay = 0;
  #waiting: Waiting<Key, Row>[] = [];

  constructor(ask: (keys: Key[]) => Promise<[Key, Row][]>) {
    this.#ask = ask;
  }

  add(keys: Key[]): Promise<[Key, Row][]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ keys, resolve, reject });
      if (this.#underWay < AT_ONCE_MAX) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#underWay++;
    while (this.#waiting.length > 0) await this.#answer(this.#next());
    this.#underWay--;
  }

  /** In the order in which they came. */
  #next(): Waiting<Key, Row>[] {
    let size = 0;
    let count = 0;
    for (const { keys } of this.#waiting) {
      size += keys.length;
      if (count > 0 && size > SIZE_MAX) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  async #answer(asked: readonly Waiting<Key, Row>[]): Promise<void> {
    try {
      const rows = new Map(await this.#ask([...new Set(asked.flatMap(({ keys }) => keys))]));
      const given = new Set<Key>();
      for (const { keys, resolve } of asked) {
        const own = keys.filter((key) => rows.has(key));
        resolve(own.map((key) => [key, given.has(key) ? structuredClone(rows.get(key) as Row) : (rows.get(key) as Row)]));
        for (const key of own) given.add(key);
      }
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
  }
}
