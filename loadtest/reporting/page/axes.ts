import type uPlot from 'uplot';
import type { Chart } from '../chart-data.ts';
import { clockText } from '../figure-text.ts';
import { colour } from './palette.ts';

const FONT = '12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
/** Steps of the time that a clock shows well. */
const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400];
const WHOLE_STEPS = Array.from({ length: 10 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat();
const LETTER_PX = 7;
/** Charts below each other begin at the same place where their figures are short. */
const WIDTH_PX_MIN = 46;
/** Of more lines than this on a logarithmic scale only those at powers of ten are drawn. */
const LINES_MAX = 12;

const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 4 });

/** Linear scales begin at nothing, so that twice as high is twice as much. */
export function scales(scale: Chart['scale']): uPlot.Scales {
  const linear: uPlot.Scale = { range: (_, __, max) => [0, max > 0 ? max * 1.08 : 1] };
  const log: uPlot.Scale = { distr: 3, log: 10, range: (_, min, max) => (max > 0 ? [step(min, Math.floor), step(max * 1.1, Math.ceil)] : [1, 10]) };
  return { x: { time: false }, y: scale === 'log' ? log : linear };
}

export function axes(isWhole = false): uPlot.Axis[] {
  const lines = { stroke: () => colour('line'), width: 1 };
  const both: uPlot.Axis = { stroke: () => colour('quiet'), font: FONT, ticks: { ...lines, size: 4 } };
  return [
    { ...both, size: 28, grid: { show: false }, incrs: STEPS_S, space: 56, values: (_, splits) => splits.map((at) => clockText(at)) },
    {
      ...both,
      ...(isWhole && { incrs: WHOLE_STEPS }),
      grid: { ...lines, filter: (plot, splits) => (plot.scales['y']?.distr === 3 && splits.length > LINES_MAX ? splits.map((at) => (Number.isInteger(digits(at)) ? at : null)) : splits) },
      size: (_, texts: (string | null)[] | null) => Math.max(WIDTH_PX_MIN, 14 + LETTER_PX * Math.max(0, ...(texts ?? []).map((text) => text?.length ?? 0))),
      // On a logarithmic scale there are lines without a figure.
      values: (_, splits) => splits.map((at: number | null) => (at === null ? '' : compact.format(at))),
    },
  ];
}

/** A power of ten is whole, in spite of how it came about. */
const digits = (value: number): number => Number(Math.log10(value).toFixed(9));

/** The next 1, 2 or 5 times a power of ten, so that a logarithmic scale is not mostly empty. */
function step(value: number, round: (share: number) => number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const share = value / power;
  const to = round === Math.floor ? [5, 2, 1].find((each) => each <= share) : [1, 2, 5, 10].find((each) => each >= share);
  return (to ?? 1) * power;
}
