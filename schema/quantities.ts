import { z } from 'zod';

/** The largest count that is exact in a double, in `bigint` and on the wire: 2^53 − 1. */
export const QUANTITY_MAX = Number.MAX_SAFE_INTEGER;

/** The most assets, and the most items, that one request may name. */
export const POSTINGS_MAX = 100;

/** A count of an asset: a whole number from 1 to 2^53 − 1; a numeral in quotes is not a number. [QU1] */
export const Quantity = z.int().min(1).max(QUANTITY_MAX);

/**
 * A catalogue name: lower case, because it is a key in YAML, SQL and the wire at once. Never `constructor`: every object
 * of the language has that key, so looking up how much of it is held would find a function.
 */
export const AssetName = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,31}$/)
  .refine((name) => !(name in Object.prototype), 'the name is taken by the language');

/** Counts per asset; null-prototype so that `__proto__` is a name like any other, and an unknown one. */
export const Fungibles = z
  .record(AssetName, Quantity)
  .refine((counts) => Object.keys(counts).length <= POSTINGS_MAX, `at most ${POSTINGS_MAX} assets`);
export type Fungibles = Record<string, number>;

/** JSON of a unique item, at most 4 KB as text. */
export const ATTRIBUTES_BYTES_MAX = 4096;
export const Attributes = z
  .record(z.string().max(64), z.json())
  .refine((value) => new TextEncoder().encode(JSON.stringify(value)).length <= ATTRIBUTES_BYTES_MAX, 'at most 4 KB of JSON')
  // PostgreSQL's jsonb has no U+0000: refused here as bad input, not there as an error.
  .refine((value) => !JSON.stringify(value).includes('\\u0000'), 'no NUL characters');
export type Attributes = Record<string, unknown>;
