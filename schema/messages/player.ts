import { z } from 'zod';
import { CommandId, PlayerId, type TradeId } from '../ids.ts';

/** What a name may be: 1 to 24 visible characters, nothing that bends the line it stands in. */
export const PlayerName = z
  .string()
  .trim()
  .min(1)
  .max(24)
  .regex(/^[\p{L}\p{N}][\p{L}\p{N} '._-]*$/u, 'letters, digits, spaces and . _ - only');

export const Rename = z.strictObject({ commandId: CommandId, name: PlayerName });
export type Rename = z.output<typeof Rename>;
export interface RenameAnswer {
  name: string;
}

export const CommandOutcome = z.strictObject({ commandId: CommandId });
export type CommandOutcome = z.output<typeof CommandOutcome>;
/** Not known means that nothing happened, unless the command is still on its way. */
export type CommandOutcomeAnswer<Answer = unknown> = { known: false } | { known: true; answer: Answer };

export const TradeInvite = z.strictObject({ playerId: PlayerId });
export type TradeInvite = z.output<typeof TradeInvite>;
export interface TradeInviteAnswer {
  tradeId: TradeId;
}

/** Pushed to who is invited, as `trade:invited`. */
export interface TradeInvited {
  tradeId: TradeId;
  from: PlayerId;
  fromName: string;
}
