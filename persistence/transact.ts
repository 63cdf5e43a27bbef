import { setTimeout as delay } from 'node:timers/promises';
import type { TransactionId } from '../schema/ids.ts';
import { invariant } from '../schema/invariant.ts';
import { Refusal } from '../schema/refusals.ts';
import { DecidedElsewhere, isConnectionLoss, isLostRace, isUniqueViolation, OutcomeUnknown } from './database-errors.ts';
import { once, type ReachFaultPoint } from './fault-points.ts';
import { formatGid } from './gid.ts';
import type { Lease } from './lease.ts';
import { newId } from './new-id.ts';
import type { Shard } from './shard.ts';
import type { MapView } from './slot-map.ts';
import { ShardTransaction } from './shard-transaction.ts';
import { Transaction, type HeardPauses } from './transaction.ts';

const ATTEMPTS_MAX = 3;
const JITTER_MS = 20;
const COMMIT = 'commit';
const prepare = (gid: string): string => `prepare transaction '${gid}'`;

export interface TransactOptions {
  shards: readonly Shard[];
  reach: ReachFaultPoint;
  /** By what this process writes; without it nothing fences it. */
  lease?: Lease | undefined;
  /** A participant could not be told the outcome; a resolver will. */
  onUnfinished: (error: unknown) => void;
  /** A race was lost, and the work runs again. */
  onLostRace?: (() => void) | undefined;
}

export interface Placement {
  /** The map by which the shards were chosen: each of them must say, before the commit, that it still holds. [SH3] */
  view?: MapView;
  /** The shard whose commit decides; the lowest, unless it matters which of them is seen first. */
  home?: number;
}

/** Runs work over one shard or several, all or nothing. [TP1] */
export type TransactOn = <Result>(
  shards: Iterable<number>,
  label: string,
  work: (transaction: Transaction) => Promise<Result>,
  placement?: Placement,
) => Promise<Result>;

/**
 * The one place that begins, commits and retries.
 *
 * One shard: a plain transaction. Several: PostgreSQL's two-phase commit in ascending shard order; every shard but the
 * lowest prepares, the lowest's commit carries the decision row and is the commit point, then the others are told.
 * A lost race (lock timeout, deadlock, decided elsewhere) runs the work again, at most 3 times in all. [TP3]
 *
 * @throws {Refusal} CONCURRENT_MODIFICATION when every attempt lost
 * @throws {OutcomeUnknown} when the connection broke during the commit point: ask by command id
 * @see PostgreSQL manual, PREPARE TRANSACTION
 */
