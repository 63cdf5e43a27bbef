import type { BoardRow, BoardRows } from '../../schema/leaderboard.ts';

/** How a row changed its place, as it is shown next to it. */
export type Movement = { kind: 'up' | 'down'; places: number; fading: boolean } | { kind: 'new'; fading: boolean };

interface Move {
  /** The rank before; null for a row that came in. */
  from: number | null;
  sinceMs: number;
}

/** What stands on a board, and what moved to come to stand there, by player. */
export interface MovingRows {
  rows: BoardRows;
  moves: ReadonlyMap<string, Move>;
}

export const MOVE_SHOWN_MS = 20_000;
const MOVE_FADES_MS = 3_000;

/**
 * What stands now, after what stood before. A row that moves again while its move is still shown is told of from where it
 * stood first. Rows that are not among the same players (another board, a season's first, a region that stopped answering)
 * did not move. `newcomers`: whether a row that was not there came in; in a cut-out it may only have come into sight. Pure.
 */
export function followRows(before: MovingRows | undefined, rows: BoardRows, { nowMs, newcomers }: { nowMs: number; newcomers: boolean }): MovingRows {
  const moves = new Map<string, Move>();
  if (!before || !sameGround(before.rows, rows)) return { rows, moves };
  const ranks = new Map(before.rows.rows.map(({ playerId, rank }) => [playerId as string, rank]));
  for (const { playerId, rank } of rows.rows) {
    const stood = ranks.get(playerId);
    const shown = before.moves.get(playerId);
    const held = shown && nowMs - shown.sinceMs < MOVE_SHOWN_MS ? shown : undefined;
    const move = stood === undefined ? (newcomers ? { from: null, sinceMs: nowMs } : undefined) : nextMove(held, stood, rank, nowMs);
    if (move) moves.set(playerId, move);
  }
  return { rows, moves };
}

/** What is to be shown of a row's move at that time. Pure. */
export function movementOf({ moves }: MovingRows, { playerId, rank }: BoardRow, nowMs: number): Movement | undefined {
  const move = moves.get(playerId);
  const ageMs = move ? nowMs - move.sinceMs : Infinity;
  if (!move || ageMs >= MOVE_SHOWN_MS) return undefined;
  const fading = ageMs >= MOVE_SHOWN_MS - MOVE_FADES_MS;
  if (move.from === null) return { kind: 'new', fading };
  return { kind: rank < move.from ? 'up' : 'down', places: Math.abs(move.from - rank), fading };
}

function nextMove(held: Move | undefined, stood: number, rank: number, nowMs: number): Move | undefined {
  if (stood === rank || held?.from === null) return held;
  const from = held?.from ?? stood;
  return from === rank ? undefined : { from, sinceMs: nowMs };
}

function sameGround(some: BoardRows, others: BoardRows): boolean {
  return some.board === others.board && some.region === others.region && some.season === others.season
    && some.missing.toSorted().join() === others.missing.toSorted().join();
}
