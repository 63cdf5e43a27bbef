export interface PacedAskOptions {
  ask: () => Promise<void>;
  /** At least so long between the end of one and the next. */
  gapMs: number;
  /** Asked again by itself after so long. */
  everyMs: number;
}

/** A question that is asked again whenever its answer may have changed, but one at a time, and not all the time. */
export class PacedAsk {
  readonly #options: PacedAskOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #endedAt = -Infinity;
  #asking = false;
  #wanted = false;
  #closed = false;

  constructor(options: PacedAskOptions) {
    this.#options = options;
  }

  /** The answer may have changed: asks as soon as it may. */
  soon(): void {
    if (this.#asking) this.#wanted = true;
    else this.#wait(Math.max(0, this.#endedAt + this.#options.gapMs - Date.now()));
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #wait(ms: number): void {
    clearTimeout(this.#timer);
    if (!this.#closed) this.#timer = setTimeout(() => void this.#ask(), ms);
  }

  async #ask(): Promise<void> {
    this.#asking = true;
    this.#wanted = false;
    try {
      await this.#options.ask();
    } finally {
      this.#asking = false;
      this.#endedAt = Date.now();
      this.#wait(this.#wanted ? this.#options.gapMs : this.#options.everyMs);
    }
  }
}
