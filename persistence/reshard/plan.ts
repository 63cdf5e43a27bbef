import { invariant } from '../../schema/invariant.ts';
import type { SlotMove } from './move.ts';

/**
 * The fewest moves after which every target holds an equal share of the slots, and no other shard holds any. [SH4]
 *
 * A share is the slots divided by the targets, rounded down; the slots that are left over go, one each, to the targets that
 * hold the most already. What a shard holds beyond its share has to leave it and nothing else does, so the moves are the sum
 * of the surpluses; and a left-over slot saves a move exactly where a target holds more than a share, which come first.
 *
 * Pure, and the same for the same map: of a shard's slots the last ones leave, and they come to the targets in ascending order.
 * @param owners the shard of each slot
 */
export function planRebalance(owners: ArrayLike<number>, targets: readonly number[]): SlotMove[] {
  invariant(targets.length > 0, 'slots go to somebody');
  const held = new Map<number, number[]>(targets.map((target) => [target, []]));
  for (let slot = 0; slot < owners.length; slot++) {
    const owner = owners[slot] as number;
    invariant(owner >= 0, `slot ${slot} is held by a shard`);
    const slots = held.get(owner);
    if (slots) slots.push(slot);
    else held.set(owner, [slot]);
  }
  const shares = sharesOf(held, [...new Set(targets)], owners.length);
  const leaving = [...held].flatMap(([shard, slots]) => slots.slice(shares.get(shard) ?? 0)).toSorted((a, b) => a - b);
  const places = [...shares].toSorted(([a], [b]) => a - b).flatMap(([shard, share]) => Array.from({ length: Math.max(0, share - (held.get(shard)?.length ?? 0)) }, () => shard));
  invariant(places.length === leaving.length, 'there is a place for each slot that leaves');
  return leaving.map((slot, at) => ({ slot, target: places[at] as number }));
}

function sharesOf(held: ReadonlyMap<number, number[]>, targets: readonly number[], slots: number): Map<number, number> {
  const share = Math.floor(slots / targets.length);
  const leftOver = slots % targets.length;
  const count = (shard: number) => held.get(shard)?.length ?? 0;
  const byMost = targets.toSorted((a, b) => count(b) - count(a) || a - b);
  return new Map(byMost.map((shard, place) => [shard, place < leftOver ? share + 1 : share]));
}
