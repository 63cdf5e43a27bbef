export interface Point {
  x: number;
  y: number;
}

export const distance = (a: Point, b: Point) => Math.hypot(a.x - b.x, a.y - b.y);

/** Inside the zone's rectangle. */
export function clampTo({ width, height }: { width: number; height: number }, { x, y }: Point): Point {
  return { x: Math.min(Math.max(x, 0), width), y: Math.min(Math.max(y, 0), height) };
}

/** One step towards the target at no more than `speed` units per second: a client names where to, never how fast. Pure. [ZN1] */
export function stepTowards(from: Point, target: Point, speed: number, elapsedMs: number): Point {
  const reach = (speed * elapsedMs) / 1000;
  const left = distance(from, target);
  if (left <= reach) return target;
  return { x: from.x + ((target.x - from.x) * reach) / left, y: from.y + ((target.y - from.y) * reach) / left };
}
