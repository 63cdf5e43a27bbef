import { el, setText } from '../../src/dom.ts';
import { opsApi } from '../ask.ts';
import { poll } from '../poll.ts';
import { CHARTS } from './chart-list.ts';
import type { ChartFigure } from './chart-figure.ts';

/** As often as processes say something new. */
const EVERY_MS = 10_000;

/** The last hour in charts, whose code comes after the figures of now. */
export function chartGrid(): { element: HTMLElement; close(): void } {
  const problem = el('p', { class: 'quiet', hidden: true });
  const grid = el('div', { class: 'charts' });
  let figures: readonly ChartFigure[] = [];
  const polling = poll({
    async ask() {
      const [{ ChartFigure }, series] = await Promise.all([import('./chart-figure.ts'), opsApi.series()]);
      return { ChartFigure, series };
    },
    everyMs: EVERY_MS,
    answered({ ChartFigure, series }) {
      problem.hidden = true;
      if (figures.length === 0) {
        figures = CHARTS.map((chart) => new ChartFigure(chart));
        grid.replaceChildren(...figures.map(({ element }) => element));
      }
      for (const figure of figures) figure.update(series);
    },
    failed() {
      problem.hidden = false;
      setText(problem, 'The last hour cannot be read at the moment.');
    },
  });
  return {
    element: el('section', { class: 'hour', testid: 'charts' }, el('h3', {}, 'The last hour'), problem, grid),
    close() {
      polling.stop();
      for (const figure of figures) figure.close();
    },
  };
}
