import { quantile } from '../bench/kit/measure.ts';
import type { Latencies, RequestTotals, Second } from '../reporting/record.ts';
import type { Ended } from './bots/messages.ts';

/** Puts together what the crews report: second by second, and over the whole run. */
export class Recorder {
  readonly seconds: Second[] = [];
  #now: Record<string, Ended> = {};
  readonly #all: Record<string, Ended> = {};

  take(ended: Record<string, Ended>): void {
    for (const [kind, one] of Object.entries(ended)) for (const into of [this.#now, this.#all]) add((into[kind] ??= { answeredMs: [], refused: {}, failed: {} }), one);
  }

  /** A second is over. */
  close(rest: Omit<Second, 'requests'>): void {
    this.seconds.push({ ...rest, requests: Object.fromEntries(Object.entries(this.#now).map(([kind, ended]) => [kind, latenciesOf(ended)])) });
    this.#now = {};
  }

  /** What was asked most comes first. */
  totals(durationS: number): RequestTotals[] {
    return Object.entries(this.#all).toSorted(([, a], [, b]) => b.answeredMs.length - a.answeredMs.length).map(([kind, ended]) => {
      const latencies = latenciesOf(ended);
      return { kind, ...latencies, perSecond: latencies.answered / durationS, refusals: ended.refused, failures: ended.failed };
    });
  }
}

function add(into: Ended, { answeredMs, refused, failed }: Ended): void {
  for (const ms of answeredMs) into.answeredMs.push(ms);
  for (const [code, count] of Object.entries(refused)) into.refused[code] = (into.refused[code] ?? 0) + count;
  for (const [said, count] of Object.entries(failed)) into.failed[said] = (into.failed[said] ?? 0) + count;
}

function latenciesOf({ answeredMs, refused, failed }: Ended): Latencies {
  const sumOf = (counts: Record<string, number>) => Object.values(counts).reduce((sum, count) => sum + count, 0);
  const at = (share: number) => (answeredMs.length === 0 ? 0 : quantile(answeredMs, share));
  return { answered: answeredMs.length, refused: sumOf(refused), failed: sumOf(failed), p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}
