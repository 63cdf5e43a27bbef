import type { z } from 'zod';
import type {
  AcceptInvitation, ChangeMotd, ChangeRank, CreateGuild, CreateGuildAnswer, DeclineInvitation, Deposit, DisbandGuild, GuildAnswer, GuildEvent, GuildInvited, InviteToGuild, KickFromGuild, LeaveGuild,
  ListInvitations, ListInvitationsAnswer, Withdraw,
} from './messages/guild.ts';
import type { BoardRows } from './leaderboard.ts';
import type { AmongGuild, Around } from './messages/leaderboard.ts';
import type { CommandOutcome, CommandOutcomeAnswer, Rename, RenameAnswer, TradeInvite, TradeInviteAnswer, TradeInvited } from './messages/player.ts';
import type { Accept, AcceptAnswer, Cancel, Offer, OfferAnswer } from './messages/trade.ts';
import type { Gather, GatherAnswer, Move } from './messages/zone.ts';
import type { GuildState } from './states/guild-state.ts';
import type { LeaderboardState } from './states/leaderboard-state.ts';
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
      'guild:create': Request<typeof CreateGuild, CreateGuildAnswer>;
      'guild:accept': Request<typeof AcceptInvitation, GuildAnswer>;
      'guild:decline': Request<typeof DeclineInvitation, Nothing>;
      'guild:invitations': Request<typeof ListInvitations, ListInvitationsAnswer>;
    };
    sends: Nothing;
    events: { 'trade:invited': TradeInvited; 'guild:invited': GuildInvited; 'guild:event': GuildEvent };
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
  guild: {
    state: GuildState;
    requests: {
      'guild:invite': Request<typeof InviteToGuild, GuildAnswer>;
      'guild:kick': Request<typeof KickFromGuild, GuildAnswer>;
      'guild:rank': Request<typeof ChangeRank, GuildAnswer>;
      'guild:leave': Request<typeof LeaveGuild, GuildAnswer>;
      'guild:disband': Request<typeof DisbandGuild, GuildAnswer>;
      'guild:motd': Request<typeof ChangeMotd, GuildAnswer>;
      'guild:deposit': Request<typeof Deposit, GuildAnswer>;
      'guild:withdraw': Request<typeof Withdraw, GuildAnswer>;
    };
    sends: Nothing;
    events: Nothing;
  };
  leaderboard: {
    state: LeaderboardState;
    requests: {
      'leaderboard:around': Request<typeof Around, BoardRows>;
      'leaderboard:guild': Request<typeof AmongGuild, BoardRows>;
    };
    sends: Nothing;
    events: Nothing;
  };
}

export type RoomName = keyof Rooms;
export type RequestType = { [Name in RoomName]: keyof Rooms[Name]['requests'] }[RoomName];
