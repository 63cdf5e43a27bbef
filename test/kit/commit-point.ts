import { FAULT_POINTS, type FaultPoint } from '../../persistence/index.ts';

const ORDER: readonly FaultPoint[] = FAULT_POINTS;
const ON_ONE_SHARD = ORDER.indexOf('acted-first');
const OVER_SEVERAL = ORDER.indexOf('committed');

/**
 * Whether a movement over these shards has happened at a point: over several the commit of the home shard, which carries the
 * decision, is over; on one the commit was sent along with what is written.
 */
export function hasHappenedAt(point: FaultPoint, shards: readonly number[]): boolean {
  return ORDER.indexOf(point) >= (new Set(shards).size === 1 ? ON_ONE_SHARD : OVER_SEVERAL);
}
