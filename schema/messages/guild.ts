import { z } from 'zod';
import { GuildRank, type GuildEventDetails, type GuildEventName, type GuildInvitation } from '../guild.ts';
import { CommandId, GuildId, ItemId, PlayerId } from '../ids.ts';
import { Fungibles, POSTINGS_MAX } from '../quantities.ts';

/** 2 to 32 visible characters; no two guilds have the same, whatever the case. */
export const GuildName = z
  .string()
  .trim()
  .min(2)
  .max(32)
  .regex(/^[\p{L}\p{N}][\p{L}\p{N} '._-]*$/u, 'letters, digits, spaces and . _ - only');
/** 1 to 8 letters and digits, unique like the name. */
export const GuildTag = z
  .string()
  .trim()
  .regex(/^[\p{L}\p{N}]{1,8}$/u, '1 to 8 letters and digits');
export const MOTD_LENGTH_MAX = 500;

export const CreateGuild = z.strictObject({ commandId: CommandId, name: GuildName, tag: GuildTag });
export type CreateGuild = z.output<typeof CreateGuild>;
export interface CreateGuildAnswer {
  guildId: GuildId;
}
export const AcceptInvitation = z.strictObject({ commandId: CommandId, guildId: GuildId });
export type AcceptInvitation = z.output<typeof AcceptInvitation>;
export const DeclineInvitation = z.strictObject({ guildId: GuildId });
export const ListInvitations = z.strictObject({});
export interface ListInvitationsAnswer {
  invitations: GuildInvitation[];
}

export const InviteToGuild = z.strictObject({ commandId: CommandId, playerId: PlayerId });
export const KickFromGuild = z.strictObject({ commandId: CommandId, playerId: PlayerId });
export const ChangeRank = z.strictObject({ commandId: CommandId, playerId: PlayerId, rank: GuildRank });
export const LeaveGuild = z.strictObject({ commandId: CommandId });
export const DisbandGuild = z.strictObject({ commandId: CommandId });
/** Lines and what stands in them; nothing that PostgreSQL's text cannot hold. */
export const Motd = z.string().max(MOTD_LENGTH_MAX).regex(/^[^\p{Cs}\0]*$/u, 'no NUL and no half characters');
export const ChangeMotd = z.strictObject({ commandId: CommandId, motd: Motd });

const distinct = (ids: readonly string[]) => new Set(ids).size === ids.length;
const BankMove = z
  .strictObject({
    commandId: CommandId,
    items: z.array(ItemId).max(POSTINGS_MAX).refine(distinct, 'an item may be named once').default([]),
    fungibles: Fungibles.default({}),
  })
  .refine(({ items, fungibles }) => items.length + Object.keys(fungibles).length > 0, 'nothing to move');
export const Deposit = BankMove;
export const Withdraw = BankMove;
export type BankMove = z.output<typeof BankMove>;

/** What a guild's action is answered: the guild's version by which it is shown. */
export interface GuildAnswer {
  version: number;
}

/** Pushed to who is invited, as `guild:invited`. */
export interface GuildInvited {
  guildId: GuildId;
  name: string;
  from: PlayerId;
  fromName: string;
}

/** Pushed to every member who is online, as `guild:event`. */
export interface GuildEvent extends GuildEventDetails {
  guildId: GuildId;
  event: GuildEventName;
  playerId: PlayerId;
  name: string;
  /** Whom it was done to, where it was done to somebody. */
  subject?: PlayerId;
  subjectName?: string;
}
