import type { BoardRow, BoardRows } from '../../schema/leaderboard.ts';
import type { PlayerId } from '../../schema/ids.ts';
import type { LeaderboardRow, LeaderboardState } from '../../schema/states/leaderboard-state.ts';

/** A copy of a board's room at one moment: the decoder changes its objects in place. `undefined` until the board has been read. */
export function readBoard(state: LeaderboardState | undefined): BoardRows | undefined {
  if (!state?.board || !state.season) return undefined;
  const rows: BoardRow[] = [];
  state.top?.forEach(({ rank, playerId, name, score, region }: LeaderboardRow) => {
    rows.push({ rank, playerId: playerId as PlayerId, name, score, region });
  });
  const { board, region, season } = state;
  return { board, region, season, rows, missing: [...(state.missing ?? [])] };
}

export function hasPlayer({ rows }: BoardRows, playerId: string | undefined): boolean {
  return rows.some((row) => row.playerId === playerId);
}
