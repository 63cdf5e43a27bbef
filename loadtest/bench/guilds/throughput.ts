import type { BenchOptions, BenchResult, Target } from '../kit/bench.ts';
import { inTurn } from '../kit/measure.ts';
import { forMs, rateRows } from '../kit/rate.ts';
import { strongestOf, waysFor } from '../kit/strongest-crew.ts';
import { seatsOf, type Seat } from './hall.ts';
import { HandDeposits } from './hand-deposits.ts';
import type { Ground, Stage } from './stage.ts';

const BATCH = 100;
/** As many as ours has. */
const CONNECTIONS = 10;
/** Four contenders at three levels: each has a part of a round's time. */
const ROUND_SHARE = 0.6;
const TRIAL_SHARE = 0.15;
const WARM_UP_SHARE = 0.5;
const TARGET: readonly Target[] = [{ of: 'ratio', bound: 'at least', value: 0.7 }];

interface Level {
  name: string;
  inFlight: number;
  seats: (ground: Ground) => Seat[];
}

const LEVELS: readonly Level[] = [
  { name: 'one guild of 100, 100 in flight', inFlight: 100, seats: ({ hot }) => seatsOf([hot]) },
  { name: 'one guild of 100, 1,000 in flight', inFlight: 1_000, seats: ({ hot }) => seatsOf([hot]) },
  { name: '100 guilds of 10, 1,000 in flight', inFlight: 1_000, seats: ({ bands }) => seatsOf(bands) },
];

/** Deposits through the feature, against the bare statement for a hundred of them, against one transaction for each, and on four shards. */
export async function throughput(stage: Stage, { rounds, roundMs }: BenchOptions): Promise<BenchResult[]> {
  const results: BenchResult[] = [];
  for (const level of LEVELS) results.push(...(await at(level, stage, rounds, roundMs)));
  return results;
}

async function at({ name, inFlight, seats }: Level, { one, hand, four, tidy }: Stage, rounds: number, roundMs: number): Promise<BenchResult[]> {
  const url = hand.hall.cluster.urls[0] ?? '';
  await tidy();
  const crews = waysFor(Math.ceil(inFlight / BATCH)).map((way) => new HandDeposits(url, seats(hand), { ...way, batch: BATCH }));
  const bare = await strongestOf(crews, (crew) => crew.run(forMs(roundMs * TRIAL_SHARE)));
  const single = new HandDeposits(url, seats(hand), { connections: CONNECTIONS, batch: 1, plan: 'force_generic_plan' });
  try {
    const ours = ({ hall }: Ground, mine: readonly Seat[], ms: number) => hall.deposits(mine, inFlight, forMs(ms));
    for (const ground of [one, four]) await ours(ground, seats(ground), roundMs * WARM_UP_SHARE);
    await single.run(forMs(roundMs * WARM_UP_SHARE));
    const [here, there, ms] = [seats(one), seats(four), roundMs * ROUND_SHARE];
    const measured = await inTurn(rounds, {
      ours: () => one.meter.rate(() => ours(one, here, ms)),
      bare: () => hand.meter.rate(() => bare.run(forMs(ms))),
      single: () => hand.meter.rate(() => single.run(forMs(ms))),
      four: () => four.meter.rate(() => ours(four, there, ms)),
    });
    const rows = (at: string, against: string, ours: 'ours' | 'four', ceiling: keyof typeof measured, targets?: readonly Target[]) => rateRows(at, against, { ours: measured[ours], ceiling: measured[ceiling] }, targets, 'an action');
    return [
      ...rows(name, `the strongest of its kind: ${bare.name}`, 'ours', 'bare', TARGET),
      ...rows(name, `one transaction for each, by hand on ${CONNECTIONS} connections`, 'ours', 'single').slice(0, 3),
      ...rows(`${name}, over four shards`, 'ours on one', 'four', 'ours'),
    ];
  } finally {
    await bare.close();
    await single.close();
  }
}
