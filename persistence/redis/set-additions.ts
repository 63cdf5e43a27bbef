import type { Redis } from 'ioredis';

/** What fits a Lua call's stack, and keeps Redis for a few milliseconds. */
const ADDED_AT_ONCE_MAX = 1_000;
/** A set that nothing is added to for so long is forgotten, and filled again when somebody asks. */
export const SET_TTL_S = 30 * 86_400;
/** Saying so again each time would cost as much as a few scores. */
const TTL_SAID_EVERY_MS = 3_600_000;
const SETS_KNOWN_MAX = 10_000;

/** The script beside this file, as a command. */
interface Scripts {
  addScores(keys: number, keysAndArguments: readonly (string | number)[]): Promise<string[]>;
}

export interface SetKeys {
  set: string;
  known: string;
  versions: string;
}

/** How the newer of two scores of a player is told, and how many places are kept. */
export interface SetRules {
  isVersioned: boolean;
  keep: number;
  trimAt: number;
}

export interface Addition {
  key: number;
  player: string;
  version: number;
}

interface Waiting {
  values: (string | number)[];
  resolve: (mark: string) => void;
  reject: (error: unknown) => void;
}

/** Scores for sets. What is added in one turn is one command, of whatever sets: a lane brings a few scores to each of many. */
export class SetAdditions {
  readonly #scripts: Scripts;
  /** When a set's time to live was said last. */
  readonly #saidAt = new Map<string, number>();
  #keys: string[] = [];
  #waiting: Waiting[] = [];
  #count = 0;

  /** @param redis knows the command `addScores` */
  constructor(redis: Redis) {
    this.#scripts = redis as unknown as Scripts;
  }

  /** @returns the marks of the set, behind each part of what was added */
  async add(keys: SetKeys, rules: SetRules, additions: readonly Addition[]): Promise<string[]> {
    const marks: Promise<string>[] = [];
    for (let at = 0; at < additions.length; ) {
      if (this.#count >= ADDED_AT_ONCE_MAX) this.#send();
      const some = additions.slice(at, at + ADDED_AT_ONCE_MAX - this.#count);
      at += some.length;
      marks.push(this.#addSome(keys, rules, some));
    }
    return await Promise.all(marks);
  }

  /** A set begins anew. */
  forget({ set }: SetKeys): void {
    this.#saidAt.delete(set);
  }

  #addSome({ set, known, versions }: SetKeys, { isVersioned, keep, trimAt }: SetRules, some: readonly Addition[]): Promise<string> {
    if (this.#count === 0) setImmediate((mine) => this.#waiting === mine && this.#send(), this.#waiting);
    this.#count += some.length;
    const values: (string | number)[] = [isVersioned ? 'VERSION' : 'LT', keep, trimAt, this.#ttlOf(set), some.length];
    for (const { key, player } of some) values.push(key, player);
    if (isVersioned) for (const { version } of some) values.push(version);
    this.#keys.push(set, known, versions);
    return new Promise((resolve, reject) => this.#waiting.push({ values, resolve, reject }));
  }

  #ttlOf(set: string): number {
    const now = performance.now();
    if (now - (this.#saidAt.get(set) ?? -Infinity) < TTL_SAID_EVERY_MS) return 0;
    if (this.#saidAt.size >= SETS_KNOWN_MAX) this.#saidAt.clear();
    this.#saidAt.set(set, now);
    return SET_TTL_S;
  }

  #send(): void {
    const [keys, waiting] = [this.#keys, this.#waiting];
    this.#keys = [];
    this.#waiting = [];
    this.#count = 0;
    if (waiting.length === 0) return;
    this.#scripts.addScores(keys.length, (keys as (string | number)[]).concat(...waiting.map(({ values }) => values))).then(
      (marks) => waiting.forEach(({ resolve }, at) => resolve(marks[at] ?? '')),
      (error: unknown) => waiting.forEach(({ reject }) => reject(error)),
    );
  }
}
