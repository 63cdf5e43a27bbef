import type { BenchResult, Target } from './bench.ts';
import { quantile, type Figures } from './measure.ts';
import { treeCpuUs } from './process-cpu.ts';

/** What a round of trades, or whatever else was done, came to; `postgresUs` is NaN where it cannot be known. */
export interface Rate extends Figures {
  perSecond: number;
  p50: number;
  p99: number;
  nodeUs: number;
  postgresUs: number;
}

/** Whether to go on; asked before each piece of work. */
export type More = () => boolean;

/** Yes until so much time is over. */
export function forMs(ms: number): More {
  const end = performance.now() + ms;
  return () => performance.now() < end;
}

/** Yes so many times. */
export function times(count: number): More {
  let left = count;
  return () => left-- > 0;
}

/** So many at any time, each once at least, until there shall be no more. @returns how long each took, in milliseconds */
export async function keepBusy(inFlight: number, more: More, work: () => Promise<unknown>): Promise<number[]> {
  const tookMs: number[] = [];
  const worker = async () => {
    do {
      const began = performance.now();
      await work();
      tookMs.push(performance.now() - began);
    } while (more());
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return tookMs;
}

/** Rates of what this process and one PostgreSQL server do together. */
export class Meter {
  readonly #postgresPid: number;

  constructor(postgresPid: number) {
    this.#postgresPid = postgresPid;
  }

  /** @param work answers how long each trade took, in milliseconds */
  async rate(work: () => Promise<number[]>): Promise<Rate> {
    const postgres = this.#postgresUs();
    const [began, cpu] = [performance.now(), process.cpuUsage()];
    const tookMs = await work();
    const { user, system } = process.cpuUsage(cpu);
    const seconds = (performance.now() - began) / 1000;
    const done = tookMs.length;
    return {
      perSecond: done / seconds,
      p50: quantile(tookMs, 0.5),
      p99: quantile(tookMs, 0.99),
      nodeUs: (user + system) / done,
      postgresUs: (this.#postgresUs() - postgres) / done,
    };
  }

  #postgresUs(): number {
    return treeCpuUs(this.#postgresPid) ?? Number.NaN;
  }
}

/** Whether the machine could tell both: there may be no /proc, and its clock ticks slowly. */
export const isTold = ({ ours, ceiling }: BenchResult): boolean => ours > 0 && ceiling > 0;

/** Ours beside theirs, figure by figure; what this machine cannot tell is left out. */
export function rateRows(at: string, against: string, { ours, ceiling }: { ours: Rate; ceiling: Rate }, targets?: readonly Target[], one = 'a trade'): BenchResult[] {
  const noun = one.split(' ').at(-1);
  const row = (what: string, figure: keyof Rate & string, unit: string): BenchResult => ({ what: `${at}${what}`, ours: ours[figure] ?? Number.NaN, ceiling: ceiling[figure] ?? Number.NaN, unit });
  return [
    { ...row(`, against ${against}`, 'perSecond', `${noun}s/s`), ...(targets && { targets }) },
    row(`, p50 of ${one}`, 'p50', 'ms'),
    row(`, p99 of ${one}`, 'p99', 'ms'),
    row(", Node's CPU", 'nodeUs', `µs/${noun}`),
    row(", PostgreSQL's CPU", 'postgresUs', `µs/${noun}`),
  ].filter(isTold);
}
