import type { ClientSession } from './client-session.ts';
import { openDialog, type OpenDialog } from './dialog.ts';
import { button, el, fill, setText } from './dom.ts';
import { guildHall } from './guild-hall.ts';
import { guildLobby } from './guild-lobby.ts';
import type { GuildScreen } from './guild-panel.ts';
import type { GuildSession } from './guild-session.ts';
import { windowHint } from './hints.ts';
import type { ZoneModel } from './zone-model.ts';

export interface GuildWindowOptions {
  guild: GuildSession;
  session: ClientSession;
  model: ZoneModel;
  closed: () => void;
}

type ScreenName = 'lobby' | 'hall' | 'opening' | 'shut';

/** The guild on screen; what it shows follows what the player is in. */
export function openGuildWindow({ guild, session, model, closed }: GuildWindowOptions): OpenDialog {
  const title = el('h2', { tabindex: '-1', autofocus: true, testid: 'guild-title' });
  const standing = el('p', { class: 'quiet', 'aria-live': 'polite', testid: 'guild-standing' });
  const body = el('div', { class: 'guild-body' });
  const screens: Record<ScreenName, () => GuildScreen> = {
    lobby: () => guildLobby(guild),
    hall: () => guildHall(guild, session, model),
    opening: () => waiting(el('span', { class: 'spinner', 'aria-hidden': 'true' }), el('p', {}, 'Opening the guild…')),
    shut: () => waiting(
      el('p', { role: 'status', testid: 'guild-shut' }, shutText(guild)),
      button({ class: 'button', testid: 'guild-again', press: () => guild.comeBack() }, 'Try again')),
  };
  let shown: { name: ScreenName; screen: GuildScreen } | undefined;

  const dialog = openDialog(
    {
      label: 'Guild', class: 'dialog trade window guild', testid: 'guild-window',
      closed() {
        for (const stop of stops) stop();
        shown?.screen.close();
        closed();
      },
    },
    el('header', { class: 'trade-head' },
      el('div', { class: 'window-titles' }, title, standing),
      button({ class: 'icon-button', 'aria-label': 'Close', testid: 'guild-close', press: () => dialog.close() }, '×')),
    windowHint('guild'), body);
  const stops = [guild.standing.watchNow(show), guild.view.watchNow(show)];
  if (guild.standing.get() === 'none') void guild.refreshInvitations();
  return dialog;

  function show(): void {
    const view = guild.view.get();
    setText(title, view ? `[${view.tag}] ${view.name}` : 'Guild');
    title.title = view?.name ?? '';
    setText(standing, standingText(guild));
    turnTo(screenName(guild));
  }

  function turnTo(name: ScreenName): void {
    if (shown?.name === name) return;
    const hadFocus = body.contains(document.activeElement);
    shown?.screen.close();
    shown = { name, screen: screens[name]() };
    fill(body, shown.screen.element);
    if (hadFocus) title.focus();
  }
}

function screenName(guild: GuildSession): ScreenName {
  const standing = guild.standing.get();
  if (standing === 'none') return 'lobby';
  if (standing === 'gone' || standing === 'lost') return 'shut';
  return guild.view.get() ? 'hall' : 'opening';
}

function standingText(guild: GuildSession): string {
  const view = guild.view.get();
  const standing = guild.standing.get();
  if (standing === 'none') return 'You are in no guild.';
  if (!view || standing === 'gone' || standing === 'lost') return '';
  if (standing !== 'live') return 'The connection dropped. Coming back…';
  const online = view.members.filter((member) => member.online).length;
  return `${view.members.length} ${view.members.length === 1 ? 'member' : 'members'}, ${online} online`;
}

function shutText(guild: GuildSession): string {
  return guild.standing.get() === 'gone' ? 'The guild has closed its doors: it is gone, or you are not in it any more.' : 'The guild cannot be reached.';
}

function waiting(...children: HTMLElement[]): GuildScreen {
  return { element: el('div', { class: 'window-waiting' }, ...children), close: () => undefined };
}
