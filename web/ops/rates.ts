import type { ProcessSample } from '../../schema/messages/ops.ts';

/** Rates are over the last minute, so that they neither jump nor lag. */
const WINDOW_MS = 60_000;

type Totals = ProcessSample['totals'];
type Sample = Pick<ProcessSample, 'processId' | 'startedAt' | 'at' | 'totals'>;

export interface Rates {
  tradesPerSecond: number;
  refusalsPerSecond: Record<string, number>;
  batchSize: number | null;
  queueWaitMs: number | null;
  commitMs: number | null;
  /** Share of reads that the caches answered. */
  cacheHits: number | null;
}

const NOTHING: Totals = { trades: {}, refusals: {}, movements: 0, commits: 0, queueWaitSeconds: 0, commitSeconds: 0, cacheHits: 0, cacheReads: 0 };

/** Makes rates of the totals that processes say one after the other. */
export class RateWindow {
  readonly #samples = new Map<string, Sample[]>();

  /** @returns undefined until each process was heard of twice */
  add(latest: readonly Sample[]): Rates | undefined {
    for (const id of this.#samples.keys()) if (!latest.some(({ processId }) => processId === id)) this.#samples.delete(id);
    for (const sample of latest) this.#keep(sample);
    const steps = latest.map(({ processId }) => stepOf(this.#samples.get(processId) ?? []));
    return steps.some((step) => step === undefined) ? undefined : ratesOf(steps as Step[]);
  }

  #keep(sample: Sample): void {
    const kept = this.#samples.get(sample.processId) ?? [];
    const last = kept.at(-1);
    if (last !== undefined && last.at >= sample.at) return;
    const from = sample.at - WINDOW_MS;
    // The last one before the window is where it begins.
    const first = Math.max(0, kept.findLastIndex(({ at }) => at <= from));
    this.#samples.set(sample.processId, [...kept.slice(first), sample]);
  }
}

interface Step {
  seconds: number;
  before: Totals;
  after: Totals;
}

function stepOf(samples: readonly Sample[]): Step | undefined {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  // Who began within the window counts from 0.
  const isNew = last.at - last.startedAt <= WINDOW_MS;
  if (!isNew && first === last) return undefined;
  return { seconds: Math.max(1, last.at - (isNew ? last.startedAt : first.at)) / 1000, before: isNew ? NOTHING : first.totals, after: last.totals };
}

function ratesOf(steps: readonly Step[]): Rates {
  const sum = (of: (totals: Totals) => number) => steps.reduce((total, { before, after }) => total + of(after) - of(before), 0);
  const perSecond = (of: (totals: Totals) => number) => steps.reduce((total, { before, after, seconds }) => total + (of(after) - of(before)) / seconds, 0);
  const ratio = (value: number, per: number) => (per > 0 ? value / per : null);
  const codes = new Set(steps.flatMap(({ after }) => Object.keys(after.refusals)));
  const [movements, commits] = [sum((totals) => totals.movements), sum((totals) => totals.commits)];
  return {
    tradesPerSecond: perSecond(({ trades }) => trades['settled'] ?? 0),
    refusalsPerSecond: Object.fromEntries([...codes].map((code) => [code, perSecond(({ refusals }) => refusals[code] ?? 0)])),
    batchSize: ratio(movements, commits),
    queueWaitMs: ratio(sum((totals) => totals.queueWaitSeconds) * 1000, movements),
    commitMs: ratio(sum((totals) => totals.commitSeconds) * 1000, commits),
    cacheHits: ratio(sum((totals) => totals.cacheHits), sum((totals) => totals.cacheReads)),
  };
}
