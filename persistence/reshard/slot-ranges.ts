/** `0-3, 7`: ascending slots, as people and the command line write them. */
export function slotRanges(slots: readonly number[]): string {
  const ranges: [from: number, to: number][] = [];
  for (const slot of slots) {
    const last = ranges.at(-1);
    if (last?.[1] === slot - 1) last[1] = slot;
    else ranges.push([slot, slot]);
  }
  return ranges.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`)).join(', ');
}
