import { invariant } from '../../../schema/invariant.ts';

/** What one round measured, by name. */
export type Figures = Record<string, number>;

/** The value below which `share` of the values lie, 0 … 1. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  invariant(value !== undefined, 'something was measured');
  return value;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/**
 * Measures ours and the ceiling, or whoever else, in turn and gives the median of each figure. Who goes first changes from
 * round to round, so that what the machine does meanwhile, and what one leaves warm for the other, falls on all alike.
 */
export async function inTurn<Name extends string, Measured extends Figures>(rounds: number, contenders: Record<Name, () => Promise<Measured>>): Promise<Record<Name, Measured>> {
  const names = Object.keys(contenders) as Name[];
  const measured = new Map(names.map((name) => [name, [] as Measured[]]));
  for (let round = 0; round < rounds; round++) {
    for (const name of turn(names, round)) measured.get(name)?.push(await contenders[name]());
  }
  return Object.fromEntries(names.map((name) => [name, medians(measured.get(name) ?? [])])) as Record<Name, Measured>;
}

const turn = <Name>(names: readonly Name[], place: number): readonly Name[] => (place % 2 === 0 ? names : names.toReversed());

/** The median of each figure over all rounds. */
export function medians<Measured extends Figures>(rounds: readonly Measured[]): Measured {
  const names = Object.keys(rounds[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, median(rounds.map((figures) => figures[name] ?? Number.NaN))])) as Measured;
}

/**
 * Times ours and the ceiling for every value, one directly after the other, in milliseconds. For work of a millisecond:
 * what disturbs the machine meets both, and each finds the caches warmed by the other as often.
 */
export async function timePairs<Value>(
  values: readonly Value[],
  contenders: { ours: (value: Value) => Promise<unknown>; ceiling: (value: Value) => Promise<unknown> },
): Promise<{ ours: number[]; ceiling: number[] }> {
  const tookMs: Record<'ours' | 'ceiling', number[]> = { ours: [], ceiling: [] };
  for (const [place, value] of values.entries()) {
    for (const who of turn(['ours', 'ceiling'] as const, place)) tookMs[who].push(...(await timeEach([value], 1, contenders[who])));
  }
  return tookMs;
}

/** Runs `work` for every value, at most `inFlightMax` at a time, and gives how long each took, in milliseconds. */
export async function timeEach<Value>(values: readonly Value[], inFlightMax: number, work: (value: Value) => Promise<unknown>): Promise<number[]> {
  const tookMs: number[] = [];
  const queue = values.values();
  const worker = async () => {
    for (const value of queue) {
      const began = performance.now();
      await work(value);
      tookMs.push(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: inFlightMax }, worker));
  return tookMs;
}
