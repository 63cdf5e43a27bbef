import type { SetEntry } from '../../../persistence/index.ts';
import type { BenchOptions, BenchResult, Target } from '../kit/bench.ts';
import { pick, seededRandom } from '../kit/holdings.ts';
import { inTurn } from '../kit/measure.ts';
import { forMs } from '../kit/rate.ts';
import type { BareSets } from './bare-sets.ts';
import type { Scorer } from './bulk-scores.ts';
import { BOARD, REGIONS, type Stadium } from './stadium.ts';

/** What a process brings to its sets at once: a little, and as much as it ever does, over all regions. */
const BATCHES = [100, 2_000];
const SHARE = 0.4;
const RAISED_MAX = 1_000_000;
const TARGET: readonly Target[] = [{ of: 'ratio', bound: 'at least', value: 0.7 }];
const RULES = ['best', 'latest'] as const;

type Batch = Map<string, SetEntry[]>;

/** Scores into sorted sets as large as the board: through our store as a process brings them there, against bare ZADDs. And what an entry takes. */
export async function updates(stadium: Stadium, bare: BareSets, { rounds, roundMs }: BenchOptions): Promise<BenchResult[]> {
  const results: BenchResult[] = [];
  await bare.drop();
  const bareBytes = await bytesOf(stadium, () => bare.fill());
  for (const rule of RULES) {
    const bytes = await bytesOf(stadium, () => fillUnknown(stadium, rule));
    results.push({ what: `an entry of a set by rule ${rule} in Redis, against one of a bare ZADD`, ours: bytes, ceiling: bareBytes, unit: 'bytes' });
    for (const size of BATCHES) {
      const batches = new Batches(stadium.drawn.flat(), size);
      const rate = async (add: (batch: Batch) => Promise<unknown>) => ({ perSecond: await perSecond(batches, add, roundMs * SHARE) });
      const measured = await inTurn(rounds, {
        ours: () => rate((batch) => Promise.all([...batch].map(([region, entries]) => stadium.sets.apply(stadium.setName(region, rule), entries)))),
        each: () => rate((batch) => bare.addEach(batch)),
        all: () => rate((batch) => bare.addAll(batch)),
      });
      const row = (against: string, ceiling: 'each' | 'all'): BenchResult => ({
        what: `updates by rule ${rule}, ${size.toLocaleString('en')} at a time, against ${against}`, ours: measured.ours.perSecond, ceiling: measured[ceiling].perSecond, unit: 'updates/s', targets: TARGET,
      });
      results.push(row('bare pipelined ZADDs', 'each'), row('one bare ZADD per region, pipelined', 'all'));
    }
    for (const region of REGIONS) await stadium.sets.drop(stadium.setName(region, rule));
  }
  return results;
}

/** Every score once, as the sets are filled. */
async function fillUnknown({ economy, sets, setName }: Stadium, rule: (typeof RULES)[number]): Promise<void> {
  await economy.storage.scoreScan.all(BOARD, 1, async (scores) => {
    await Promise.all([...Map.groupBy(scores, ({ region }) => region)].map(([region, here]) => sets.apply(setName(region, rule), here)));
  });
}

/** How much more an entry of what is filled takes, in bytes. */
async function bytesOf(stadium: Stadium, fill: () => Promise<unknown>): Promise<number> {
  const before = await stadium.usedMemory();
  await fill();
  return ((await stadium.usedMemory()) - before) / stadium.boards[0].players;
}

async function perSecond(batches: Batches, add: (batch: Batch) => Promise<unknown>, ms: number): Promise<number> {
  const more = forMs(ms);
  let [tookMs, done] = [0, 0];
  do {
    const batch = batches.next();
    const began = performance.now();
    await add(batch);
    tookMs += performance.now() - began;
    done += batches.size;
  } while (more());
  return (done * 1_000) / tookMs;
}

/** Any players' next scores, each better than their last and at another place. */
class Batches {
  readonly size: number;
  readonly #scorers: readonly Scorer[];
  readonly #random = seededRandom(13);
  readonly #held = new Map<Scorer, number>();
  #version = 1;

  constructor(scorers: readonly Scorer[], size: number) {
    this.size = size;
    this.#scorers = scorers;
  }

  next(): Batch {
    const batch: Batch = new Map();
    const drawn = new Set<Scorer>();
    while (drawn.size < Math.min(this.size, this.#scorers.length)) drawn.add(pick(this.#random, this.#scorers));
    this.#version++;
    for (const scorer of drawn) {
      const value = (this.#held.get(scorer) ?? scorer.value) + Math.ceil(this.#random() * RAISED_MAX);
      this.#held.set(scorer, value);
      const here = batch.get(scorer.region) ?? [];
      batch.set(scorer.region, here);
      here.push({ player: scorer.player, value, version: this.#version });
    }
    return batch;
  }
}
