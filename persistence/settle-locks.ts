import type { HolderId } from '../schema/ids.ts';
import { uuidArray } from './array-binary.ts';
import { isLockLost } from './database-errors.ts';
import type { FlushReading } from './guilds/read-flush.ts';
import { holdersOf, type Movement } from './movement.ts';
import { isPlayer } from './posting.ts';
import { localityOf } from './settle-input.ts';
import { denyUnfit, type Denials, type HolderRow } from './settle-outcomes.ts';
import { LOCK, LOCK_AT_ONCE, LOCK_COMMANDS, LOCK_UNSEEN, LOCK_UNSEEN_AT_ONCE } from './settle-statements.ts';
import type { ShardTransaction } from './shard-transaction.ts';
import type { Transaction } from './transaction.ts';

/** Somebody else has one of the rows that were to be had at once: they are to be waited for, in order. */
export class LockedElsewhere extends Error {
  constructor(cause: unknown) {
    super('a row is locked by somebody else', { cause });
    this.name = 'LockedElsewhere';
  }
}

export interface LockOptions {
  /** What is read right behind the locks of each shard. */
  ahead: FlushReading | undefined;
  /** Each shard is asked at once whether the writer may write. */
  asksFirst: boolean;
  /** Rows are waited for, shard by shard; otherwise all shards are locked at the same time, and nothing is waited for. */
  isOrderly: boolean;
}

/**
 * Takes every holder's row, and says whom it denies. Who waits for a row while he has others takes the shards in ascending order, as everybody; who
 * takes them all at the same time waits for none, so nobody ever waits for him who waits. [LD2]
 *
 * Who acts by a statement that asks whether the writer may write need not ask before, unless somebody is to be denied. [TP10]
 * @throws {LockedElsewhere} when they were to be had at once
 */
export async function lockHolders(transaction: Transaction, movements: readonly Movement[], { ahead, asksFirst, isOrderly }: LockOptions): Promise<{ locked: Map<HolderId, HolderRow>; denials: Denials }> {
  const { parts, shardOf } = transaction;
  const ownSlots = movements.flatMap(({ commands }) => commands).filter(({ actor }) => !isPlayer(actor));
  const names = movements.flatMap(({ guild }) => guild?.names ?? []);
  const slots = [...ownSlots.map(({ id }) => id), ...names];
  // Those of slots are waited for.
  const isAtOnce = !isOrderly && slots.length === 0;
  // What guilds decide depends on what is paused.
  const isAsked = asksFirst || !transaction.hasHeardPauses || movements.some(({ guild }) => guild !== undefined);
  if (slots.length > 0) await transaction.takeSlots(slots);
  const wanted = Map.groupBy(new Set(movements.flatMap(holdersOf)), shardOf);
  const locked = new Map<HolderId, HolderRow>();
  if (isAtOnce) await Promise.all(parts.map((part) => lockOn(part)));
  else {
    for (const part of parts) {
      const { commandHere } = localityOf(part.shard.index, shardOf);
      const commands = ownSlots.filter(({ actor, id }) => commandHere(actor, id));
      if (commands.length > 0) await part.query(LOCK_COMMANDS, [commands.map(({ id }) => id)]);
      await lockOn(part);
    }
  }
  const denials: Denials = new Map();
  denyUnfit(denials, movements, locked, transaction.paused);
  if (denials.size === 0) return { locked, denials };
  for (const part of parts) {
    if (!transaction.isConfirmedOn(part)) await transaction.confirm(part);
    // The locks may have seen what was before a flip, and the question what is after it: between two questions with one answer there was none. [SH3]
    if (wanted.get(part.shard.index)?.some((holder) => !locked.has(holder))) await Promise.all([lockOn(part), transaction.confirm(part)]);
  }
  denials.clear();
  denyUnfit(denials, movements, locked, transaction.paused);
  return { locked, denials };

  async function lockOn(part: ShardTransaction): Promise<void> {
    const here = wanted.get(part.shard.index);
    if (here === undefined) return;
    const locking = lockAll(part, here, { isAtOnce });
    const asking = isAsked && transaction.confirm(part);
    ahead?.send(part, shardOf);
    const [rows] = await Promise.all([locking, asking]);
    for (const row of rows) locked.set(row.holder, row);
  }
}

/** The rows of holders on one shard, waited for in order, or had at once. @throws {LockedElsewhere} when they were to be had at once */
export function lockAll(part: ShardTransaction, holders: readonly HolderId[], { isAtOnce }: { isAtOnce: boolean }): Promise<HolderRow[]> {
  return part.query<HolderRow>(isAtOnce ? LOCK_AT_ONCE : LOCK, [uuidArray(holders)], isAtOnce ? elsewhere : undefined);
}

/** The same, and nobody is told what is in them. @throws {LockedElsewhere} when they were to be had at once */
export async function lockUnseen(part: ShardTransaction, holders: readonly HolderId[], { isAtOnce }: { isAtOnce: boolean }): Promise<void> {
  await part.query(isAtOnce ? LOCK_UNSEEN_AT_ONCE : LOCK_UNSEEN, [uuidArray(holders)], isAtOnce ? elsewhere : undefined);
}

const elsewhere = (error: unknown): unknown => (isLockLost(error) ? new LockedElsewhere(error) : error);
