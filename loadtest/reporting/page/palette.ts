import type { Colour } from '../chart-data.ts';

/** The style sheet has all colours of both schemes, also of what is drawn on a canvas. */
export function colour(name: Colour | 'ink' | 'line' | 'card' | 'fault'): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** Where colours may be taken for each other, the stroke tells them apart. */
export function dashOf(name: Colour): number[] | undefined {
  return name === 'quiet' || name === 'bad' ? [2, 3] : Number(name.slice(-1)) > 4 ? [7, 4] : undefined;
}
