import { z } from 'zod';
import type { PlayerId } from './ids.ts';
import { QUANTITY_MAX } from './quantities.ts';

/** All regions of a board together, wherever a region is named. */
export const GLOBAL = 'global';

export const BoardName = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/);
export const RegionName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/)
  .refine((name) => name !== GLOBAL, `"${GLOBAL}" means all regions together`);

/** A whole number from −(2^53 − 1) to 2^53 − 1: exact in a double, which is what a sorted set has. [LB1] */
export const Score = z.int().min(-QUANTITY_MAX).max(QUANTITY_MAX);

/** What a board keeps of a player's scores: the best one, the latest one, or their sum. */
export const ScoreRule = z.enum(['best', 'latest', 'sum']);
export type ScoreRule = z.output<typeof ScoreRule>;

/** What the game itself feeds a board with: how much one gathered, how much gold one has, how many trades one completed. */
export const ScoreSource = z.enum(['gathered', 'wealth', 'trades']);
export type ScoreSource = z.output<typeof ScoreSource>;

/** The most rows that one question about a board is answered with. */
export const TOP_MAX = 100;
export const AROUND_RADIUS_MAX = 50;

/** A place on a board. Equal scores share a rank: 1, 1, 3. [LB2] */
export interface BoardRow {
  rank: number;
  playerId: PlayerId;
  name: string;
  score: number;
  region: string;
}

/** Places on a board, the best first, and the regions that could not be asked: then these rows are without theirs. [LB6] */
export interface BoardRows {
  board: string;
  region: string;
  /** From 1; a board without seasons has one for ever. */
  season: number;
  rows: BoardRow[];
  missing: string[];
}

/** A player's own place; null where there is no score yet, or one beyond what the board keeps. */
export interface BoardPlace {
  board: string;
  /** What the rank is among: a region, or all of them. */
  region: string;
  season: number;
  playerId: PlayerId;
  rank: number | null;
  score: number | null;
  missing: string[];
}

/** What a client may know of a board. */
export interface BoardInfo {
  name: string;
  title: string;
  order: 'descending' | 'ascending';
  rule: ScoreRule;
  regions: string[];
  season: number;
  /** Unix milliseconds at which the season is closed; null without seasons. */
  endsAt: number | null;
}
