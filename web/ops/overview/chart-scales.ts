import type uPlot from 'uplot';
import { token } from './chart-colours.ts';
import type { Line } from './chart-list.ts';

const FONT = '12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
/** Steps of the time that a clock shows well. */
const STEPS_S = [60, 120, 300, 600, 900, 1800, 3600];
const WHOLE_STEPS = Array.from({ length: 10 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat();
const LETTER_PX = 7;
const AXIS_PX_MIN = 40;

const clock = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });

/** From nothing on, so that twice as high is twice as much. */
export function scales(): uPlot.Scales {
  const range: uPlot.Scale['range'] = (_, __, max) => [0, max > 0 ? max * 1.1 : 1];
  return { x: { time: true }, y: { range }, right: { range } };
}

export function axes(lines: readonly Line[], isWhole = false): uPlot.Axis[] {
  const stroke = () => token('--line');
  const both: uPlot.Axis = { stroke: () => token('--quiet'), font: FONT, ticks: { stroke, width: 1, size: 4 } };
  const upright: uPlot.Axis = {
    ...both,
    space: 32,
    grid: { stroke, width: 1 },
    size: (_, texts: string[] | null) => Math.max(AXIS_PX_MIN, 14 + LETTER_PX * Math.max(0, ...(texts ?? []).map(({ length }) => length))),
    values: (_, splits) => splits.map((at) => compact.format(at)),
  };
  return [
    { ...both, size: 28, space: 56, incrs: STEPS_S, grid: { show: false }, values: (_, splits) => splits.map((at) => clock.format(at * 1000)) },
    { ...upright, ...(isWhole && { incrs: WHOLE_STEPS }) },
    ...(lines.some(({ isRight }) => isRight) ? [{ ...upright, scale: 'right', side: 1 as const, grid: { show: false }, values: ((_, splits) => splits.map((at) => `${compact.format(at)} ms`)) as uPlot.Axis.Values }] : []),
  ];
}
