import type { Fault } from './record.ts';

/** What the page draws of one load record: built where the records are read, drawn in the browser. */
export interface RecordCharts {
  /** The moments of all columns of values. */
  atS: number[];
  /** What a point stands for. */
  pointS: number;
  faults: Fault[];
  charts: Chart[];
}

export interface Chart {
  id: string;
  title: string;
  /** What is measured, in which unit. */
  caption: string;
  unit: string;
  scale: 'linear' | 'log';
  /** There is no half of what is counted. */
  isWhole?: true;
  /** One of them is shown at a time; a selector is there where there are several. */
  views: ChartView[];
}

export interface ChartView {
  name: string;
  /** In words, for who does not see the chart. */
  summary: string;
  series: Series[];
}

export interface Series {
  label: string;
  colour: Colour;
  values: (number | null)[];
}

/** A custom property of the style sheet, so that the scheme of the page is that of the charts. */
export type Colour = `series-${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8}` | 'bad' | 'quiet';
