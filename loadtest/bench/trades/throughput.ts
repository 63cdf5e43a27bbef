import type { BenchResult, Target } from '../kit/bench.ts';
import { seededRandom, type Random } from '../kit/holdings.ts';
import { inTurn } from '../kit/measure.ts';
import { forMs, rateRows } from '../kit/rate.ts';
import { batchOf, type Crew, type TradeCeiling } from '../kit/trade-ceiling.ts';
import type { Stage } from './stage.ts';

const LEVELS = [1, 10, 100, 1_000];
const CONNECTIONS = [1, 2, 4];
const ROUND_MS = 2_000;
const WARM_UP_MS = 700;
const TRIAL_MS = 350;
const TRIALS = 3;
/** From here on a batch is worth its name. */
const TARGET_FROM = 100;
const TARGET: readonly Target[] = [{ of: 'ratio', bound: 'at least', value: 0.85 }];

/** Ours and the hand-written loop, with few and with many in flight. */
export async function throughput({ market, ceiling, meter, tidy }: Stage, rounds: number): Promise<BenchResult[]> {
  const results: BenchResult[] = [];
  for (const inFlight of LEVELS) {
    await tidy();
    const random = seededRandom(inFlight);
    const crew = await strongestCrew(ceiling, inFlight, random);
    await market.run(inFlight, forMs(WARM_UP_MS), random);
    const measured = await inTurn(rounds, {
      ours: () => meter.rate(() => market.run(inFlight, forMs(ROUND_MS), random)),
      ceiling: () => meter.rate(() => ceiling.run(crew, forMs(ROUND_MS), random)),
    });
    results.push(...rateRows(`${inFlight.toLocaleString('en')} in flight, against ${nameOf(crew)}`, measured, inFlight >= TARGET_FROM ? TARGET : undefined));
  }
  return results;
}

/** The loop may share its work out as it likes; what did most in a few short trials in turn is the ceiling. It is warm then. */
async function strongestCrew(ceiling: TradeCeiling, inFlight: number, random: Random): Promise<Crew> {
  const trials = CONNECTIONS.filter((connections) => connections <= inFlight).map((connections) => ({ crew: { connections, inFlight }, trades: 0 }));
  for (let count = 0; count < TRIALS; count++) {
    for (const trial of trials) trial.trades += (await ceiling.run(trial.crew, forMs(TRIAL_MS), random)).length;
  }
  return trials.reduce((best, trial) => (trial.trades > best.trades ? trial : best)).crew;
}

function nameOf(crew: Crew): string {
  const batch = batchOf(crew);
  return `the loop on ${crew.connections} connection${crew.connections > 1 ? 's' : ''}${batch > 1 ? ` in batches of ${batch}` : ''}`;
}
