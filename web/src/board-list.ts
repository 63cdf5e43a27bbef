import type { BoardInfo } from '../../schema/leaderboard.ts';
import { cell } from '../client/index.ts';
import { observeServerTime, serverNow } from './server-clock.ts';

export interface BoardList {
  /** Absent until they have arrived. */
  boards?: readonly BoardInfo[];
  /** The last look failed. */
  failed: boolean;
}

/** Which boards there are, as `GET /leaderboards` lists them. */
export const boardList = cell<BoardList>({ failed: false });

const REFETCH_AFTER_MS = 5_000;
let fetchedAt = -Infinity;
let fetching = false;

export async function loadBoards(): Promise<void> {
  if (fetching) return;
  fetching = true;
  fetchedAt = Date.now();
  try {
    const response = await fetch('/leaderboards');
    observeServerTime(response.headers.get('date'));
    if (!response.ok) throw new Error(`the leaderboards answered ${response.status}`);
    const { boards } = (await response.json()) as { boards: BoardInfo[] };
    boardList.set({ boards, failed: false });
  } catch {
    boardList.set({ ...boardList.get(), failed: true });
  } finally {
    fetching = false;
  }
}

/** Looks again when what is known of a board is of a season that is over. */
export function keepUp(info: BoardInfo, season: number | undefined): void {
  const over = (info.endsAt !== null && info.endsAt <= serverNow()) || (season !== undefined && season > info.season);
  if (over && Date.now() - fetchedAt > REFETCH_AFTER_MS) void loadBoards();
}
