import type { PlayerId } from '../../../schema/ids.ts';
import type { BenchResult, Target } from '../kit/bench.ts';
import { pick, seededRandom, type Random } from '../kit/holdings.ts';
import { inTurn } from '../kit/measure.ts';
import { forMs, rateRows, type More } from '../kit/rate.ts';
import { zipf } from '../kit/zipf.ts';
import { type Market } from '../kit/market.ts';
import type { Stage } from './stage.ts';
import { Tally } from './tally.ts';
import { Witness } from './witness.ts';

const WORKERS = 64;
const HOT = 10;
const EXPONENT = 1.5;
const ROUND_MS = 2_000;
const WARM_UP_MS = 500;

interface Crowd {
  name: string;
  playerOf: (random: Random) => PlayerId;
  targets?: readonly Target[];
}

/**
 * Many who want the same few: 64 workers over ten players, and over all of them by Zipf's law. Compared with the
 * hand-written transaction with one trade in each, which is the stronger of the two comparisons: the ORM's unit of work
 * makes the same four statements and more.
 */
export async function contention(stage: Stage, rounds: number): Promise<BenchResult[]> {
  const { players } = stage.market;
  const rank = zipf(players.length, EXPONENT);
  const crowds: Crowd[] = [
    { name: `${WORKERS} workers over ${HOT} hot players`, playerOf: (random) => pick(random, players.slice(0, HOT)), targets: [{ of: 'ours', bound: 'at least', value: 1_500 }] },
    { name: `${WORKERS} workers over ${players.length.toLocaleString('en')} players by Zipf's law (${EXPONENT})`, playerOf: (random) => players[rank(random)] as PlayerId },
  ];
  const results: BenchResult[] = [];
  for (const crowd of crowds) results.push(...(await crowded(stage, crowd, rounds)));
  return [...results, await audited(stage)];
}

async function crowded({ market, ceiling, meter, tidy }: Stage, { name, playerOf, targets }: Crowd, rounds: number): Promise<BenchResult[]> {
  await tidy();
  const [random, tally] = [seededRandom(8), new Tally()];
  const witness = new Witness(market.economy.shards[0]!.pool);
  const byHand = ceiling.contended();
  try {
    await witness.begin();
    const pairOf = (random: Random) => pairFrom(playerOf, random);
    const ours = (ms: number) => attemptAll(market, tally, pairOf, forMs(ms), random);
    const theirs = (ms: number) => byHand.run(WORKERS, pairOf, forMs(ms), random);
    await ours(WARM_UP_MS);
    await theirs(WARM_UP_MS);
    const measured = await inTurn(rounds, { ours: () => meter.rate(() => ours(ROUND_MS)), ceiling: () => meter.rate(() => theirs(ROUND_MS)) });
    return [
      ...rateRows(name, 'one hand-written transaction per trade (10 connections, 3 attempts)', measured, targets),
      ...tally.rows(name),
      ...(await witness.rows(name, tally.settled)),
    ];
  } finally {
    await byHand.close();
  }
}

/** @returns how long each trade took that was settled, in milliseconds */
async function attemptAll(market: Market, tally: Tally, pairOf: (random: Random) => [PlayerId, PlayerId], more: More, random: Random): Promise<number[]> {
  const tookMs: number[] = [];
  const worker = async () => {
    while (more()) {
      const pair = pairOf(random);
      const attempt = { pair, items: await market.anyItems(pair, random), since: performance.now() };
      try {
        await market.tradeItems(attempt.pair, attempt.items);
        tally.succeeded(attempt);
        tookMs.push(performance.now() - attempt.since);
      } catch (error) {
        tally.failed(attempt, error);
      }
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, worker));
  return tookMs;
}

function pairFrom(playerOf: (random: Random) => PlayerId, random: Random): [PlayerId, PlayerId] {
  const first = playerOf(random);
  for (;;) {
    const second = playerOf(random);
    if (second !== first) return [first, second];
  }
}

/** Every trade of this server so far, whoever made it. */
async function audited({ market }: Stage): Promise<BenchResult> {
  const { invariants } = await market.economy.storage.audit();
  const held = invariants.filter(({ ok }) => ok).length;
  for (const { name, violations } of invariants) for (const violation of violations) console.error(`${name}: ${violation}`);
  return { what: 'invariants that hold by the audit after all trades on one shard, of all', ours: held, ceiling: invariants.length, unit: 'invariants', targets: [{ of: 'ratio', bound: 'exactly', value: 1 }] };
}
