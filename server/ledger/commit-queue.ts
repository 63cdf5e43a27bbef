import { holdersOf, itemsOf, type GiveBack, type Movement, type MovementOutcome, type Turns } from '../../persistence/index.ts';
import type { HolderId } from '../../schema/ids.ts';
import { invariant } from '../../schema/invariant.ts';
import { Refusal } from '../../schema/refusals.ts';
import { RenewedMap } from './renewed-map.ts';

export interface CommitQueueOptions {
  /** Commits a batch, one outcome per movement; a throw means that none of it is known to have happened. */
  commit: (batch: readonly Movement[]) => Promise<MovementOutcome[]>;
  /** Whether a failed batch may be tried movement by movement: nothing of it was written. */
  mayRunAlone: (error: unknown) => boolean;
  /** Whether a movement whose turn came looks hopeless from here; a guess, which `judge` checks. */
  doubts?: (movement: Movement) => boolean;
  /** What speaks against movements as things are now, if anything does; nothing is written. */
  judge?: (movements: readonly Movement[]) => Promise<(MovementOutcome | undefined)[]>;
  /** What may share a batch without costing each other anything: the name of the lane. */
  laneOf: (movement: Movement) => string;
  /** In movements, each of which counts as much as it weighs: one, unless told. */
  batchSizeMax: number;
  weightOf?: (movement: Movement) => number;
  /** A wave smaller than this is not shared: a commit has its price, however little is in it. */
  batchShareMin: number;
  /** How many movements of one holder may share a commit, one after the other. */
  roundsMax: number;
  /** Commits under way at once per lane. */
  workersMax: number;
  /** Which lanes take to commit, and gather meanwhile; none waits for another without. */
  turns?: Pick<Turns, 'take'>;
  /** Waiting and running, in all and per holder; beyond it a movement is BUSY. */
  lengthMax: number;
  perHolderMax: number;
  onBatch?: (size: number, waitedMs: readonly number[]) => void;
  now?: () => number;
}

interface Entry {
  movement: Movement;
  holders: readonly HolderId[];
  lane: Lane;
  since: number;
  judged: boolean;
  /** It let go whoever is behind it, while a commit moved an item that it names. */
  gaveWay: boolean;
  /** It is in its lane, or under way. */
  ready: boolean;
  resolve: (outcome: MovementOutcome) => void;
  reject: (error: unknown) => void;
}

interface Lane {
  ready: Entry[];
  running: number;
  /** Movements in commits under way. */
  underWay: number;
  /** A worker is about to take a batch, or waits for its turn to. */
  woken: boolean;
}

/**
 * Commits many movements at a time. [TQ1] … [TQ5]
 *
 * Group commit: a movement waits for the commit in flight, never for a timer; a lonely one goes at once. Each holder has
 * a line of its own, and a movement is ready when it is first in the lines of all its holders. So commits under way never
 * share a holder, a holder's movements keep their order, and the oldest movement
 * is always ready: nobody starves and nothing deadlocks. [TQ7] for lanes that take turns.
 *
 * Many want the same thing, and one gets it: what the others still ask would take their holders' turns in vain. A movement
 * that looks hopeless when its turn comes steps out of the lines and is judged; if it was doubted wrongly, it goes to
 * the end of its lines and is not doubted again. Who might go along with a commit, but names an item that moves in it, gives way
 * once: it waits for what becomes of the item, and keeps nobody behind it waiting.
 */
export class CommitQueue {
  readonly #options: CommitQueueOptions;
  readonly #now: () => number;
  readonly #lanes = new Map<string, Lane>();
  readonly #lines = new RenewedMap<HolderId, Entry[]>();
  #length = 0;
  readonly #doubted: Entry[] = [];
  #judging = false;
  #draining = false;
  #idle: (() => void)[] = [];

