import type { BoardRows } from '../../schema/leaderboard.ts';

type Listener = (rows: BoardRows) => void;

interface Live {
  board: string;
  region: string;
  listeners: Set<Listener>;
  shown: BoardRows | undefined;
}

export interface LiveBoardsOptions {
  /** The same object for as long as nothing changed. */
  top: (board: string, region: string) => Promise<BoardRows>;
  has: (board: string, region: string) => boolean;
  onFault: (error: unknown) => void;
}

/** Tops that somebody looks at: each is read once for all who do, and told when it has changed. */
export class LiveBoards {
  readonly #options: LiveBoardsOptions;
  readonly #live = new Map<string, Live>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LiveBoardsOptions) {
    this.#options = options;
  }

  start(everyMs: number): void {
    this.#timer = setInterval(() => void Promise.all([...this.#live.values()].map((live) => this.#show(live))), everyMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Hears of a top at once, and then whenever it is looked at and has changed. @returns what stops it */
  watch(board: string, region: string, listener: Listener): () => void {
    const key = `${board} ${region}`;
    const live = this.#live.get(key) ?? { board, region, listeners: new Set(), shown: undefined };
    this.#live.set(key, live);
    live.listeners.add(listener);
    if (live.shown !== undefined) listener(live.shown);
    else void this.#show(live);
    return () => {
      live.listeners.delete(listener);
      if (live.listeners.size === 0 && this.#live.get(key) === live) this.#live.delete(key);
    };
  }

  async #show(live: Live): Promise<void> {
    if (!this.#options.has(live.board, live.region)) return; // struck out of the catalogue
    try {
      const rows = await this.#options.top(live.board, live.region);
      if (rows === live.shown) return;
      live.shown = rows;
      for (const listener of live.listeners) listener(rows);
    } catch (error) {
      this.#options.onFault(error);
    }
  }
}
