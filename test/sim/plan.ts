import { FAULT_POINTS, type FaultPoint } from '../../persistence/index.ts';
import { pick, whole, type Random } from '../../loadtest/bench/kit/holdings.ts';

/**
 * What is done to the run. A worker is killed at any moment, or when it next reaches a step of a commit; a
 * stop of the database is `immediate`, like a power cut, and a worker may be killed while it is away.
 */
export type Fault =
  | { what: 'kill'; point?: FaultPoint }
  | { what: 'terminate'; backends: number; busyOnly: boolean }
  | { what: 'stop'; killMeanwhile: boolean };

/** A fault, and how many trades are asked before it comes. */
export type PlannedFault = Fault & { at: number };

const TRADES_PER_KILL = 2_000;
const TRADES_PER_TERMINATION = 800;
const TRADES_PER_STOP = 20_000;
const KILLS_MIN = 5;
/** Every run has these: between the two halves of a commit on several shards. */
const HALFWAY: readonly FaultPoint[] = ['prepared', 'committed'];
const TERMINATIONS_MIN = 12;
const BACKENDS_MAX = 4;

/** The same faults for the same seed, spread over the run by what was traded rather than by a clock. Pure. */
export function planFaults(trades: number, random: Random): PlannedFault[] {
  const at = () => whole(random, Math.ceil(trades / 20), Math.floor((trades * 19) / 20));
  const kill = (nth: number): Fault => {
    const point = HALFWAY[nth] ?? (random() < 0.5 ? pick(random, FAULT_POINTS) : undefined);
    return { what: 'kill', ...(point && { point }) };
  };
  const several = (count: number, fault: (nth: number) => Fault) => Array.from({ length: Math.ceil(count) }, (_, nth) => ({ ...fault(nth), at: at() }));
  return [
    ...several(Math.max(KILLS_MIN, trades / TRADES_PER_KILL), kill),
    ...several(Math.max(TERMINATIONS_MIN, trades / TRADES_PER_TERMINATION), () => ({ what: 'terminate', backends: whole(random, 1, BACKENDS_MAX), busyOnly: random() < 0.5 })),
    ...several(trades / TRADES_PER_STOP, () => ({ what: 'stop', killMeanwhile: random() < 0.5 })),
  ].toSorted((a, b) => a.at - b.at);
}
