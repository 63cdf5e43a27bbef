import type { BenchResult, Target } from '../kit/bench.ts';
import { seededRandom } from '../kit/holdings.ts';
import { inTurn } from '../kit/measure.ts';
import { forMs, rateRows } from '../kit/rate.ts';
import { strongestCrew } from '../kit/strongest-crew.ts';
import type { TradeCeiling } from '../kit/trade-ceiling.ts';
import type { Stage } from './stage.ts';

const LEVELS = [1, 10, 100, 1_000];
const TURN_MS = 2_000;
/** Each round is so many turns of each: the machine's speed changes from second to second, and who takes over finds no cache warm, so they are not short. */
const TURNS = 2;
/** From here on a batch is worth its name. */
const TARGET_FROM = 100;
const TARGET: readonly Target[] = [{ of: 'ratio', bound: 'at least', value: 0.85 }];

/** Ours and the hand-written loop, with few and with many in flight: as it stands, and in the way that does most here. */
export async function throughput({ market, ceiling, plain, meter, tidy }: Stage, rounds: number): Promise<BenchResult[]> {
  const results: BenchResult[] = [];
  for (const inFlight of LEVELS) {
    await tidy();
    const random = seededRandom(inFlight);
    const at = `${inFlight.toLocaleString('en')} in flight`;
    const strict = await against(ceiling, [false, true]);
    if (inFlight < TARGET_FROM) {
      results.push(...rateRows(at, strict.name, strict));
      continue;
    }
    results.push(...rateRows(at, `the strongest that writes the same rows: ${strict.name}`, strict, TARGET));
    // As it stands it waits for each statement; over how many connections, it may choose.
    const loop = await against(plain, [false]);
    results.push(...rateRows(at, `the plain loop, which writes one command for each trade: ${loop.name}`, loop, TARGET).slice(0, 1));

    async function against(loop: TradeCeiling, roundTrips: readonly boolean[]) {
      const began = performance.now();
      const crew = await strongestCrew(loop, inFlight, random, roundTrips);
      const triedMs = performance.now() - began;
      try {
        // As long as the others had: what touches a page first since the last checkpoint writes all of it, and a process
        // that had nothing to do gave its memory back.
        await market.run(inFlight, forMs(triedMs), random);
        const measured = await inTurn(rounds * TURNS, {
          ours: () => meter.rate(() => market.run(inFlight, forMs(TURN_MS), random)),
          ceiling: () => meter.rate(() => crew.run(forMs(TURN_MS), random)),
        });
        return { name: crew.name, ...measured };
      } finally {
        await crew.close();
      }
    }
  }
  return results;
}
