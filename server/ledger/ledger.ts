import { setTimeout as delay } from 'node:timers/promises';
import { holdersOf, isConnectionLoss, OutcomeUnknown, type Bus, type Judge, type Movement, type MovementOutcome, type ReachFaultPoint, type Settle } from '../../persistence/index.ts';
import { BrokenInvariant } from '../../schema/invariant.ts';
import { Refusal } from '../../schema/refusals.ts';
import type { Inventory } from '../inventory/index.ts';
import type { Metrics } from '../telemetry/index.ts';
import { CommitQueue, type CommitQueueOptions } from './commit-queue.ts';

/** How long a lost connection is waited for before a request is given up. */
const DATABASE_AWAY_MAX_MS = 10_000;
const RETRY_MS = 100;
/** One player's requests may not fill the queue that all share. */
const PER_HOLDER_MAX = 256;

export interface LedgerDeps {
  settle: Settle;
  judge: Judge;
  laneOf: (movement: Movement) => string;
  inventory: Inventory;
  bus: Bus;
  metrics: Metrics;
  reach: ReachFaultPoint;
  /** Hears of every movement with its outcome, also of those that had committed before. */
  onSettled?: (movement: Movement, outcome: MovementOutcome) => void;
  queue: Pick<CommitQueueOptions, 'batchSizeMax' | 'batchShareMin' | 'roundsMax' | 'workersMax' | 'turns' | 'lengthMax'>;
}

/** The one door through which value moves: trades, gathers, grants and burns. [LD1] */
export class Ledger {
  readonly #deps: LedgerDeps;
  readonly #queue: CommitQueue;

  constructor(deps: LedgerDeps) {
    this.#deps = deps;
    const { metrics } = deps;
    this.#queue = new CommitQueue({
      ...deps.queue,
      perHolderMax: PER_HOLDER_MAX,
      laneOf: deps.laneOf,
      // A guild's actions together are as many movements.
      weightOf: ({ guild }) => guild?.size ?? 1,
      commit: (batch) => this.#commit(batch),
      doubts: (movement) => looksHopeless(movement, deps.inventory),
      judge: (movements) => this.#judge(movements),
      mayRunAlone: (error) => !(error instanceof OutcomeUnknown || error instanceof BrokenInvariant || isBusy(error)),
      onBatch: (size, waitedMs) => {
        metrics.batchSize.observe(size);
        for (const ms of waitedMs) metrics.queueWaitSeconds.observe(ms / 1000);
      },
    });
  }

  /**
   * Settles a movement, together with whatever else is waiting, and tells who must know.
   * @throws {Refusal} BUSY when the queue is full, or the database stayed away and nothing was written
   * @throws {OutcomeUnknown} when it stayed away during the commit
   */
  submit(movement: Movement): Promise<MovementOutcome> {
    return this.#queue.submit(movement);
  }

  /** Movements that wait for a commit, or are in one. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** Takes nothing more; resolves when all that was taken has its outcome. */
  drain(): Promise<void> {
    return this.#queue.drain();
  }

  /** Resolves when nothing waits for its outcome. */
  idle(): Promise<void> {
    return this.#queue.idle();
  }

  async #commit(batch: readonly Movement[]): Promise<MovementOutcome[]> {
    const { inventory, bus, metrics, reach } = this.#deps;
    const stop = metrics.commitSeconds.startTimer();
    const outcomes = await this.#settleForCertain(batch);
    stop();
    // A guild's bank is shown by its guild, which tells of it with the rest.
    const deltas = outcomes.flatMap((outcome, at) => (outcome.status === 'committed' ? outcome.deltas.filter(({ holderId }) => holderId !== batch[at]?.guild?.guildId) : []));
    if (deltas.length > 0) inventory.publish(deltas);
    for (const [at, outcome] of outcomes.entries()) {
      const movement = batch[at] as Movement;
      this.#count(movement, outcome);
      this.#deps.onSettled?.(movement, outcome);
      if (outcome.status !== 'committed') continue;
      if (outcome.profile) bus.publish('player', outcome.profile.player, { type: 'profile', xp: outcome.profile.xp, level: outcome.profile.level });
      reach('published', movement.reason);
    }
    return outcomes;
  }

  async #judge(movements: readonly Movement[]): Promise<(MovementOutcome | undefined)[]> {
    const outcomes = await this.#deps.judge(movements);
    for (const [at, outcome] of outcomes.entries()) if (outcome !== undefined) this.#count(movements[at] as Movement, outcome);
    return outcomes;
  }

  #count(movement: Movement, { status }: MovementOutcome): void {
    const { inventory, metrics } = this.#deps;
    metrics.movements.count(movement.reason, status);
    // It committed before this answer was known: what it changed was never told.
    if (status === 'known') inventory.refresh(holdersOf(movement));
  }

  /**
   * A connection lost on the way is no answer: the same batch is settled again, which the command rows make harmless,
   * until the database says what became of it. [KE3]
   */
  async #settleForCertain(batch: readonly Movement[]): Promise<MovementOutcome[]> {
    const { settle, metrics } = this.#deps;
    const deadline = Date.now() + DATABASE_AWAY_MAX_MS;
    let unknown: OutcomeUnknown | undefined;
    for (;;) {
      try {
        return await settle(batch);
      } catch (error) {
        if (error instanceof OutcomeUnknown) unknown = error;
        else if (!isConnectionLoss(error) && !(unknown !== undefined && isLostRace(error))) throw certainly(error, unknown);
        if (Date.now() > deadline) throw unknown ?? new Refusal('BUSY', { reason: 'the database is away' });
        metrics.retries.inc({ cause: 'connection' });
        await delay(RETRY_MS);
      }
    }
  }
}

/** Whether somebody gives what is not theirs any more, as far as is known here. */
function looksHopeless({ postings }: Movement, inventory: Inventory): boolean {
  return postings.some((posting) => {
    const held = 'version' in posting ? inventory.peek(posting.giver) : undefined;
    return held !== undefined && 'version' in posting && held.item(posting.item) === undefined;
  });
}

/** Once a commit was lost, a later error does not say that nothing happened. */
function certainly(error: unknown, unknown: OutcomeUnknown | undefined): unknown {
  return error instanceof BrokenInvariant ? error : (unknown ?? error);
}

/** No answer once a commit was lost: what keeps the rows locked may be that very transaction, until a resolver ends it. */
function isLostRace(error: unknown): boolean {
  return error instanceof Refusal && error.code === 'CONCURRENT_MODIFICATION';
}

/** The database stayed away: trying a hundred movements one by one would keep a hundred players waiting ten seconds each. */
function isBusy(error: unknown): boolean {
  return error instanceof Refusal && error.code === 'BUSY';
}
