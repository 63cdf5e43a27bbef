import { attempt } from './attempt.ts';
import { catalog } from './catalog.ts';
import type { ClientSession } from './client-session.ts';
import { openConfirm } from './confirm-dialog.ts';
import { button, el, setText } from './dom.ts';
import { guildBank } from './guild-bank.ts';
import { guildInvite } from './guild-invite.ts';
import { guildLog } from './guild-log.ts';
import { guildMembers } from './guild-members.ts';
import { openMotdDialog } from './guild-motd-dialog.ts';
import { closeWithGuild, type GuildScreen } from './guild-panel.ts';
import type { GuildSession } from './guild-session.ts';
import { may, type GuildView } from './guild-view.ts';
import { tabList } from './tab-list.ts';
import type { ZoneModel } from './zone-model.ts';

/** Inside a guild: its message of the day, the members, the bank and the log behind tabs, and the way out. */
export function guildHall(guild: GuildSession, session: ClientSession, model: ZoneModel): GuildScreen {
  const motd = el('p', { class: 'motd-text', testid: 'guild-motd' });
  const edit = button({ class: 'button button-quiet button-small', testid: 'guild-motd-edit', 'aria-haspopup': 'dialog', 'aria-label': 'Edit the message of the day', press: () => openMotdDialog(guild) }, 'Edit');
  const panels = { members: guildMembers(guild), bank: guildBank(guild, session.player), log: guildLog(guild), invite: guildInvite(guild, model) };
  const tabs = tabList({
    label: 'Guild', testid: 'guild-tab',
    tabs: [
      { name: 'members', label: 'Members', panel: panels.members.element },
      { name: 'bank', label: 'Bank', panel: panels.bank.element },
      { name: 'log', label: 'Log', panel: panels.log.element },
      { name: 'invite', label: 'Invite', panel: panels.invite.element },
    ],
  });
  const leave = button({ class: 'button button-quiet', testid: 'guild-leave', press: () => askToLeave(guild, leave) }, 'Leave the guild');
  const disband = button({ class: 'button button-quiet', testid: 'guild-disband', press: () => askToDisband(guild, disband) }, 'Disband');
  const stops = [guild.view.watchNow(show), session.player.watch(show), catalog.watch(show)];
  return {
    element: el('div', { class: 'guild-hall', testid: 'guild-hall' },
      el('div', { class: 'motd' }, motd, edit),
      tabs.element, tabs.panels,
      el('footer', { class: 'actions trade-actions' }, disband, leave)),
    close() {
      for (const stop of stops) stop();
      for (const panel of Object.values(panels)) panel.close?.();
    },
  };

  function show(): void {
    const view = guild.view.get();
    if (!view) return;
    setText(motd, view.motd || 'No message of the day.');
    motd.classList.toggle('quiet', !view.motd);
    edit.hidden = !may(view.rank, 'motd');
    disband.hidden = view.rank !== 'leader';
    tabs.allow('invite', may(view.rank, 'invite'));
    for (const panel of Object.values(panels)) panel.show(view);
  }
}

function askToLeave(guild: GuildSession, pressed: HTMLButtonElement): void {
  const view = guild.view.get();
  if (!view) return;
  closeWithGuild(guild, openConfirm({
    title: `Leave ${view.name}?`, sure: 'Leave', testid: 'guild-leave-confirm',
    text: leavingText(view),
    confirmed: () => void attempt(pressed, () => guild.leave()),
  }));
}

function leavingText({ rank, members }: GuildView): string {
  if (members.length === 1) return 'You are its last member: the guild ends with you. Its bank has to be empty.';
  const stays = 'What you put into the bank stays there, and you need a new invitation to come back.';
  return rank === 'leader' ? `Another member becomes the leader. ${stays}` : stays;
}

function askToDisband(guild: GuildSession, pressed: HTMLButtonElement): void {
  const view = guild.view.get();
  if (!view) return;
  closeWithGuild(guild, openConfirm({
    title: `Disband ${view.name}?`, sure: 'Disband', testid: 'guild-disband-confirm',
    text: 'The guild ends for all of its members, for good. Its bank has to be empty.',
    confirmed: () => void attempt(pressed, () => guild.disband()),
  }));
}
