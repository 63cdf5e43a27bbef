import { DriverException } from '@mikro-orm/core';

/** The server took too long to give a lock, broke a deadlock, or saw a serialisation failure: the work may run again. */
const LOST_RACES = new Set(['55P03', '40P01', '40001']);

/** What a statement's constraint said, however many layers wrapped it. */
function sqlState(error: unknown): string | undefined {
  if (error instanceof DriverException && error.cause !== undefined) return sqlState(error.cause);
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** A two-phase commit found its own abort decision: a resolver was faster. */
export class DecidedElsewhere extends Error {
  constructor(cause: unknown) {
    super('the transaction was already decided by a resolver', { cause });
    this.name = 'DecidedElsewhere';
  }
}

/** Something else is paused than its writer had heard of: he asks, the next time. */
export class PausesChanged extends Error {
  constructor(cause: unknown) {
    super('something else is paused by now', { cause });
    this.name = 'PausesChanged';
  }
}

/** The connection broke while the commit was under way: it happened or it did not, and only the database knows. */
export class OutcomeUnknown extends Error {
  constructor(cause: unknown) {
    super('the connection was lost during the commit', { cause });
    this.name = 'OutcomeUnknown';
  }
}

/** An earlier statement of its transaction failed. */
export const isInFailedTransaction = (error: unknown) => sqlState(error) === '25P02';
/** A lock was not given: not in time, or not at once. */
export const isLockLost = (error: unknown) => sqlState(error) === '55P03';
export const isUndefinedTable = (error: unknown) => sqlState(error) === '42P01';
export const isUniqueViolation = (error: unknown) => sqlState(error) === '23505';
export const isConstraintViolation = (error: unknown, constraint: string) => sqlState(error) === '23514' && (error as { constraint?: unknown }).constraint === constraint;
/** What was to be written is at fault, by its form or by a constraint, and nothing of it was written. */
export const isRefusedRow = (error: unknown) => /^2[23]/.test(sqlState(error) ?? '');
/** A prepared transaction that is gone, or that somebody else is ending at this moment. */
export const isEndedElsewhere = (error: unknown) => ['42704', '55000'].includes(sqlState(error) ?? '');

/** Whether the same work may simply run again, with nothing written. */
export function isLostRace(error: unknown): boolean {
  return error instanceof DecidedElsewhere || error instanceof PausesChanged || LOST_RACES.has(sqlState(error) ?? '');
}

/**
 * Whether the server or the way to it went away, as against the server refusing the statement.
 * @see PostgreSQL manual, appendix A: class 08 connection exception, 53300 too many connections, class 57P operator intervention
 */
export function isConnectionLoss(error: unknown): boolean {
  const state = sqlState(error);
  if (state === undefined) return /terminated|timeout exceeded|not queryable|Connection ended/i.test(String(error));
  return /^(08|53300|57P0[1-5]|E[A-Z]+$)/.test(state) || state === '25P03';
}
