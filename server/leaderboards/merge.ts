import type { SetRow } from '../../persistence/index.ts';
import type { BoardRow } from '../../schema/leaderboard.ts';

/** A row with the region that it stands in. */
export interface RegionRow extends SetRow {
  region: string;
}

export type Ranked = Omit<BoardRow, 'name'>;

/** The better first, and equal scores by their players' ids, as every region's own rows are. Pure. */
export function compareRows(isLower: boolean): (a: SetRow, b: SetRow) => number {
  return (a, b) => (a.value === b.value ? (a.player < b.player ? -1 : a.player > b.player ? 1 : 0) : a.value < b.value === isLower ? -1 : 1);
}

/**
 * Ranks to rows in order: 1 + the number of better scores, so equal ones share theirs. Pure. [LB2]
 * @param before how many stand before the first row
 * @param rank of the first row
 */
export function rankRows(rows: readonly RegionRow[], before: number, rank: number): Ranked[] {
  let shared = rank;
  return rows.map(({ player, value, region }, at) => {
    if (at > 0 && value !== rows[at - 1]?.value) shared = before + at + 1;
    return { rank: shared, playerId: player, score: value, region };
  });
}

/** Beyond as many as a region had, when they were others than the time before. */
const ROWS_MORE = 3;
/** Beyond its share of the rows around a place. */
const NEAR_MORE = 2;

/** The last ones that were found, and whether they were those of the time before. */
export interface LastTop {
  rows: readonly { region: string }[];
  isSteady: boolean;
}

/** How many of its best to ask each region for, by how many each had among the last ones. Pure. */
export function rowsToAsk(regions: readonly string[], { rows: last, isSteady }: LastTop, limit: number): Map<string, number> {
  // One more than it has tells that it has no more.
  const more = isSteady ? 1 : ROWS_MORE;
  const had = new Map(regions.map((region) => [region, 0]));
  for (const { region } of last) had.set(region, (had.get(region) ?? 0) + 1);
  const unknown = Math.ceil((2 * limit) / regions.length);
  return new Map(regions.map((region) => [region, Math.min(limit, Math.max(last.length < limit ? unknown : 0, (had.get(region) ?? 0) + more))]));
}

/** The best of all regions from the best of each. Pure. */
export function mergeTops(tops: ReadonlyMap<string, readonly SetRow[]>, limit: number, isLower: boolean): RegionRow[] {
  const rows: RegionRow[] = [];
  for (const [region, own] of tops) for (const { player, value } of own) rows.push({ player, value, region });
  if (tops.size > 1) rows.sort(compareRows(isLower));
  return rows.slice(0, limit);
}

/** Whether behind these rows of a region, which are not all that it has, one may stand that belongs among the best of all. Pure. */
export function mayHaveMore(rows: readonly SetRow[], best: readonly RegionRow[], limit: number, isLower: boolean): boolean {
  const [worst, last] = [best[limit - 1], rows.at(-1)];
  if (rows.length >= limit || last === undefined) return false;
  return worst === undefined || compareRows(isLower)(last, worst) < 0;
}

/** How far around a place to ask each of so many regions: all of them together have about as many rows as one board of their players. Pure. */
export function radiusToAsk(regions: number, radius: number): number {
  // One farther than is shown: by that row it is known whether the first one shares its rank.
  return Math.min(radius + 1, Math.ceil((radius + 1) / regions) + NEAR_MORE);
}

/** Whether a region, which was asked as far as `asked`, may have rows beyond that belong to those around the place. Pure. */
export function mayHideRows({ before, rows: own }: RegionWindow, all: readonly RegionWindow[], place: SetRow, { radius, asked, isLower }: { radius: number; asked: number; isLower: boolean }): boolean {
  const compare = compareRows(isLower);
  const rows = all.flatMap((window) => window.rows).toSorted(compare);
  const isBefore = (row: SetRow) => compare(row, place) < 0;
  const [at, ownAt] = [rows.filter(isBefore).length, own.filter(isBefore).length];
  const [farthest, behind] = [rows[at - radius - 1], rows[at + radius]];
  const [first, last] = [own[0], own.at(-1)];
  const hidesBefore = before > 0 && first !== undefined && (farthest === undefined || compare(first, farthest) > 0);
  const hidesBehind = own.length - ownAt > asked && last !== undefined && (behind === undefined || compare(last, behind) < 0);
  return hidesBefore || hidesBehind;
}

/** What one region knows of the rows around a place. */
export interface RegionWindow {
  region: string;
  before: number;
  rows: readonly SetRow[];
}

/**
 * The rows around a place over all regions: at most `radius` before it, and it with as many behind. All regions' own rows reach one
 * farther. Pure.
 * @returns with how many stand before the first of them, and its rank; undefined where that depends on how many have its score
 */
export function mergeWindows(windows: readonly RegionWindow[], place: SetRow, radius: number, isLower: boolean): { before: number; rank: number | undefined; rows: RegionRow[] } {
  const compare = compareRows(isLower);
  const rows: RegionRow[] = [];
  for (const { region, rows: own } of windows) for (const { player, value } of own) rows.push({ player, value, region });
  rows.sort(compare);
  const found = rows.findIndex((row) => compare(row, place) >= 0);
  const at = found < 0 ? rows.length : found;
  const from = Math.max(0, at - radius);
  const before = windows.reduce((sum, window) => sum + window.before, 0) - (at - from);
  const isFirstOfItsScore = before === 0 || (from > 0 && rows[from - 1]?.value !== rows[from]?.value);
  return { before, rank: isFirstOfItsScore ? before + 1 : undefined, rows: rows.slice(from, at + radius + 1) };
}
