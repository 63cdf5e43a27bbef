import type { GuildLogEntry, GuildMember } from '../../schema/guild.ts';
import type { Holdings } from '../../schema/holdings.ts';
import type { PlayerId } from '../../schema/ids.ts';
import { GuildLogState, GuildMemberState, type GuildState } from '../../schema/states/guild-state.ts';
import type { GuildNews } from '../../server/guilds/index.ts';
import { itemState } from './player-view.ts';

const LOG_SHOWN_MAX = 50;

/** The whole guild into the synced state, touching only what differs. [GU8] */
export function showGuild(state: GuildState, guild: { id: string; name: string; tag: string; motd: string; version: number; bank: Holdings; log: readonly GuildLogEntry[] }, members: readonly GuildMember[]): void {
  const { id, name, tag, motd, version, bank, log } = guild;
  Object.assign(state, { guildId: id, name, tag, motd, version });
  const there = new Set<string>(members.map(({ playerId }) => playerId));
  for (const player of [...state.members.keys()]) if (!there.has(player)) state.members.delete(player);
  for (const member of members) showMember(state, member);
  const { fungibles, items } = state.bank;
  const held = new Map(bank.items.map((item) => [item.id as string, item]));
  for (const asset of [...fungibles.keys()]) if (!(asset in bank.fungibles)) fungibles.delete(asset);
  for (const [asset, quantity] of Object.entries(bank.fungibles)) if (fungibles.get(asset) !== quantity) fungibles.set(asset, quantity);
  for (const item of [...items.keys()]) if (!held.has(item)) items.delete(item);
  for (const item of bank.items) if (items.get(item.id)?.version !== item.version) items.set(item.id, itemState(item));
  const last = state.log.at(-1)?.seq ?? 0;
  appendLog(state, log.filter(({ seq }) => seq > last));
}

/** What the next version changed. */
export function writeGuildNews(state: GuildState, { version, motd, members, bank, log }: Extract<GuildNews, { type: 'changed' }>): void {
  state.version = version;
  if (state.motd !== motd) state.motd = motd;
  for (const player of members.removed) state.members.delete(player);
  for (const member of members.set) showMember(state, member);
  if (bank) {
    const { fungibles, items } = state.bank;
    for (const [asset, quantity] of Object.entries(bank.set.fungibles)) fungibles.set(asset, quantity);
    for (const asset of bank.removed.fungibles) fungibles.delete(asset);
    for (const id of bank.removed.items) items.delete(id);
    for (const item of bank.set.items) items.set(item.id, itemState(item));
  }
  appendLog(state, log);
}

/** Who is there now; the others are not. */
export function showOnline(state: GuildState, online: ReadonlySet<PlayerId>): void {
  for (const [player, member] of state.members) if (member.online !== online.has(player as PlayerId)) member.online = !member.online;
}

function showMember(state: GuildState, { playerId, name, rank }: GuildMember): void {
  const shown = state.members.get(playerId);
  if (shown === undefined) state.members.set(playerId, new GuildMemberState({ name, rank }));
  else Object.assign(shown, { name: name || shown.name, rank });
}

function appendLog(state: GuildState, lines: readonly GuildLogEntry[]): void {
  for (const { seq, at, event, actor, actorName, subject, subjectName, details } of lines.slice(-LOG_SHOWN_MAX)) {
    state.log.push(new GuildLogState({ seq, at, event, actor, actorName, subject: subject ?? '', subjectName: subjectName ?? '', details: JSON.stringify(details) }));
  }
  while (state.log.length > LOG_SHOWN_MAX) state.log.shift();
}
