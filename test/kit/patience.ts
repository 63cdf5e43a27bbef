import assert from 'node:assert/strict';

/**
 * What is promised for a machine that has nothing else to do takes longer on one where other tests run, or that is slow: a bound so many
 * times as long still tells what comes late from what never comes. How fast it is, the benchmarks and the fault runs show.
 */
const PATIENCE = 3;

let isHurried = false;

/** How long a test waits for what should take `ms` at most. */
export const patient = (ms: number): number => (isHurried ? ms : ms * PATIENCE);

/** Negative controls wait for what never comes: there the bounds are as they are written. */
export async function hurried<Result>(work: () => Promise<Result>): Promise<Result> {
  isHurried = true;
  try {
    return await work();
  } finally {
    isHurried = false;
  }
}

export function assertSoon(tookMs: number, maxMs: number, what = 'it'): void {
  assert.ok(tookMs < patient(maxMs), `${what} took ${Math.round(tookMs)} ms instead of ${Math.round(patient(maxMs))} ms`);
}
