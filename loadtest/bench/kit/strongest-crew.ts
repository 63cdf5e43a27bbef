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
 * @param roundTrips whether two statements may go in one, each of which is tried
 */
export async function strongestCrew(ceiling: TradeCeiling, inFlight: number, random: Random, roundTrips: readonly boolean[] = [false, true]): Promise<TradeCrew> {
  const crews = waysFor(inFlight).flatMap((way) => roundTrips.map((together) => ceiling.crew({ ...way, inFlight, together })));
  return await strongestOf(crews, (crew) => crew.run(forMs(TRIAL_MS), random));
}

/** Every way to share out what is in flight, and to plan. */
export function waysFor(inFlight: number): { connections: number; plan: (typeof PLANS)[number] }[] {
  return CONNECTIONS.filter((connections) => connections <= inFlight).flatMap((connections) => PLANS.map((plan) => ({ connections, plan })));
}

/** The one that does most in a few trials in turn; the others are closed. */
export async function strongestOf<Crew extends { close(): Promise<void> }>(crews: readonly Crew[], trial: (crew: Crew) => Promise<readonly number[]>): Promise<Crew> {
  const done = new Map(crews.map((crew) => [crew, 0]));
  for (let round = 0; round < TRIALS; round++) {
    for (const crew of crews) done.set(crew, (done.get(crew) ?? 0) + (await trial(crew)).length);
  }
  const [strongest, ...others] = crews.toSorted((a, b) => (done.get(b) ?? 0) - (done.get(a) ?? 0)) as [Crew, ...Crew[]];
  await Promise.all(others.map((crew) => crew.close()));
  return strongest;
}
