import { Refusal } from '../schema/refusals.ts';
import { isRefusedRow } from './database-errors.ts';
import type { Turns } from './turns.ts';

export interface GroupCommitOptions<Item> {
  /** Commits all of them or none. */
  commit: (items: readonly Item[]) => Promise<void>;
  sizeMax: number;
  /** Waiting, per lane; beyond it one is BUSY. */
  waitingMax: number;
  /** By which lanes take turns; none waits for another without. */
  turns?: Turns;
}

interface Waiting<Item> {
  item: Item;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/**
 * Commits what belongs to nobody else, many at a time: what comes while its lane's commit is under way waits for that and goes
 * together, never for a timer; a lonely one goes at once. When a row of it is refused, each goes alone. [AC5]
 *
 * With turns, lanes gather behind each other too: where all share two cores, a few large commits are less work than many small ones.
 */
export class GroupCommit<Item> {
  readonly #options: GroupCommitOptions<Item>;
  /** Lanes with a commit under way, and who waits for it. */
  readonly #lanes = new Map<number, Waiting<Item>[]>();

  constructor(options: GroupCommitOptions<Item>) {
    this.#options = options;
  }

  /** @throws {Refusal} BUSY; else whatever its commit threw */
  add(lane: number, item: Item): Promise<void> {
    const waiting = this.#lanes.get(lane);
    if (waiting !== undefined && waiting.length >= this.#options.waitingMax) throw new Refusal('BUSY');
    return new Promise((resolve, reject) => {
      const entry = { item, resolve, reject };
      if (waiting !== undefined) waiting.push(entry);
      else void this.#run(lane, [entry]);
    });
  }

  async #run(lane: number, waiting: Waiting<Item>[]): Promise<void> {
    this.#lanes.set(lane, waiting);
    while (waiting.length > 0) {
      const taken = this.#options.turns?.take();
      const giveBack = taken instanceof Promise ? await taken : taken;
      await this.#commit(waiting.splice(0, this.#options.sizeMax));
      giveBack?.();
    }
    this.#lanes.delete(lane);
  }

  async #commit(entries: readonly Waiting<Item>[]): Promise<void> {
    try {
      await this.#options.commit(entries.map(({ item }) => item));
      for (const { resolve } of entries) resolve();
    } catch (error) {
      if (entries.length > 1 && isRefusedRow(error)) for (const entry of entries) await this.#commit([entry]);
      else for (const { reject } of entries) reject(error);
    }
  }
}
