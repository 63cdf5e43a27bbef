import { invariant } from '../schema/invariant.ts';
import { byteaArray, int2Array, int4Array, int8Array, uuidArray } from './array-binary.ts';
import { literal } from './array-literal.ts';
import type { Statement } from './shard-transaction.ts';

/**
 * What one shard's part of a batch is sent as: columns whose rows stand side by side. Keys, assets and items stand once and are named elsewhere by
 * their place, from 1; at place 0 is nothing. Movements are named by their place in the batch, `ix`.
 */
const TYPES = {
  // The holders that are here come first, and of them: the first movement of each, how many it is in, and how many of these are trades.
  keys: 'uuid[]', holderIx: 'int[]', moves: 'int[]', trades: 'int[]',
  // Of the same, where they were foreseen: the session's epoch that each must have.
  epochs: 'bigint[]',
  // By movement; of an element that is a text all before it are looked through, so they stand once, and few.
  transactions: 'uuid[]', reason: 'int[]', reasons: 'text[]',
  assets: 'text[]', items: 'uuid[]',
  // Postings with an end here.
  ix: 'int[]', seq: 'smallint[]', asset: 'int[]', item: 'int[]', version: 'int[]', quantity: 'bigint[]', giver: 'int[]', receiver: 'int[]',
  // Which of them move an item from here to here, to elsewhere or nowhere, and to here; and of these what it is.
  stays: 'int[]', goes: 'int[]', comes: 'int[]', kinds: 'text[]', attributes: 'jsonb[]', bounds: 'bool[]',
  // Holders and assets of which something is spent, by how much they change, and how much they may rise above what they were in between; and the others.
  debitHolder: 'int[]', debitAsset: 'int[]', spent: 'bigint[]', change: 'bigint[]', rise: 'bigint[]', creditHolder: 'int[]', creditAsset: 'int[]', credit: 'bigint[]',
  // Commands that live here, with the hash of what was asked, and the answer.
  commandIx: 'int[]', place: 'int[]', actor: 'int[]', commandId: 'uuid[]', hash: 'int[]', hashes: 'bytea[]', answer: 'int[]', answers: 'jsonb[]',
  // Experience, and how much was gathered with it.
  earnedIx: 'int[]', earner: 'int[]', xp: 'bigint[]', gathered: 'bigint[]',
  // Of who writes, for `writerFails`.
  mapVersion: 'bigint', lease: 'uuid', paused: 'text[]',
} as const;

export type Column = keyof typeof TYPES;

/** What numbers and ids are sent as; texts are literals, whose elements are quoted already. */
const ENCODED: Record<string, (column: never) => Buffer | string> = {
  'smallint[]': int2Array, 'int[]': int4Array, 'bigint[]': int8Array, 'uuid[]': uuidArray, 'bytea[]': byteaArray,
};

/** A column as the parameter of a statement. */
export function encoded(column: Column, values: readonly unknown[]): Buffer | string {
  return (ENCODED[TYPES[column]] ?? literal)(values as never);
}

/** A statement whose parameters are columns of a batch, in this order. */
export interface BatchStatement extends Statement {
  columns: readonly Column[];
}

/** Only the columns are sent that `template` names: `@column` is the column, `#column[…]` one element of it. */
export function batchStatement(name: string, template: string): BatchStatement {
  const columns: Column[] = [];
  const text = template.replaceAll(/([@#])(\w+)/g, (_, sign: string, named: string) => {
    invariant(named in TYPES, `${named} is a column of a batch`);
    const column = named as Column;
    if (!columns.includes(column)) columns.push(column);
    const parameter = `$${columns.indexOf(column) + 1}::${TYPES[column]}`;
    return sign === '@' ? parameter : `(${parameter})`;
  });
  return { name, text, columns };
}

/**
 * One row of a settle statement: why a movement must not happen (`ix`, reason, details), or what a holder has now: so many of an asset, or without
 * a name so much experience and a level. Without either, `doc` is what only `SettleInput.named` can read.
 */
export interface SettleRow {
  /** The movement's place in the batch, from 1. */
  ix: number | null;
  holder: string | null;
  key: string | null;
  n: number;
  doc: unknown;
  [column: string]: unknown;
}
