import { types } from 'pg';

/**
 * Array parameters in binary: PostgreSQL takes longer to read a batch's numbers and ids as text than to look up what they name. The driver sends
 * whatever is a buffer so.
 * @see PostgreSQL, src/backend/utils/adt/arrayfuncs.c: array_recv
 */
const HEADER_BYTES = 20;
const LENGTH_BYTES = 4;
const UUID_BYTES = 16;
const UUID_CHARS = 36;
const HALF_INT8 = 2 ** 32;
const NOTHING = 2 ** 12;

/** What each byte of a UUID's text stands for; of what stands for nothing, more than a byte has. */
const NIBBLES = Uint16Array.from({ length: 256 }, (_, code) => (/[0-9a-f]/i.test(String.fromCharCode(code)) ? Number.parseInt(String.fromCharCode(code), 16) : NOTHING));
const DASH = '-'.charCodeAt(0);

interface Begun {
  bytes: Buffer;
  view: DataView;
}

function begin(oid: number, count: number, bytesOfAll: number): Begun {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + count * LENGTH_BYTES + bytesOfAll);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  // One dimension, of so many from 1 on, of which none is null.
  for (const [place, word] of [1, 0, oid, count, 1].entries()) view.setInt32(place * 4, word);
  return { bytes, view };
}

/** @throws {RangeError} of what is no 16-bit number */
export function int2Array(values: readonly number[]): Buffer {
  const { bytes, view } = begin(types.builtins.INT2, values.length, values.length * 2);
  let at = HEADER_BYTES;
  for (const value of values) {
    if ((value << 16) >> 16 !== value) throw new RangeError(`no smallint: ${value}`);
    view.setInt32(at, 2);
    view.setInt16(at + LENGTH_BYTES, value);
    at += LENGTH_BYTES + 2;
  }
  return bytes;
}

/** @throws {RangeError} of what is no 32-bit number */
export function int4Array(values: readonly number[]): Buffer {
  const { bytes, view } = begin(types.builtins.INT4, values.length, values.length * 4);
  let at = HEADER_BYTES;
  for (const value of values) {
    if ((value | 0) !== value) throw new RangeError(`no int: ${value}`);
    view.setInt32(at, 4);
    view.setInt32(at + LENGTH_BYTES, value);
    at += LENGTH_BYTES + 4;
  }
  return bytes;
}

/** @param values whole numbers that JavaScript knows exactly @throws {RangeError} of what is none */
export function int8Array(values: readonly number[]): Buffer {
  const { bytes, view } = begin(types.builtins.INT8, values.length, values.length * 8);
  let at = HEADER_BYTES;
  for (const value of values) {
    if (!Number.isInteger(value) || Math.abs(value) > 2 ** 53) throw new RangeError(`no bigint that is exact: ${value}`);
    view.setInt32(at, 8);
    view.setInt32(at + LENGTH_BYTES, Math.floor(value / HALF_INT8));
    view.setUint32(at + LENGTH_BYTES + 4, value >>> 0);
    at += LENGTH_BYTES + 8;
  }
  return bytes;
}

/** @throws {RangeError} when one is not written as a UUID is */
export function uuidArray(values: readonly string[]): Buffer {
  const { bytes, view } = begin(types.builtins.UUID, values.length, values.length * UUID_BYTES);
  // Bytes are read faster than the characters of a text.
  const text = Buffer.from(values.join(''));
  let wrong = text.length ^ (values.length * UUID_CHARS);
  let [at, from] = [HEADER_BYTES, 0];
  for (const value of values) {
    wrong |= value.length ^ UUID_CHARS;
    view.setInt32(at, UUID_BYTES);
    at += LENGTH_BYTES;
    for (let byte = 0; byte < UUID_BYTES; byte++) {
      if (byte === 4 || byte === 6 || byte === 8 || byte === 10) wrong |= (text[from++] as number) ^ DASH;
      const read = ((NIBBLES[text[from] as number] as number) << 4) | (NIBBLES[text[from + 1] as number] as number);
      from += 2;
      wrong |= read >> 8;
      bytes[at++] = read;
    }
  }
  if (wrong !== 0) throw new RangeError(`not all are UUIDs: ${values.join(', ')}`);
  return bytes;
}

export function byteaArray(values: readonly Uint8Array[]): Buffer {
  const { bytes, view } = begin(types.builtins.BYTEA, values.length, values.reduce((sum, { length }) => sum + length, 0));
  let at = HEADER_BYTES;
  for (const value of values) {
    view.setInt32(at, value.length);
    bytes.set(value, at + LENGTH_BYTES);
    at += LENGTH_BYTES + value.length;
  }
  return bytes;
}
