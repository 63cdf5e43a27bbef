import type { GuildId, PlayerId } from '../../schema/ids.ts';
import { Refusal } from '../../schema/refusals.ts';
import { weightOf, type GuildAction } from './actions.ts';
import type { ActionOutcome } from './decide.ts';

export interface ActionBatcherOptions {
  /**
   * Commits actions of one guild in one transaction, with one outcome each; a throw means that none is known to have happened.
   * @param extra other members whose rows an action needs
   */
  flush: (guildId: GuildId, actions: readonly GuildAction[], extra: readonly PlayerId[]) => Promise<ActionOutcome[]>;
  /** Whether a failed flush may be tried action by action: nothing of it was written. */
  mayRunAlone: (error: unknown) => boolean;
  /** Actions per flush, and postings of all of them. */
  sizeMax: number;
  weightMax: number;
  /** Waiting, per guild and of one player; beyond it an action is BUSY. */
  waitingMax: number;
  perPlayerMax: number;
  /** How often one action may be put off to the next flush. */
  triesMax: number;
  onFlush?: (size: number) => void;
}

interface Waiting {
  action: GuildAction;
  tries: number;
  extra: readonly PlayerId[];
  resolve: (outcome: Decided) => void;
  reject: (error: unknown) => void;
}

/** What became of a flush: those that the next one decides, and what tells all others. */
interface Flushed {
  again: Waiting[];
  tell: () => void;
}

export type Decided = Exclude<ActionOutcome, { status: 'again' }>;

/**
 * Many actions of one guild, one transaction. A lonely action goes at once, with whatever else was asked in the same turn;
 * what comes while a flush is under way waits for that one's commit and never for a timer, so the wait is one commit, and
 * far below the 100 ms that a timer would be given. [GA1] [GA5]
 */
export class ActionBatcher {
  readonly #options: ActionBatcherOptions;
  /** Guilds with a flush under way, and what waits for it. */
  readonly #guilds = new Map<GuildId, Waiting[]>();

  constructor(options: ActionBatcherOptions) {
    this.#options = options;
  }

  /** @throws {Refusal} BUSY when too many wait: nothing happened; CONCURRENT_MODIFICATION when it was put off too often */
  add(guildId: GuildId, action: GuildAction): Promise<Decided> {
    const { waitingMax, perPlayerMax } = this.#options;
    const waiting = this.#guilds.get(guildId);
    const isFull = waiting !== undefined && (waiting.length >= waitingMax || waiting.filter(({ action: { actor } }) => actor === action.actor).length >= perPlayerMax);
    if (isFull) return Promise.reject(new Refusal('BUSY', { reason: 'too many actions wait for this guild' }));
    return new Promise((resolve, reject) => {
      const entry: Waiting = { action, tries: 0, extra: [], resolve, reject };
      if (waiting !== undefined) return void waiting.push(entry);
      const started = [entry];
      this.#guilds.set(guildId, started);
      queueMicrotask(() => void this.#run(guildId, started));
    });
  }

  async #run(guildId: GuildId, waiting: Waiting[]): Promise<void> {
    while (waiting.length > 0) {
      const { again, tell } = await this.#flush(guildId, waiting.splice(0, this.#sizeOfNext(waiting)));
      waiting.unshift(...again);
      // Who waits for the next flush waits for PostgreSQL: it has its questions before a hundred answers are written here.
      if (waiting.length > 0) setImmediate(tell);
      else tell();
    }
    this.#guilds.delete(guildId);
  }

  #sizeOfNext(waiting: readonly Waiting[]): number {
    const { sizeMax, weightMax } = this.#options;
    let weight = 0;
    const over = waiting.findIndex(({ action }) => (weight += weightOf(action)) > weightMax);
    return Math.min(sizeMax, over < 0 ? waiting.length : Math.max(1, over));
  }

  async #flush(guildId: GuildId, batch: readonly Waiting[]): Promise<Flushed> {
    const { flush, mayRunAlone, onFlush, triesMax } = this.#options;
    onFlush?.(batch.length);
    const outcomes = await flush(guildId, batch.map(({ action }) => action), batch.flatMap(({ extra }) => extra)).catch((error: unknown) => ({ error }));
    if (!Array.isArray(outcomes)) {
      // One of them is poisoned in a way that no rule knows: it shall fail alone.
      if (batch.length > 1 && mayRunAlone(outcomes.error)) return joined(await inTurn(batch, (entry) => this.#flush(guildId, [entry])));
      return { again: [], tell: () => batch.forEach(({ reject }) => reject(outcomes.error)) };
    }
    const again: Waiting[] = [];
    const answers: (() => void)[] = [];
    for (const [at, entry] of batch.entries()) {
      const outcome = outcomes[at] as ActionOutcome;
      if (outcome.status !== 'again') answers.push(() => entry.resolve(outcome));
      else if (++entry.tries >= triesMax) answers.push(() => entry.reject(new Refusal('CONCURRENT_MODIFICATION', { attempts: entry.tries })));
      else again.push(Object.assign(entry, { extra: outcome.with ?? entry.extra }));
    }
    return { again, tell: () => answers.forEach((answer) => answer()) };
  }
}

const joined = (flushed: readonly Flushed[]): Flushed => ({ again: flushed.flatMap(({ again }) => again), tell: () => flushed.forEach(({ tell }) => tell()) });

async function inTurn<Item, Result>(items: readonly Item[], work: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  for (const item of items) results.push(await work(item));
  return results;
}
