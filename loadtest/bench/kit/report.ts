import Table from 'cli-table3';
import { meets, ratioOf, type Bench, type BenchResult, type Target } from './bench.ts';

const SIGNS = { 'at most': '≤', 'at least': '≥', exactly: '=' } as const;

/** The table for people: each target with `ok`, or `short` when it was missed. */
export function tableOf({ title }: Bench, results: readonly BenchResult[]): string {
  const table = new Table({
    head: ['what', 'ours', 'ceiling', 'ratio', 'unit', 'target'],
    colAligns: ['left', 'right', 'right', 'right', 'left', 'left'],
    style: { head: [], border: [], compact: true },
  });
  for (const result of results) {
    const targets = (result.targets ?? []).map((target) => `${targetText(target)} ${meets(result, target) ? 'ok' : 'short'}`);
    table.push([result.what, numberText(result.ours), numberText(result.ceiling), numberText(ratioOf(result)), result.unit, targets.join(', ')]);
  }
  return `${title}\n${table.toString()}`;
}

/** The line for programs. */
export function jsonOf({ name }: Bench, results: readonly BenchResult[]): string {
  return JSON.stringify({ name, results: results.map((result) => ({ what: result.what, ours: result.ours, ceiling: result.ceiling, ratio: ratioOf(result), unit: result.unit })) });
}

function targetText({ of, bound, value }: Target): string {
  return `${of} ${SIGNS[bound]} ${value}`;
}

/** Whole numbers as they are; else three digits that count. */
function numberText(value: number): string {
  return Number.isInteger(value) || Math.abs(value) >= 1000 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
}
