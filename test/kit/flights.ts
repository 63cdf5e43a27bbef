import { setImmediate as turn } from 'node:timers/promises';
import type { Movement, MovementOutcome } from '../../persistence/index.ts';
import type { HolderId, ItemId, TransactionId } from '../../schema/ids.ts';
import { Refusal } from '../../schema/refusals.ts';
import { CommitQueue, type CommitQueueOptions } from '../../server/ledger/commit-queue.ts';

/** A movement that says its name, whom it touches and what it gives, and by its reason which lane it is of. */
export function moves(name: string, holders: string, lane = '', items: readonly string[] = []): Movement {
  const [giver, ...receivers] = [...holders] as HolderId[];
  const postings = receivers.length === 0 ? [{ asset: name, quantity: 1, giver: giver!, receiver: null }] : receivers.map((receiver) => ({ asset: name, quantity: 1, giver: giver!, receiver }));
  const given = items.map((item) => ({ item: item as ItemId, version: 1, content: { kind: 'sword', attributes: {}, bound: false }, giver: giver!, receiver: receivers[0] ?? null }));
  return { reason: lane, postings: [...postings, ...given], commands: [] };
}
export const nameOf = ({ postings: [first] }: Movement) => (first && 'asset' in first ? first.asset : '');
const outcomeOf = (movement: Movement): MovementOutcome => ({ status: 'committed', transactionId: nameOf(movement) as TransactionId, deltas: [], answers: [] });
const isBusy = (error: unknown) => error instanceof Refusal && error.code === 'BUSY';

/** A commit under way, which ends when and how the test says. */
export class Flight {
  readonly batch: readonly Movement[];
  readonly outcomes: Promise<MovementOutcome[]>;
  #resolve!: (outcomes: MovementOutcome[]) => void;
  #reject!: (error: unknown) => void;

  constructor(batch: readonly Movement[]) {
    this.batch = batch;
    this.outcomes = new Promise((resolve, reject) => ([this.#resolve, this.#reject] = [resolve, reject]));
  }

  get names(): string {
    return this.batch.map(nameOf).join(' ');
  }

  async land(error?: unknown): Promise<void> {
    if (error === undefined) this.#resolve(this.batch.map(outcomeOf));
    else this.#reject(error);
    await turn();
  }
}

/** A queue whose commits the test ends; `told` says by name what each submission came to. */
export function openQueue(options: Partial<CommitQueueOptions> = {}) {
  const flights: Flight[] = [];
  const told = new Map<string, string>();
  const queue = new CommitQueue({
    commit: (batch) => {
      const flight = new Flight(batch);
      flights.push(flight);
      return flight.outcomes;
    },
    mayRunAlone: () => true, laneOf: ({ reason }) => reason, batchSizeMax: 10, batchShareMin: 10, roundsMax: 1, workersMax: 1, lengthMax: 100, perHolderMax: 100,
    ...options,
  });
  const submit = (movement: Movement) =>
    void queue.submit(movement).then(
      (outcome) => told.set(nameOf(movement), outcome.status === 'committed' ? `did ${outcome.transactionId}` : outcome.status),
      (error: unknown) => told.set(nameOf(movement), isBusy(error) ? 'BUSY' : String(error)),
    );
  return { queue, flights, told, submit };
}
