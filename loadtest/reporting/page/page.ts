import 'uplot/dist/uPlot.min.css';
import './page.css';
import type { RecordCharts } from '../chart-data.ts';
import { ChartFigure } from './chart-figure.ts';

/** Draws the charts of every record into the figures that are there for them. */
function drawAll(): void {
  const records = JSON.parse(document.querySelector('#charts')?.textContent ?? '{}') as Record<string, RecordCharts>;
  const figures = Object.entries(records).flatMap(([id, record]) =>
    record.charts.flatMap((chart) => {
      const place = document.querySelector<HTMLElement>(`[data-record="${CSS.escape(id)}"] [data-chart="${chart.id}"]`);
      return place === null ? [] : [new ChartFigure(place, id, record, chart)];
    }),
  );
  // The colours are read when a chart is drawn.
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => figures.forEach((figure) => figure.redraw()));
}

drawAll();
