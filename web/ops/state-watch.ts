import type { OpsState } from '../../schema/messages/ops.ts';
import { opsApi } from './ask.ts';
import { poll, type Poll } from './poll.ts';
import { learnTitles } from './titles.ts';

const EVERY_MS = 5000;

/** What the server last said of itself, and whether it still answers. */
export interface Known {
  state?: OpsState;
  /** By this machine's clock. */
  answeredAt?: number;
  /** What the last asking came to, if it failed. */
  failure?: unknown;
}

export class StateWatch {
  readonly #listeners = new Set<(known: Known) => void>();
  readonly #poll: Poll;
  #known: Known = {};

  constructor() {
    this.#poll = poll({
      ask: opsApi.state,
      everyMs: EVERY_MS,
      answered: (state) => {
        learnTitles(state.assets);
        this.#tell({ state, answeredAt: Date.now() });
      },
      failed: (failure) => {
        learnTitles();
        this.#tell({ ...this.#known, failure });
      },
    });
  }

  /** Tells at once what is known. @returns how to end it */
  watch(listener: (known: Known) => void): () => void {
    this.#listeners.add(listener);
    listener(this.#known);
    return () => void this.#listeners.delete(listener);
  }

  /** After something was changed here. */
  refresh(): void {
    this.#poll.now();
  }

  #tell(known: Known): void {
    this.#known = known;
    for (const listener of this.#listeners) listener(known);
  }
}
