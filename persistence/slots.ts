import { hash } from 'node:crypto';

/** How many slots the key space has, for ever: slots move between shards, keys never between slots. */
export const SLOT_COUNT = 1024;

/**
 * The slot of a key: the first four bytes of its SHA-256, modulo 1,024. [SH1]
 * Stable for ever; the same in SQL: `sha256(key::bytea)`.
 */
export function slotOf(key: string): number {
  return Number.parseInt(hash('sha256', key, 'hex').slice(0, 8), 16) % SLOT_COUNT;
}

const REMEMBERED_KEYS_MAX = 100_000;
const remembered = new Map<string, number>();

/** A trade asks for the same few keys a dozen times, and a hash costs a microsecond. Bounded by forgetting all at once. */
export function rememberedSlot(key: string): number {
  let slot = remembered.get(key);
  if (slot === undefined) {
    slot = slotOf(key);
    if (remembered.size >= REMEMBERED_KEYS_MAX) remembered.clear();
    remembered.set(key, slot);
  }
  return slot;
}

/** Where a slot is in a new cluster of `shardCount` shards: equal runs, so shard numbers rise with slots. */
export function shardOfSlot(slot: number, shardCount: number): number {
  return Math.floor((slot * shardCount) / SLOT_COUNT);
}
