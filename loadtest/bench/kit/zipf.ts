import type { Random } from './holdings.ts';

/** Draws ranks from 0 up to, not including, `count`: rank r as often as 1 / (r + 1) ^ exponent says. */
export function zipf(count: number, exponent: number): (random: Random) => number {
  let sum = 0;
  const upTo = Array.from({ length: count }, (_, rank) => (sum += (rank + 1) ** -exponent));
  return (random) => {
    const drawn = random() * sum;
    let [low, high] = [0, count - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((upTo[middle] ?? 0) > drawn) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}
