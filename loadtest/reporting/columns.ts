import type { Second } from './record.ts';

/** More are not told apart on a screen, and make the page large. */
const POINTS_MAX = 600;
/** Digits that count in what is drawn. */
const DIGITS = 4;

type Merge = (values: readonly number[]) => number;

const mean: Merge = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
/** What must not be evened out: a second of standing still is not a tenth of it ten seconds long. */
export const highest: Merge = (values) => values.reduce((most, value) => Math.max(most, value));

/** The seconds of a run as columns, in which a point stands for several seconds where there are many. */
export class Columns {
  readonly pointS: number;
  readonly atS: number[];
  readonly #points: Second[][];

  constructor(seconds: readonly Second[]) {
    this.pointS = Math.max(1, Math.ceil(seconds.length / POINTS_MAX));
    this.#points = Array.from({ length: Math.ceil(seconds.length / this.pointS) }, (_, at) => seconds.slice(at * this.pointS, (at + 1) * this.pointS));
    this.atS = this.#points.map(([first]) => first?.atS ?? 0);
  }

  /** One figure over time; null where it was not measured. */
  column(pick: (second: Second) => number | null | undefined, merge: Merge = mean): (number | null)[] {
    return this.#points.map((seconds) => {
      const measured = seconds.map(pick).filter((value): value is number => typeof value === 'number' && Number.isFinite(value));
      return measured.length === 0 ? null : Number(merge(measured).toPrecision(DIGITS));
    });
  }
}
