import type { SetRow } from '../../persistence/index.ts';
import { TOP_MAX } from '../../schema/leaderboard.ts';
import type { BoardOf } from '../catalog/index.ts';
import { mayHaveMore, mayHideRows, mergeTops, radiusToAsk, rowsToAsk, type LastTop, type RegionRow, type RegionWindow } from './merge.ts';
import type { Regions } from './regions.ts';

/** Which sets are asked. */
interface Scope {
  board: BoardOf;
  season: number;
  regions: readonly string[];
}

/**
 * The best of some regions. Each is asked for about as many as it had among the last ones, and those for the rest that turn out to
 * have more: all rows of all regions would be as many times the work as there are regions.
 */
export async function bestOf(sets: Regions, { board, season, regions }: Scope, last: LastTop): Promise<{ rows: RegionRow[]; missing: string[] }> {
  const isLower = board.order === 'ascending';
  const limits = rowsToAsk(regions, last, TOP_MAX);
  const { answers, missing } = await sets.askTogether(board, season, regions, (own, names) => own.tops(names.map((name) => ({ name, limit: limits.get(name.region) ?? TOP_MAX }))));
  const first = mergeTops(answers, TOP_MAX, isLower);
  const short = [...answers].filter(([region, rows]) => rows.length === limits.get(region) && mayHaveMore(rows, first, TOP_MAX, isLower)).map(([region]) => region);
  if (short.length === 0) return { rows: first, missing };
  const more = await sets.askTogether(board, season, short, (own, names) => own.tops(names.map((name) => ({ name, limit: TOP_MAX }))));
  for (const region of short) answers.delete(region);
  for (const [region, rows] of more.answers) answers.set(region, rows);
  return { rows: mergeTops(answers, TOP_MAX, isLower), missing: regions.filter((region) => !answers.has(region)) };
}

/** The rows around a place, by region. As with the best: each is asked for its share, and those for all that may have more of them. */
export async function windowsAround(sets: Regions, { board, season, regions }: Scope, place: SetRow, radius: number): Promise<Map<string, RegionWindow>> {
  const ask = async (names: readonly string[], asked: number) => {
    const { answers } = await sets.ask(board, season, names, (own, name) => own.around(name, place, asked));
    return new Map([...answers].map(([region, { before, rows }]): [string, RegionWindow] => [region, { region, before, rows }]));
  };
  const asked = radiusToAsk(regions.length, radius);
  const windows = await ask(regions, asked);
  if (asked > radius) return windows;
  const isLower = board.order === 'ascending';
  const short = [...windows.values()].filter((window, _, all) => mayHideRows(window, all, place, { radius, asked, isLower })).map(({ region }) => region);
  if (short.length === 0) return windows;
  const whole = await ask(short, radius + 1);
  // One that does not answer any more is missing, as it is when it did not at first.
  for (const region of short) windows.delete(region);
  return new Map([...windows, ...whole]);
}
