/** A reading that takes longer is not waited for: who asks later would wait for two. */
const WAIT_MAX_MS = 40;

/**
 * One reading at a time for each key, as long as they are quick. Who asks while one is under way gets the next, which begins after he
 * asked: nothing is shown that is older than the question, and a thousand who ask at once are two readings.
 */
export class JoinedReads<Key, Answer> {
  readonly #read: (key: Key) => Promise<Answer>;
  readonly #running = new Map<Key, Promise<Answer>>();
  readonly #next = new Map<Key, Promise<Answer>>();

  constructor(read: (key: Key) => Promise<Answer>) {
    this.#read = read;
  }

  get(key: Key): Promise<Answer> {
    const running = this.#running.get(key);
    if (running === undefined) return this.#start(key);
    const waiting = this.#next.get(key);
    if (waiting !== undefined) return waiting;
    const next = new Promise<Answer>((resolve) => {
      const begin = () => {
        clearTimeout(timer);
        if (this.#next.get(key) !== next) return;
        this.#next.delete(key);
        resolve(this.#start(key));
      };
      const timer = setTimeout(begin, WAIT_MAX_MS);
      running.then(begin, begin);
    });
    this.#next.set(key, next);
    return next;
  }

  #start(key: Key): Promise<Answer> {
    const reading = this.#read(key);
    this.#running.set(key, reading);
    const ended = () => this.#running.get(key) === reading && this.#running.delete(key);
    reading.then(ended, ended);
    return reading;
  }
}