export function transactor({ shards, reach, lease, onUnfinished, onLostRace }: TransactOptions): TransactOn {
  const heard: HeardPauses = new Map();
  return async function transactOn(indexes, label, work, placement = {}) {
    const numbers = [...new Set(indexes)].toSorted((a, b) => a - b);
    invariant(numbers.length > 0, 'a transaction names its shards');
    for (let attempt = 1; ; attempt++) {
      try {
        return await attemptOnce(numbers, label, work, placement);
      } catch (error) {
        if (!isLostRace(error)) throw error;
        if (attempt >= ATTEMPTS_MAX) throw new Refusal('CONCURRENT_MODIFICATION', { attempts: attempt });
        onLostRace?.();
        await delay(Math.random() * JITTER_MS * attempt);
      }
    }
  };

  async function attemptOnce<Result>(numbers: number[], label: string, work: (transaction: Transaction) => Promise<Result>, { view, home: homeShard }: Placement): Promise<Result> {
    const parts: ShardTransaction[] = [];
    const id = newId<TransactionId>();
    const gids = new Map<ShardTransaction, string>();
    let home: ShardTransaction | undefined;
    try {
      for (const number of numbers) {
        const shard = shards[number];
        invariant(shard, `shard ${number} exists`);
        // In ascending order, so that two transactions never wait for each other's connections.
        parts.push(await ShardTransaction.connect(shard));
      }
      home = parts.find(({ shard }) => shard.index === homeShard) ?? parts[0];
      invariant(home, 'a transaction has a home');
      for (const part of parts) if (part !== home) gids.set(part, formatGid({ home: home.shard.index, transactionId: id, shard: part.shard.index }));
      const transaction = new Transaction(id, parts, { view, lease, heard, firstEnds: parts.length === 1 ? new Map([[home, COMMIT]]) : new Map([...gids].map(([part, gid]) => [part, prepare(gid)])) });
      const result = await work(transaction);
      if (transaction.abandoned) {
        await Promise.all(parts.map((part) => part.rollback()));
        return result;
      }
      for (const part of parts) await part.flush();
      invariant(view === undefined || transaction.isConfirmed, 'what was routed by a map asks every shard whether it holds');
      await commit(id, home, gids, label);
      return result;
    } catch (error) {
      const thrown = await asItEnded(error, home);
      // An outcome that is unknown is left to the database and the resolver: a rollback here could contradict it.
      if (thrown instanceof OutcomeUnknown) for (const part of parts) part.release(true);
      else {
        await Promise.all([...gids].map(async ([part, gid]) => (part.isEndSent ? await rollbackPrepared(part, gid) : undefined)));
        await Promise.all(parts.map((part) => part.rollback()));
      }
      throw thrown;
    }
  }

  async function commit(id: TransactionId, home: ShardTransaction, gids: ReadonlyMap<ShardTransaction, string>, label: string): Promise<void> {
    if (gids.size === 0) {
      await commitHome(home, COMMIT);
      reach('committed', label);
      return;
    }
    await prepareAll(gids, label);
    // The decision goes in the same round trip as the commit, so that no resolver ever waits on a slow coordinator.
    await commitHome(home, `insert into decision (transaction_id, outcome) values ('${id}', 'commit'); commit`);
    reach('committed', label);
    await finishAll(gids, label);
    reach('finished', label);
  }

  async function prepareAll(gids: ReadonlyMap<ShardTransaction, string>, label: string): Promise<void> {
    const preparedFirst = once(() => reach('prepared-first', label));
    await allSettled(
      [...gids].map(async ([part, gid]) => {
        const { command } = await part.end(prepare(gid));
        // A failed transaction answers ROLLBACK, without an error.
        invariant(command !== 'ROLLBACK', 'a part that failed cannot be prepared');
        preparedFirst();
      }),
    );
    reach('prepared', label);
  }

  async function finishAll(gids: ReadonlyMap<ShardTransaction, string>, label: string): Promise<void> {
    const finishedFirst = once(() => reach('finished-first', label));
    await Promise.all(
      [...gids].map(async ([part, gid]) => {
        // The outcome is durable: a participant that cannot be told now is told by a resolver.
        await part.control(`commit prepared '${gid}'`).then(
          () => part.release(false),
          (error: unknown) => {
            part.release(true);
            onUnfinished(error);
          },
        );
        finishedFirst();
      }),
    );
  }

  /** Whether the part had prepared or not, it ends rolled back; what cannot be reached now a resolver rolls back. */
  async function rollbackPrepared(part: ShardTransaction, gid: string): Promise<void> {
    await part.control('rollback').then(
      () => part.control(`rollback prepared '${gid}'`).catch(onUnfinishedUnlessAbsent),
      onUnfinished,
    );
  }

  function onUnfinishedUnlessAbsent(error: unknown): void {
    if ((error as { code?: string }).code !== '42704') onUnfinished(error);
  }
}

/** What an error means once it is known what became of the commit, if one was on its way. */
async function asItEnded(cause: unknown, home: ShardTransaction | undefined): Promise<unknown> {
  if (cause instanceof OutcomeUnknown) return cause;
  try {
    return (await home?.mayHaveCommitted()) ? new OutcomeUnknown(cause) : cause;
  } catch (broken) {
    return broken;
  }
}

/** Waits for all of them, however they end, before it throws what the first in order threw. */
async function allSettled(steps: Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(steps)) if (result.status === 'rejected') throw result.reason;
}

async function commitHome(home: ShardTransaction, sql: string): Promise<void> {
  try {
    const { command } = await home.end(sql);
    // COMMIT of a failed transaction answers ROLLBACK, without an error.
    invariant(command === 'COMMIT', `the commit answered ${command}`);
    home.release(false);
  } catch (error) {
    if (isUniqueViolation(error)) throw new DecidedElsewhere(error);
    if (isConnectionLoss(error)) throw new OutcomeUnknown(error);
    throw error;
  }
}
