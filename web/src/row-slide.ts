const SLIDE_MS = 400;
const still = matchMedia('(prefers-reduced-motion: reduce)');

/** Lets the rows of a list, which `change` puts into another order, glide to where they are then. */
export function slideRows(list: HTMLElement, change: () => void): void {
  if (still.matches) return change();
  const before = new Map(rowsOf(list).map((row) => [row, row.offsetTop]));
  change();
  for (const row of rowsOf(list)) {
    const byPx = (before.get(row) ?? row.offsetTop) - row.offsetTop;
    if (byPx !== 0) row.animate({ transform: [`translateY(${byPx}px)`, 'none'] }, { duration: SLIDE_MS, easing: 'ease-out' });
  }
}

function rowsOf(list: HTMLElement): HTMLElement[] {
  return [...list.children].filter((row) => row instanceof HTMLElement);
}
