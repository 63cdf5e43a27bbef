/** Gives a turn back, once. */
export type GiveBack = () => void;

/**
 * Lets so many go at once; the others go in the order in which they asked. A turn that is held for longer than `holdMaxMs` is given
 * to the next one all the same: nobody waits for who hangs.
 */
export class Turns {
  readonly #holdMaxMs: number;
  readonly #waiting: ((giveBack: GiveBack) => void)[] = [];
  #free: number;

  constructor({ atOnceMax, holdMaxMs }: { atOnceMax: number; holdMaxMs: number }) {
    this.#free = atOnceMax;
    this.#holdMaxMs = holdMaxMs;
  }

  /** At once, if one is free. */
  take(): GiveBack | Promise<GiveBack> {
    if (this.#free === 0) return new Promise((resolve) => this.#waiting.push(resolve));
    this.#free--;
    return this.#begin();
  }

  #begin(): GiveBack {
    const end = () => {
      if (timer === undefined) return;
      clearTimeout(timer);
      timer = undefined;
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next(this.#begin());
    };
    let timer: NodeJS.Timeout | undefined = setTimeout(end, this.#holdMaxMs);
    return end;
  }
}
