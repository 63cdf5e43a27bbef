import Table from 'cli-table3';
import { numberText } from '../../reporting/figure-text.ts';
import { machine } from '../../reporting/machine.ts';
import type { BenchRecord } from '../../reporting/record.ts';
import { meets, ratioOf, type Bench, type BenchResult, type Target } from './bench.ts';

const SIGNS = { 'at most': '≤', 'at least': '≥', exactly: '=' } as const;

/** What is kept of a benchmark that ran from `startedAt` on. */
export function recordOf({ name, title }: Bench, results: readonly BenchResult[], { rounds, startedAt }: { rounds: number; startedAt: Date }): BenchRecord {
  const kept = results.map((result) => ({
    what: result.what, ours: result.ours, ceiling: result.ceiling, ratio: ratioOf(result), unit: result.unit,
    targets: (result.targets ?? []).map((target) => ({ text: targetText(target), isMet: meets(result, target) })),
  }));
  return { kind: 'bench', name, title, startedAt: startedAt.toISOString(), machine: machine(), rounds, results: kept };
}

/** The table for people: each target with `ok`, or `short` when it was missed. */
export function tableOf({ title, results }: BenchRecord): string {
  const table = new Table({
    head: ['what', 'ours', 'ceiling', 'ratio', 'unit', 'target'],
    colAligns: ['left', 'right', 'right', 'right', 'left', 'left'],
    style: { head: [], border: [], compact: true },
  });
  for (const { what, ours, ceiling, ratio, unit, targets } of results) {
    const reached = targets.map(({ text, isMet }) => `${text} ${isMet ? 'ok' : 'short'}`);
    table.push([what, numberText(ours), numberText(ceiling), numberText(ratio), unit, reached.join(', ')]);
  }
  return `${title}\n${table.toString()}`;
}

/** The line for programs. */
export function jsonOf({ name, results }: BenchRecord): string {
  return JSON.stringify({ name, results: results.map(({ targets: _, ...result }) => result) });
}

function targetText({ of, bound, value }: Target): string {
  return `${of} ${SIGNS[bound]} ${value}`;
}
