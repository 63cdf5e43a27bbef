/** What players get of a server with so many of them. */
export interface Service {
  players: number;
  /** Of the zone, per client and second. */
  patches: number;
  /** From a move until its player sees it, in ms. */
  p99: number;
}

/** What a server must still do for whom it carries: of ten patches a second nine, and a move that is seen within a quarter of a second. */
export const PATCHES_MIN = 9;
export const P99_MS_MAX = 250;

export const isServed = ({ patches, p99 }: Service): boolean => patches >= PATCHES_MIN && p99 <= P99_MS_MAX;

/**
 * How many players a server carries: as many as there were, or between the last step that was served and the first that was
 * not, on the straight line of what failed first. Pure.
 * @param steps by rising numbers of players
 */
export function carried(steps: readonly Service[]): number {
  const failed = steps.findIndex((step) => !isServed(step));
  if (failed === -1) return steps.at(-1)?.players ?? 0;
  const below = steps[failed - 1] ?? { players: 0, patches: 10, p99: 0 };
  const above = steps[failed] ?? below;
  const part = (limit: number, from: number, to: number) => Math.max(0, (limit - from) / (to - from));
  const byPatches = above.patches < PATCHES_MIN ? part(PATCHES_MIN, below.patches, above.patches) : 1;
  const byP99 = above.p99 > P99_MS_MAX ? part(P99_MS_MAX, below.p99, above.p99) : 1;
  return below.players + (above.players - below.players) * Math.min(byPatches, byP99);
}
