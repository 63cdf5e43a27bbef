import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { BenchResult } from '../kit/bench.ts';
import { inTurn, type Figures } from '../kit/measure.ts';
import { isTold } from '../kit/rate.ts';

/** What one release with one take costs, and the garbage collection of 100,000. */
export interface Churn extends Figures {
  ns: number;
  bytes: number;
  gcMs: number;
}

/** Session objects that are used again, against new ones. */
export async function churnRows(rounds: number): Promise<BenchResult[]> {
  const { ours, ceiling } = await inTurn(rounds, { ours: () => churn('ours'), ceiling: () => churn('ceiling') });
  return [
    { what: 'pooled session objects: a release and a take among 10,000, against new objects', ours: ours.ns, ceiling: ceiling.ns, unit: 'ns' },
    { what: 'pooled session objects: memory taken by each', ours: ours.bytes, ceiling: ceiling.bytes, unit: 'bytes' },
    { what: 'pooled session objects: garbage collection in 100,000 of them', ours: ours.gcMs, ceiling: ceiling.gcMs, unit: 'ms' },
    // Objects that are used again give nothing to collect.
  ].filter(isTold);
}

async function churn(who: 'ours' | 'ceiling'): Promise<Churn> {
  const program = fileURLToPath(new URL('./churn-process.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', program, who]);
  return JSON.parse(stdout) as Churn;
}
