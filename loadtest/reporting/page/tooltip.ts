import type uPlot from 'uplot';
import { clockText, numberText } from '../figure-text.ts';
import type { Fault } from '../record.ts';
import { colour } from './palette.ts';

/** So near a mark, as a share of what is shown, the pointer is on it. */
const NEAR = 0.015;
const GAP_PX = 12;

/** What all series are at the moment under the pointer, the highest first, and the fault that is there. */
export function tooltip(unit: string, faults: readonly Fault[]): uPlot.Plugin {
  const box = document.createElement('div');
  box.className = 'tooltip';
  box.hidden = true;
  return {
    hooks: {
      init: (plot) => {
        plot.over.append(box);
        // The cursor moves on all charts of the record; only one of them has the pointer.
        plot.over.addEventListener('pointerleave', () => (box.hidden = true));
      },
      setCursor: (plot) => {
        const { idx, left = -1 } = plot.cursor;
        box.hidden = idx === null || idx === undefined || left < 0 || !plot.over.matches(':hover');
        if (box.hidden || typeof idx !== 'number') return;
        box.replaceChildren(...lines(plot, idx, unit, faults));
        const isRight = left > plot.over.clientWidth / 2;
        box.style.translate = `calc(${left}px + ${isRight ? `-100% - ${GAP_PX}px` : `${GAP_PX}px`}) 0`;
      },
    },
  };
}

function lines(plot: uPlot, idx: number, unit: string, faults: readonly Fault[]): HTMLElement[] {
  const atS = plot.data[0][idx] ?? 0;
  const { min = 0, max = 0 } = plot.scales['x'] ?? {};
  const near = faults.filter((fault) => Math.abs(fault.atS - atS) <= NEAR * ((max ?? 0) - (min ?? 0)));
  const rows = plot.series.slice(1).flatMap(({ show, label, stroke }, at) => (show === false ? [] : [{ label: String(label), stroke, value: plot.data[at + 1]?.[idx] ?? null }]));
  rows.sort((a, b) => (b.value ?? -1) - (a.value ?? -1));
  return [
    paragraph('moment', clockText(atS)),
    ...near.map(({ what }) => paragraph('fault', what)),
    ...rows.map(({ label, stroke, value }) => {
      const row = paragraph('value', '');
      const swatch = document.createElement('i');
      swatch.style.background = typeof stroke === 'function' ? String(stroke(plot, 0)) : colour('quiet');
      const figure = document.createElement('b');
      figure.textContent = `${numberText(value)} ${unit}`;
      row.append(swatch, label, figure);
      return row;
    }),
  ];
}

function paragraph(name: string, text: string): HTMLElement {
  const element = document.createElement('p');
  element.className = name;
  element.textContent = text;
  return element;
}
