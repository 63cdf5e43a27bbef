import type { GuildLogEntry, GuildMember, GuildRank } from '../../schema/guild.ts';
import type { PlayerId } from '../../schema/ids.ts';
import type { GuildLogState, GuildMemberState, GuildState } from '../../schema/states/guild-state.ts';
import { catalog } from './catalog.ts';
import { readAttributes, readHeld, type Held } from './player-view.ts';

export interface MemberView extends GuildMember {
  online: boolean;
  self: boolean;
}

/** A copy of the guild at one version, told from the side of one member. */
export interface GuildView {
  guildId: string;
  name: string;
  tag: string;
  motd: string;
  /** The player's own. */
  rank: GuildRank;
  /** Who is online first, then by rank, then by name. */
  members: readonly MemberView[];
  bank: Held;
  /** The newest line first. */
  log: readonly GuildLogEntry[];
}

/** Highest first. The schema's own list comes with its validator, which the page does without. */
const RANK_ORDER: Readonly<Record<GuildRank, number>> = { leader: 0, officer: 1, member: 2 };

export const RANK_TITLES: Readonly<Record<GuildRank, string>> = { leader: 'Leader', officer: 'Officer', member: 'Member' };

/** `undefined` until the first state has arrived, and where the player is no member. */
export function readGuild(state: GuildState | undefined, selfId: string | undefined): GuildView | undefined {
  if (!state?.guildId) return undefined;
  const members: MemberView[] = [];
  state.members?.forEach(({ name, rank, online }: GuildMemberState, id: string) => {
    const self = id === selfId;
    // Whoever looks is there, before the room has noticed.
    members.push({ playerId: id as PlayerId, name, rank: rank as GuildRank, online: online || self, self });
  });
  const self = members.find((member) => member.self);
  if (!self) return undefined;
  const log: GuildLogEntry[] = [];
  state.log?.forEach((line: GuildLogState) => log.push(readLine(line)));
  const { guildId, name, tag, motd } = state;
  return { guildId, name, tag, motd, rank: self.rank, members: members.toSorted(compareMembers), bank: readHeld(state.bank), log: log.toSorted((a, b) => b.seq - a.seq) };
}

/** Whether a member of `rank` may act on the other: as in the rules, who stands higher on who stands lower. */
export function standsAbove(rank: GuildRank, other: MemberView): boolean {
  return !other.self && RANK_ORDER[rank] < RANK_ORDER[other.rank];
}

/** Whether the catalogue lets a rank do that; the server says the last word. */
export function may(rank: GuildRank, what: 'invite' | 'kick' | 'rank' | 'motd'): boolean {
  return rank === 'leader' || (catalog.get().guilds?.[rank][what] ?? false);
}

function compareMembers(a: MemberView, b: MemberView): number {
  return Number(b.online) - Number(a.online) || RANK_ORDER[a.rank] - RANK_ORDER[b.rank] || a.name.localeCompare(b.name) || a.playerId.localeCompare(b.playerId);
}

function readLine(line: GuildLogState): GuildLogEntry {
  const { seq, at, event, actor, actorName, subject, subjectName } = line;
  return {
    seq, at, actorName,
    event: event as GuildLogEntry['event'],
    actor: actor as PlayerId,
    subject: subject ? (subject as PlayerId) : null,
    subjectName: subjectName || null,
    details: readAttributes(line.details),
  };
}
