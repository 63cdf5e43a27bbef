import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { OpsSeries } from '../../../schema/messages/ops.ts';
import { el, fill, setText } from '../../src/dom.ts';
import { momentText } from '../moment.ts';
import { colourOf, dashOf, token } from './chart-colours.ts';
import { bridged, firstKnown, lineSummary, type Chart, type Line } from './chart-list.ts';
import { axes, scales } from './chart-scales.ts';

/** All charts show the same moment. */
const GROUP = 'hour';
const HEIGHT_PX = 150;

/** One chart with its legend, whose figures are those under the pointer, and its summary in words. */
export class ChartFigure {
  readonly element: HTMLElement;
  readonly #chart: Chart;
  readonly #box = el('div', { class: 'plot', 'aria-hidden': 'true' });
  readonly #legend = el('ul', { class: 'legend', 'aria-hidden': 'true' });
  readonly #moment = el('span', { class: 'quiet', 'aria-hidden': 'true' });
  readonly #summary = el('p', { class: 'sr-only', testid: 'chart-summary' });
  readonly #resize = new ResizeObserver(() => this.#plot?.setSize(this.#size()));
  readonly #dark = matchMedia('(prefers-color-scheme: dark)');
  readonly #redraw = () => this.#plot?.redraw(false);
  #plot: uPlot | undefined;
  #lines: readonly Line[] = [];
  /** The place of the first moment that is drawn. */
  #from = 0;
  #figures: HTMLElement[] = [];

  constructor(chart: Chart) {
    this.#chart = chart;
    this.element = el('figure', { class: 'card chart', testid: `chart-${chart.id}` },
      el('figcaption', {}, el('h4', {}, chart.title), this.#moment, this.#summary), this.#legend, this.#box);
    this.#resize.observe(this.#box);
    // Colours are read when a chart is drawn.
    this.#dark.addEventListener('change', this.#redraw);
  }

  update(series: OpsSeries): void {
    const lines = this.#chart.lines(series);
    const isNew = this.#plot === undefined || labelsOf(lines) !== labelsOf(this.#lines);
    this.#lines = lines;
    this.#from = firstKnown(lines);
    const data: uPlot.AlignedData = [series.times.slice(this.#from).map((at) => at / 1000), ...lines.map(({ values }) => bridged(values.slice(this.#from)))];
    if (isNew) this.#draw(data);
    else this.#plot?.setData(data);
    setText(this.#summary, `${lines.map((line) => lineSummary(line, series.times, momentText)).join('; ')}.`);
    this.#read();
  }

  close(): void {
    this.#resize.disconnect();
    this.#dark.removeEventListener('change', this.#redraw);
    this.#plot?.destroy();
  }

  #draw(data: uPlot.AlignedData): void {
    this.#plot?.destroy();
    this.#figures = this.#lines.map(() => el('b'));
    fill(this.#legend, ...this.#lines.map(({ label }, place) => el('li', {}, swatch(place), label, this.#figures[place])));
    this.#plot = new uPlot({
      ...this.#size(),
      padding: [8, 8, 0, 0],
      legend: { show: false },
      cursor: { y: false, sync: { key: GROUP }, points: { size: 6 }, drag: { x: false, y: false } },
      scales: scales(),
      axes: axes(this.#lines, this.#chart.isWhole),
      series: [{}, ...this.#lines.map((line, place): uPlot.Series => ({
        label: line.label, scale: line.isRight ? 'right' : 'y', stroke: () => token(colourOf(place)), width: 1.5, dash: dashOf(place), points: { show: false },
      }))],
      hooks: { setCursor: [() => this.#read()] },
    }, data, this.#box);
  }

  /** The figures under the pointer, or else the latest. */
  #read(): void {
    const { idx } = this.#plot?.cursor ?? {};
    const times = this.#plot?.data[0] ?? [];
    const isPointed = typeof idx === 'number' && (this.#plot?.cursor.left ?? -1) >= 0;
    setText(this.#moment, isPointed ? momentText((times[idx] ?? 0) * 1000) : '');
    for (const [place, { values, text }] of this.#lines.entries()) {
      setText(this.#figures[place]!, text(isPointed ? values[this.#from + idx] : values.findLast((value) => value !== null)));
    }
  }

  #size(): { width: number; height: number } {
    return { width: Math.max(this.#box.clientWidth, 120), height: HEIGHT_PX };
  }
}

function swatch(place: number): HTMLElement {
  const mark = el('i');
  mark.style.borderTop = `3px ${dashOf(place) ? 'dashed' : 'solid'} var(${colourOf(place)})`;
  return mark;
}

const labelsOf = (lines: readonly Line[]): string => lines.map(({ label }) => label).join('|');