  constructor(options: CommitQueueOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  get length(): number {
    return this.#length;
  }

  /** @throws {Refusal} BUSY when a bound is reached or the queue drains: nothing happened */
  submit(movement: Movement): Promise<MovementOutcome> {
    const holders = holdersOf(movement);
    const { lengthMax, perHolderMax } = this.#options;
    const full = this.#draining || this.#length >= lengthMax || holders.some((holder) => (this.#lines.get(holder)?.length ?? 0) >= perHolderMax);
    if (full) return Promise.reject(new Refusal('BUSY', { reason: 'the commit queue is full' }));
    return new Promise((resolve, reject) => {
      const entry: Entry = { movement, holders, lane: this.#laneOf(movement), since: this.#now(), judged: false, gaveWay: false, ready: false, resolve, reject };
      this.#length++;
      this.#join(entry);
    });
  }

  /** Takes nothing more, and resolves when everything taken has its outcome. */
  drain(): Promise<void> {
    this.#draining = true;
    return this.idle();
  }

  /** Resolves when nothing waits and nothing is under way. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle.push(resolve);
      this.#idleIfEmpty();
    });
  }

  #laneOf(movement: Movement): Lane {
    const name = this.#options.laneOf(movement);
    let lane = this.#lanes.get(name);
    if (lane === undefined) {
      lane = { ready: [], running: 0, underWay: 0, woken: false };
      this.#lanes.set(name, lane);
    }
    return lane;
  }

  #join(entry: Entry): void {
    for (const holder of entry.holders) {
      const line = this.#lines.get(holder);
      if (line === undefined) this.#lines.set(holder, [entry]);
      else line.push(entry);
    }
    this.#readyIfFirst(entry);
  }

  #readyIfFirst(entry: Entry): void {
    if (entry.ready || !entry.holders.every((holder) => this.#lines.get(holder)?.[0] === entry)) return;
    if (this.#isDoubted(entry)) return this.#stepAside(entry);
    entry.ready = true;
    entry.lane.ready.push(entry);
    this.#wake(entry.lane);
  }

  #isDoubted({ judged, movement }: Entry): boolean {
    return !judged && this.#options.doubts?.(movement) === true;
  }

  #stepAside(entry: Entry): void {
    this.#doubt(entry);
    this.#stepOut([entry]);
  }

  #doubt(entry: Entry): void {
    this.#doubted.push(entry);
    if (!this.#judging) queueMicrotask(() => void this.#judge());
    this.#judging = true;
  }

  /** It is known now what became of the items that somebody else moved. */
  #comeBack(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (this.#isDoubted(entry)) this.#doubt(entry);
      else this.#join(entry);
    }
  }

