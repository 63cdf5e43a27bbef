import uPlot from 'uplot';
import type { Chart, ChartView, RecordCharts, Series } from '../chart-data.ts';
import { axes, scales } from './axes.ts';
import { faultMarks } from './fault-marks.ts';
import { legendOf } from './legend.ts';
import { colour, dashOf } from './palette.ts';
import { tooltip } from './tooltip.ts';

/** One chart in its place: as wide as that is, with its legend and, where it has several views, what chooses between them. */
export class ChartFigure {
  readonly #place: HTMLElement;
  readonly #box: HTMLElement;
  /** Charts of one record show the same moment. */
  readonly #group: string;
  readonly #record: RecordCharts;
  readonly #chart: Chart;
  #plot: uPlot;

  constructor(place: HTMLElement, group: string, record: RecordCharts, chart: Chart) {
    const box = place.querySelector<HTMLElement>('.plot');
    if (box === null) throw new Error(`there is no place for the chart ${chart.id}`);
    [this.#place, this.#box, this.#group, this.#record, this.#chart] = [place, box, group, record, chart];
    this.#plot = this.#draw(chart.views[0]);
    new ResizeObserver(() => this.#plot.setSize(this.#size())).observe(box);
    const choice = place.querySelector('select');
    choice?.addEventListener('change', () => this.#show(chart.views[Number(choice.value)]));
  }

  redraw(): void {
    this.#plot.redraw(false);
  }

  #show(view: ChartView | undefined): void {
    const { min, max } = this.#plot.scales['x'] ?? {};
    this.#plot.destroy();
    this.#plot = this.#draw(view);
    // Who looked closer at a moment still does.
    if (min !== undefined && max !== undefined) this.#plot.setScale('x', { min, max });
  }

  #draw(view: ChartView = { name: '', summary: '', series: [] }): uPlot {
    const { scale, unit, isWhole } = this.#chart;
    const { atS, faults } = this.#record;
    this.#box.setAttribute('aria-label', view.summary);
    const plot = new uPlot(
      {
        ...this.#size(),
        padding: [faults.length > 0 ? 20 : 8, 12, 0, 0],
        legend: { show: false },
        cursor: { y: false, sync: { key: this.#group }, points: { size: 7 } },
        scales: scales(scale),
        axes: axes(isWhole),
        series: [{}, ...view.series.map((series) => line(series, atS.length))],
        plugins: [faultMarks(faults), tooltip(unit, faults)],
      },
      [atS, ...view.series.map(({ values }) => values)],
      this.#box,
    );
    this.#place.querySelector('.legend')?.replaceChildren(...legendOf(plot, view.series));
    return plot;
  }

  #size(): { width: number; height: number } {
    return { width: Math.max(this.#box.clientWidth, 120), height: this.#box.clientHeight };
  }
}

function line({ label, colour: name }: Series, points: number): uPlot.Series {
  // A run of one second has no line.
  return { label, stroke: () => colour(name), width: 1.5, dash: dashOf(name), points: { show: points < 2, size: 5, fill: () => colour(name) } };
}
