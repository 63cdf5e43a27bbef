import type uPlot from 'uplot';
import type { Series } from '../chart-data.ts';
import { dashOf } from './palette.ts';

/** The names of the series, each of which hides and shows its own. One series needs no name beside the title. */
export function legendOf(plot: uPlot, series: readonly Series[]): HTMLElement[] {
  if (series.length < 2) return [];
  return series.map(({ label, colour }, at) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.setAttribute('aria-pressed', 'true');
    const swatch = document.createElement('i');
    swatch.style.borderTop = `3px ${dashOf(colour) ? 'dashed' : 'solid'} var(--${colour})`;
    button.append(swatch, label);
    button.addEventListener('click', () => {
      const isShown = button.getAttribute('aria-pressed') !== 'true';
      button.setAttribute('aria-pressed', String(isShown));
      plot.setSeries(at + 1, { show: isShown });
    });
    const item = document.createElement('li');
    item.append(button);
    return item;
  });
}