  /** One question at a time, for all who are doubted by then. */
  async #judge(): Promise<void> {
    const entries = this.#doubted.splice(0, this.#options.batchSizeMax);
    // Who cannot be judged now is settled like anybody else.
    const outcomes = await (this.#options.judge?.(entries.map(({ movement }) => movement)) ?? Promise.resolve([])).catch((): MovementOutcome[] => []);
    for (const [at, entry] of entries.entries()) {
      const outcome = outcomes[at];
      entry.judged = true;
      if (outcome === undefined) {
        this.#join(entry);
        continue;
      }
      this.#length--;
      entry.resolve(outcome);
    }
    this.#judging = this.#doubted.length > 0;
    if (this.#judging) void this.#judge();
    this.#idleIfEmpty();
  }

  /** What is submitted in the same turn goes together. */
  #wake(lane: Lane): void {
    if (lane.woken || lane.running >= this.#options.workersMax) return;
    lane.woken = true;
    queueMicrotask(() => void this.#run(lane));
  }

  async #run(lane: Lane): Promise<void> {
    lane.running++;
    const taken = this.#options.turns?.take();
    const giveBack = taken instanceof Promise ? await taken : taken;
    lane.woken = false;
    const batch = lane.ready.splice(0, this.#sizeOfNext(lane));
    // Whom it was woken for may have gone along with another batch meanwhile.
    if (batch.length > 0) await this.#send(batch, lane, giveBack);
    else giveBack?.();
    lane.running--;
    if (lane.ready.length > 0) this.#wake(lane);
  }

  async #send(batch: Entry[], lane: Lane, giveBack: GiveBack | undefined): Promise<void> {
    const gaveWay = this.#followUp(batch, lane);
    lane.underWay += batch.length;
    if (lane.ready.length > 0) this.#wake(lane);
    const now = this.#now();
    this.#options.onBatch?.(batch.length, batch.map(({ since }) => now - since));
    await this.#commit(batch);
    giveBack?.();
    lane.underWay -= batch.length;
    this.#comeBack(gaveWay);
  }

  /** Half of all, so that one half commits while the other gathers; more workers than two are for what is more than two batches. */
  #sizeOfNext({ ready, underWay }: Lane): number {
    const { batchSizeMax, batchShareMin } = this.#options;
    const size = Math.min(batchSizeMax, Math.max(batchShareMin, Math.ceil((ready.length + underWay) / 2)));
    let weight = 0;
    const over = ready.slice(0, size).findIndex(({ movement }) => (weight += this.#options.weightOf?.(movement) ?? 1) > batchSizeMax);
    return over < 0 ? size : Math.max(1, over);
  }

  /**
   * Those who wait for nobody but the batch go along, each behind whom it waits for: many who want the same holders share
   * a commit too.
   * @returns who gave way, because the batch moves an item that they name
   */
  #followUp(batch: Entry[], lane: Lane): Entry[] {
    const { batchSizeMax, roundsMax } = this.#options;
    const items = new Set(batch.flatMap(({ movement }) => itemsOf(movement)));
    const taken = new Map<HolderId, number>();
    const nextOf = (holder: HolderId) => this.#lines.get(holder)?.[taken.get(holder) ?? 0];
    const namesTaken = ({ movement }: Entry) => itemsOf(movement).some((item) => items.has(item));
    const gaveWay: Entry[] = [];
    const left = lane.ready.length;
    let more = [...batch];
    for (let round = 1; more.length > 0; round++) {
      for (const { holders } of more) for (const holder of holders) taken.set(holder, (taken.get(holder) ?? 0) + 1);
      if (round >= roundsMax) break;
      more = [];
      const due = new Set(taken.keys());
      for (const holder of due) {
        const entry = nextOf(holder);
        if (entry === undefined || entry.ready || entry.lane !== lane || !entry.holders.every((other) => nextOf(other) === entry)) continue;
        const isRival = namesTaken(entry);
        if (this.#isDoubted(entry)) this.#stepAside(entry);
        else if (isRival && !entry.gaveWay) {
          entry.gaveWay = true;
          gaveWay.push(entry);
          this.#stepOut([entry]);
        } else {
          if (!isRival && batch.length < batchSizeMax) take(entry);
          continue;
        }
        // Another one is next in their lines now, and they are looked at again.
        for (const other of entry.holders) {
          due.delete(other);
          due.add(other);
        }
      }
      // Where somebody stepped out, others may be first in all of their lines, and need not wait for their own batch.
      for (const entry of lane.ready.splice(left)) {
        if (batch.length < batchSizeMax && !namesTaken(entry)) take(entry);
        else lane.ready.push(entry);
      }
    }
    return gaveWay;

    function take(entry: Entry): void {
      entry.ready = true;
      more.push(entry);
      batch.push(entry);
      for (const item of itemsOf(entry.movement)) items.add(item);
    }
  }

  async #commit(batch: readonly Entry[]): Promise<void> {
    const outcomes = await this.#options.commit(batch.map(({ movement }) => movement)).catch((error: unknown) => ({ error }));
    if (Array.isArray(outcomes)) {
      invariant(outcomes.length === batch.length, 'every movement of a batch has an outcome');
      this.#leave(batch);
      for (const [at, entry] of batch.entries()) entry.resolve(outcomes[at] as MovementOutcome);
    } else if (batch.length > 1 && this.#options.mayRunAlone(outcomes.error)) {
      // One of them is poisoned in a way that the statement could not tell: it shall fail alone.
      for (const entry of batch) await this.#commit([entry]);
    } else {
      this.#leave(batch);
      for (const entry of batch) entry.reject(outcomes.error);
    }
  }

  /** Makes room in the lines, and with it the next ones ready, before anybody is told. */
  #leave(batch: readonly Entry[]): void {
    this.#length -= batch.length;
    this.#stepOut(batch);
    this.#idleIfEmpty();
  }

  #stepOut(batch: readonly Entry[]): void {
    for (const entry of batch) {
      for (const holder of entry.holders) {
        const line = this.#lines.get(holder);
        const place = line?.indexOf(entry);
        invariant(line && place !== undefined && (place === 0 || (place > 0 && !entry.ready)), 'who leaves a line was first in it, or was never taken');
        line.splice(place, 1);
        if (line.length === 0) this.#lines.delete(holder);
      }
    }
    const next = new Set(batch.flatMap(({ holders }) => holders.flatMap((holder) => this.#lines.get(holder)?.[0] ?? [])));
    for (const entry of next) this.#readyIfFirst(entry);
  }

  #idleIfEmpty(): void {
    if (this.#length > 0) return;
    for (const resolve of this.#idle) resolve();
    this.#idle = [];
  }
}
