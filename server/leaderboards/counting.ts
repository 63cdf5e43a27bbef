import type { Counted, Movement, MovementOutcome, ScoreChange, ScoreStore } from '../../persistence/index.ts';
import type { PlayerId } from '../../schema/ids.ts';

const WAIT_MS = 250;
/** Writing scores may take so much of the time, and trades the rest: the busier the players, the more of what they do is one score. */
const SHARE_MAX = 0.05;
const RETRY_MS = 1_000;
const WEALTH_ASSET = 'gold';

export interface CountingOptions {
  store: ScoreStore;
  /** The boards that are fed by this. */
  boardsFedBy: (source: Counted) => readonly string[];
  push: (changes: readonly ScoreChange[]) => Promise<void>;
  onFault: (error: unknown) => void;
}

/**
 * Feeds boards with what the game counts. What was done is counted in the very commit that did it; here the scores are brought up to
 * those counts a moment later, for many at once. What a process that dies leaves out is in the counts, and comes with the player's
 * next deed or with whoever looks after it. [LB7]
 */
export class Counting {
  readonly #options: CountingOptions;
  readonly #waiting: Record<Counted, Set<PlayerId>> = { gathered: new Set(), trades: new Set(), wealth: new Set() };
  /** Of whom it is not known whether they were counted, because an answer was lost: no change tells it the next time. */
  readonly #unsure: Record<Counted, Set<PlayerId>> = { gathered: new Set(), trades: new Set(), wealth: new Set() };
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(options: CountingOptions) {
    this.#options = options;
  }

  /** Hears of every movement that was committed. */
  note({ reason, guild }: Pick<Movement, 'reason' | 'guild'>, holders: readonly string[], outcome: MovementOutcome): void {
    if (outcome.status === 'known') {
      // It committed before, and what became of it was never heard.
      this.touch(holders as PlayerId[]);
      return;
    }
    if (outcome.status !== 'committed') return;
    for (const { holderId, set, removed } of outcome.deltas) {
      if (holderId === guild?.guildId) continue;
      if (reason === 'trade') this.#waiting.trades.add(holderId as PlayerId);
      if (reason === 'gather') this.#waiting.gathered.add(holderId as PlayerId);
      if (WEALTH_ASSET in set.fungibles || removed.fungibles.includes(WEALTH_ASSET)) this.#waiting.wealth.add(holderId as PlayerId);
    }
    this.#schedule(WAIT_MS);
  }

  /** Looks after players of whom something may have been left out. */
  touch(players: readonly PlayerId[]): void {
    for (const waiting of Object.values(this.#waiting)) for (const player of players) waiting.add(player);
    this.#schedule(WAIT_MS);
  }

  /** Counts what is waiting now. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#running ??= this.#count().finally(() => (this.#running = undefined));
    await this.#running;
  }

  async stop(): Promise<void> {
    await this.flush();
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #schedule(ms: number): void {
    if (this.#stopped || this.#timer !== undefined || this.#running !== undefined) return;
    if (Object.values(this.#waiting).every(({ size }) => size === 0)) return;
    this.#timer = setTimeout(() => void this.flush(), ms);
    // It keeps no process alive: what it would do is done at the player's next deed.
    this.#timer.unref();
  }

  async #count(): Promise<void> {
    const { store, boardsFedBy, push, onFault } = this.#options;
    const began = performance.now();
    let nextMs = WAIT_MS;
    for (const source of ['gathered', 'trades', 'wealth'] as const) {
      const players = [...this.#waiting[source]];
      const unsure = [...this.#unsure[source]];
      this.#waiting[source].clear();
      const boards = players.length === 0 ? [] : boardsFedBy(source);
      try {
        for (const board of boards) {
          void push(await store.count(source, board, players));
          if (unsure.length > 0) void push(await store.current(board, unsure));
        }
        for (const player of unsure) this.#unsure[source].delete(player);
      } catch (error) {
        for (const player of players) {
          this.#waiting[source].add(player);
          this.#unsure[source].add(player);
        }
        onFault(error);
        nextMs = RETRY_MS;
      }
    }
    nextMs = Math.max(nextMs, (performance.now() - began) / SHARE_MAX);
    // Once this has ended: who is noted meanwhile is counted then.
    setImmediate(() => this.#schedule(nextMs));
  }
}

