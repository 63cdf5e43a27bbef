import type { OpsSeries } from '../../../schema/messages/ops.ts';
import { delayText, numberText, rateText } from '../figures.ts';

export type Values = readonly (number | null)[];

export interface Line {
  label: string;
  values: Values;
  text: (value: number | null | undefined) => string;
  /** On a scale of its own, to the right. */
  isRight?: boolean;
}

export interface Chart {
  id: string;
  title: string;
  /** Of whole things: there is no line at half of one. */
  isWhole?: boolean;
  lines: (series: OpsSeries) => Line[];
}

/** At ten seconds each. */
const SHOWN_MIN = 30;
/** A process that says something a little late breaks no line. */
const GAP_MAX = 2;

const one = (label: string, values: Values, text: Line['text']): Line => ({ label, values, text });

/** What the page draws of the last hour. */
export const CHARTS: readonly Chart[] = [
  { id: 'players', title: 'Players', isWhole: true, lines: ({ players }) => [one('online', players, numberText)] },
  { id: 'trades', title: 'Trades and refusals', lines: ({ tradesPerSecond, refusalsPerSecond }) => [one('trades', tradesPerSecond, rateText), one('refusals', refusalsPerSecond, rateText)] },
  { id: 'batch', title: 'Batch size', lines: ({ batchSize }) => [one('movements a commit', batchSize, numberText)] },
  { id: 'commit', title: 'Queue wait and commit', lines: ({ queueWaitMs, commitMs }) => [one('wait', queueWaitMs, delayText), one('commit', commitMs, delayText)] },
  { id: 'loop', title: 'Loop delay, p99', lines: ({ loopDelayMs }) => Object.entries(loopDelayMs).map(([process, values]) => one(`process ${process}`, values, delayText)) },
  { id: 'doubt', title: 'In doubt, and lag of the leaderboards', isWhole: true, lines: ({ inDoubt, boardLagMs }) => [one('in doubt', inDoubt, numberText), { ...one('lag', boardLagMs, delayText), isRight: true }] },
];

/** Where the hour begins that there is something to show of; a young server is shown for some minutes all the same. */
export function firstKnown(lines: readonly Line[]): number {
  const firsts = lines.map(({ values }) => values.findIndex((value) => value !== null)).filter((place) => place >= 0);
  const length = lines[0]?.values.length ?? 0;
  return Math.max(0, Math.min(...firsts, length - SHOWN_MIN));
}

/** What a line shows, in words: where it is now, its highest and when, and how it is on average. */
export function lineSummary({ label, values, text }: Line, times: readonly number[], timeText: (atMs: number) => string): string {
  const known = values.flatMap((value, place) => (value === null ? [] : [{ value, at: times[place] ?? 0 }]));
  const last = known.at(-1);
  if (last === undefined) return `${label}: nothing yet`;
  const highest = known.reduce((best, each) => (each.value > best.value ? each : best));
  const mean = known.reduce((sum, { value }) => sum + value, 0) / known.length;
  return `${label}: now ${text(last.value)}, at most ${text(highest.value)} at ${timeText(highest.at)}, on average ${text(mean)}`;
}

/** A line over gaps that are short, which uPlot takes for undefined; longer ones break it. */
export function bridged(values: Values): (number | null | undefined)[] {
  const known = values.flatMap((value, place) => (value === null ? [] : [place]));
  const joined: (number | null | undefined)[] = [...values];
  for (const [nth, from] of known.entries()) {
    const to = known[nth + 1];
    if (to !== undefined && to - from - 1 <= GAP_MAX) joined.fill(undefined, from + 1, to);
  }
  return joined;
}
