import { setTimeout as delay } from 'node:timers/promises';
import { holdersOf, isConnectionLoss, OutcomeUnknown, type Bus, type Movement, type MovementOutcome, type ReachFaultPoint, type Settle } from '../../persistence/index.ts';
import { Refusal } from '../../schema/refusals.ts';
import type { Inventory } from '../inventory/index.ts';
import type { Metrics } from '../telemetry/index.ts';

/** How long a lost connection is waited for before a request is given up. */
const DATABASE_AWAY_MAX_MS = 10_000;
const RETRY_MS = 100;

export interface LedgerDeps {
  settle: Settle;
  inventory: Inventory;
  bus: Bus;
  metrics: Metrics;
  reach: ReachFaultPoint;
}

/** The one door through which value moves: trades, gathers, grants and burns. [LD1] */
export class Ledger {
  readonly #deps: LedgerDeps;

  constructor(deps: LedgerDeps) {
    this.#deps = deps;
  }

  /**
   * Settles a movement, then tells who must know.
   *
   * A connection lost on the way is no answer: the same movement is settled again, which the command rows make
   * harmless, until the database says what became of it. [KE3]
   * @throws {Refusal} BUSY when the database stayed away and nothing was written
   * @throws {OutcomeUnknown} when it stayed away during the commit
   */
  async submit(movement: Movement): Promise<MovementOutcome> {
    const { inventory, bus, metrics, reach } = this.#deps;
    const stop = metrics.commitSeconds.startTimer();
    const outcome = await this.#settleForCertain(movement);
    stop();
    metrics.movements.inc({ reason: movement.reason, outcome: outcome.status });
    // It committed before this answer was known: what it changed was never told.
    if (outcome.status === 'known') inventory.refresh(holdersOf(movement));
    if (outcome.status === 'committed') {
      inventory.publish(outcome.deltas);
      if (outcome.profile) bus.publish('player', outcome.profile.player, { type: 'profile', xp: outcome.profile.xp, level: outcome.profile.level });
      reach('published', movement.reason);
    }
    return outcome;
  }

  async #settleForCertain(movement: Movement): Promise<MovementOutcome> {
    const { settle, metrics } = this.#deps;
    const deadline = Date.now() + DATABASE_AWAY_MAX_MS;
    let unknown: OutcomeUnknown | undefined;
    for (;;) {
      try {
        const [outcome] = await settle([movement]);
        if (outcome !== undefined) return outcome;
      } catch (error) {
        if (error instanceof OutcomeUnknown) unknown = error;
        else if (!isConnectionLoss(error) && !(unknown !== undefined && isLostRace(error))) throw error;
        if (Date.now() > deadline) throw unknown ?? new Refusal('BUSY', { reason: 'the database is away' });
        metrics.retries.inc({ cause: 'connection' });
        await delay(RETRY_MS);
      }
    }
  }
}

/** No answer once a commit was lost: what keeps the rows locked may be that very transaction, until a resolver ends it. */
function isLostRace(error: unknown): boolean {
  return error instanceof Refusal && error.code === 'CONCURRENT_MODIFICATION';
}
