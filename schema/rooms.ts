import type { z } from 'zod';
import type { CommandOutcome, CommandOutcomeAnswer, Rename, RenameAnswer, TradeInvite, TradeInviteAnswer, TradeInvited } from './messages/player.ts';
import type { Accept, AcceptAnswer, Cancel, Offer, OfferAnswer } from './messages/trade.ts';
import type { Gather, GatherAnswer, Move } from './messages/zone.ts';
import type { PlayerState } from './states/player-state.ts';
import type { TradeState } from './states/trade-state.ts';
import type { ZoneState } from './states/zone-state.ts';

type Request<Shape extends z.ZodType, Answer> = { payload: z.input<Shape>; answer: Answer };
type Nothing = Record<never, never>;

/** What each room shows, answers, takes without an answer, and pushes: the contract that a client is typed by. */
export interface Rooms {
  player: {
    state: PlayerState;
    requests: {
      'player:rename': Request<typeof Rename, RenameAnswer>;
      'command:outcome': Request<typeof CommandOutcome, CommandOutcomeAnswer>;
      'trade:invite': Request<typeof TradeInvite, TradeInviteAnswer>;
    };
    sends: Nothing;
    events: { 'trade:invited': TradeInvited };
  };
  zone: {
    state: ZoneState;
    requests: { gather: Request<typeof Gather, GatherAnswer> };
    sends: { move: z.input<typeof Move> };
    events: Nothing;
  };
  trade: {
    state: TradeState;
    requests: {
      'trade:offer': Request<typeof Offer, OfferAnswer>;
      'trade:accept': Request<typeof Accept, AcceptAnswer>;
      'trade:cancel': Request<typeof Cancel, Nothing>;
    };
    sends: Nothing;
    events: Nothing;
  };
}

export type RoomName = keyof Rooms;
export type RequestType = { [Name in RoomName]: keyof Rooms[Name]['requests'] }[RoomName];
