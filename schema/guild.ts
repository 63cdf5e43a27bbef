import { z } from 'zod';
import type { GuildId, ItemId, PlayerId } from './ids.ts';

/** Highest first: who stands higher may act on who stands lower. */
export const GUILD_RANKS = ['leader', 'officer', 'member'] as const;
export const GuildRank = z.enum(GUILD_RANKS);
export type GuildRank = z.output<typeof GuildRank>;

/** Whether `rank` stands above `other`. */
export const outranks = (rank: GuildRank, other: GuildRank): boolean => GUILD_RANKS.indexOf(rank) < GUILD_RANKS.indexOf(other);

/** What happens in a guild; what is stored in its log is all but `online` and `offline`. */
export type GuildEventName = 'create' | 'invite' | 'join' | 'leave' | 'kick' | 'rank' | 'motd' | 'deposit' | 'withdraw' | 'disband' | 'online' | 'offline';

/** More about an event: the new rank, or what was put in or taken out. */
export interface GuildEventDetails {
  rank?: GuildRank;
  fungibles?: Record<string, number>;
  /** The first 20. */
  items?: { id: ItemId; kind: string }[];
  /** How many they are, where they are more. */
  itemCount?: number;
}

/** One line of a guild's log. Names are those of then. */
export interface GuildLogEntry {
  /** Dense per guild, from 1. */
  seq: number;
  /** Unix milliseconds, by the database's clock. */
  at: number;
  event: GuildEventName;
  actor: PlayerId;
  actorName: string;
  subject: PlayerId | null;
  subjectName: string | null;
  details: GuildEventDetails;
}

/** A member as others see them. */
export interface GuildMember {
  playerId: PlayerId;
  name: string;
  rank: GuildRank;
}

export interface GuildInvitation {
  guildId: GuildId;
  name: string;
  tag: string;
  from: PlayerId;
  /** Unix milliseconds. */
  at: number;
}
