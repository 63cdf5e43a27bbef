import type { Redis } from 'ioredis';

/** Keeps Redis for about a millisecond. */
const ASKED_AT_ONCE_MAX = 500;

/** Rows are players and keys in turn, in one text. */
type Window = [before: number, from: number, rows: string];
const NOWHERE: Window = [0, 0, ''];
/** What was not asked for is null, or not there. */
type RawAnswer = [mark: string, rows: string | null, below?: number[] | null, keys?: (string | null)[] | null, windows?: Window[] | null, size?: number | null];

/** The script beside this file, as a command. */
interface Scripts {
  askSets(keys: number, keysAndArguments: readonly (string | number)[]): Promise<RawAnswer[]>;
}

/** What a set answered, and by which run of the server it was complete then. */
export interface Marked<Answer> {
  mark: string;
  answer: Answer;
}

/** What is asked of one set in a turn. */
interface Asked {
  known: string;
  below: string[];
  players: string[];
  limit: number;
  places: (string | number)[];
  size: boolean;
  hear: ((answer: RawAnswer) => void)[];
  fail: ((error: unknown) => void)[];
}

/**
 * Questions about sets. What is asked in one turn is one command, whoever asks and of whatever set: a question of its own would cost this
 * process ten times what it costs Redis.
 */
export class SetQuestions {
  readonly #scripts: Scripts;
  #asked = new Map<string, Asked>();
  #count = 0;

  /** @param redis knows the command `askSets` */
  constructor(redis: Redis) {
    this.#scripts = redis as unknown as Scripts;
  }

  /** How many keys are below each of these. */
  below(set: string, known: string, keys: readonly number[]): Promise<Marked<number[]>> {
    const asked = this.#of(set, known, keys.length);
    const from = asked.below.push(...keys.map(String)) - keys.length;
    return answered(asked, ([, , below]) => below?.slice(from, from + keys.length) ?? []);
  }

  /** The key of each player; null where it has none. */
  keys(set: string, known: string, players: readonly string[]): Promise<Marked<(string | null)[]>> {
    const asked = this.#of(set, known, players.length);
    const from = asked.players.push(...players) - players.length;
    return answered(asked, ([, , , keys]) => keys?.slice(from, from + players.length) ?? []);
  }

  /** Of each set players and keys in turn, the lowest key first. */
  tops(of: readonly { set: string; known: string; limit: number }[]): Promise<Marked<string[]>[]> {
    return new Promise((resolve, reject) => {
      const answers: Marked<string[]>[] = [];
      let left = of.length;
      for (const [at, { set, known, limit }] of of.entries()) {
        const asked = this.#of(set, known, 1 + limit / 10);
        asked.limit = Math.max(asked.limit, limit);
        asked.hear.push(([mark, rows]) => {
          answers[at] = { mark, answer: listIn(rows ?? '').slice(0, 2 * limit) };
          if (--left === 0) resolve(answers);
        });
        asked.fail.push(reject);
      }
      if (left === 0) resolve(answers);
    });
  }

  /** How many are before a place, how many before the first of the rows around it, and those. */
  around(set: string, known: string, key: number, player: string, radius: number): Promise<Marked<[before: number, from: number, rows: string[]]>> {
    const asked = this.#of(set, known, 5);
    const at = asked.places.push(key, player, radius) / 3 - 1;
    return answered(asked, ([, , , , windows]) => {
      const [before, from, rows] = windows?.[at] ?? NOWHERE;
      return [before, from, listIn(rows)];
    });
  }

  size(set: string, known: string): Promise<Marked<number>> {
    const asked = this.#of(set, known, 1);
    asked.size = true;
    return answered(asked, (answer) => answer[5] ?? 0);
  }

  #of(set: string, known: string, weight: number): Asked {
    if (this.#count > 0 && this.#count + weight > ASKED_AT_ONCE_MAX) this.#send();
    // Behind what has come in already: whoever was answered in this turn asks again.
    if (this.#count === 0) setImmediate((mine) => this.#asked === mine && this.#send(), this.#asked);
    this.#count += weight;
    const asked = this.#asked.get(set) ?? { known, below: [], players: [], limit: 0, places: [], size: false, hear: [], fail: [] };
    this.#asked.set(set, asked);
    return asked;
  }

  #send(): void {
    const asked = this.#asked;
    this.#asked = new Map();
    this.#count = 0;
    if (asked.size === 0) return;
    const keys: (string | number)[] = [];
    const values: (string | number)[] = [];
    for (const [set, { known, below, players, limit, places, size }] of asked) {
      keys.push(set, known);
      const isTopAlone = limit > 0 && !size && below.length + players.length + places.length === 0;
      if (isTopAlone) values.push(-limit);
      else values.push(below.length, ...below, players.length, ...players, limit, places.length / 3, ...places, size ? 1 : 0);
    }
    this.#scripts.askSets(keys.length, [...keys, ...values]).then(
      (answers) => [...asked.values()].forEach(({ hear }, at) => hear.forEach((each) => each(answers[at] as RawAnswer))),
      (error: unknown) => asked.forEach(({ fail }) => fail.forEach((each) => each(error))),
    );
  }
}

const listIn = (text: string): string[] => (text === '' ? [] : text.split(' '));

function answered<Answer>(asked: Asked, answer: (raw: RawAnswer) => Answer): Promise<Marked<Answer>> {
  return new Promise((resolve, reject) => {
    asked.hear.push((raw) => resolve({ mark: raw[0], answer: answer(raw) }));
    asked.fail.push(reject);
  });
}
