const COLOURS = 8;

/** The style sheet has all colours of both schemes, also of what is drawn on a canvas. */
export function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

export const colourOf = (place: number): string => `--series-${(place % COLOURS) + 1}`;

/** The stroke tells lines apart for whom colours do not. */
export const dashOf = (place: number): number[] | undefined => (place % 2 === 1 ? [5, 3] : undefined);
