import type { Random } from './holdings.ts';
import { forMs } from './rate.ts';
import type { TradeCeiling } from './trade-ceiling.ts';
import type { TradeCrew } from './trade-crew.ts';

const CONNECTIONS = [1, 2, 4];
const PLANS = ['auto', 'force_generic_plan'] as const;
const TRIALS = 5;
const TRIAL_MS = 250;

/**
 * The loop may share its work out as it likes, and plan as it likes: what does most in a few short trials in turn is the
 * ceiling. It is warm then.
 */
export async function strongestCrew(ceiling: TradeCeiling, inFlight: number, random: Random): Promise<TradeCrew> {
  const crews = CONNECTIONS.filter((connections) => connections <= inFlight).flatMap((connections) => PLANS.map((plan) => ceiling.crew({ connections, inFlight, plan })));
  const done = new Map(crews.map((crew) => [crew, 0]));
  for (let trial = 0; trial < TRIALS; trial++) {
    for (const crew of crews) done.set(crew, (done.get(crew) ?? 0) + (await crew.run(forMs(TRIAL_MS), random)).length);
  }
  const [strongest, ...others] = crews.toSorted((a, b) => (done.get(b) ?? 0) - (done.get(a) ?? 0)) as [TradeCrew, ...TradeCrew[]];
  await Promise.all(others.map((crew) => crew.close()));
  return strongest;
}
