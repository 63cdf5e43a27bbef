import { z } from 'zod';
import { CommandId, ItemId, PlayerId } from '../ids.ts';
import { BoardName, Score } from '../leaderboard.ts';
import { AssetName, Attributes, Fungibles, POSTINGS_MAX } from '../quantities.ts';

const notEmpty = (body: { fungibles: object; items: readonly unknown[] }) =>
  Object.keys(body.fungibles).length + body.items.length > 0;

export const Grant = z
  .strictObject({
    commandId: CommandId,
    playerId: PlayerId,
    fungibles: Fungibles.default({}),
    items: z.array(z.strictObject({ kind: AssetName, attributes: Attributes.optional() })).max(POSTINGS_MAX).default([]),
  })
  .refine(notEmpty, 'nothing to grant');
export type Grant = z.output<typeof Grant>;

export const Burn = z
  .strictObject({
    commandId: CommandId,
    playerId: PlayerId,
    fungibles: Fungibles.default({}),
    items: z.array(ItemId).max(POSTINGS_MAX).refine((ids) => new Set(ids).size === ids.length, 'an item may be named once').default([]),
  })
  .refine(notEmpty, 'nothing to burn');
export type Burn = z.output<typeof Burn>;

export const SubmitScore = z.strictObject({ commandId: CommandId, board: BoardName, playerId: PlayerId, score: Score });
export type SubmitScore = z.output<typeof SubmitScore>;
export interface SubmitScoreAnswer {
  commandId: CommandId;
  board: string;
  playerId: PlayerId;
  season: number;
  /** What the player has on the board now, by its rule. */
  score: number;
}

export const PLAYERS_MAX = 1000;
export const ReadPlayers = z.strictObject({ ids: z.array(PlayerId).max(PLAYERS_MAX) });
