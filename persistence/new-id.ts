import { randomFillSync } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';

const ID_BYTES = 16;
/** Asking the kernel for 16 bytes costs more than making an id of them, so many are asked for at once. */
const pool = Buffer.alloc(ID_BYTES * 256);
let at = pool.length;

/** A new UUIDv7: ids made later sort later, to the millisecond, so that indexes grow at their end. */
export function newId<Id extends string>(): Id {
  if (at === pool.length) {
    randomFillSync(pool);
    at = 0;
  }
  return uuidv7({ random: pool.subarray(at, (at += ID_BYTES)) }) as Id;
}
