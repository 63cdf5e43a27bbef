import { attempt } from './attempt.ts';
import { openConfirm } from './confirm-dialog.ts';
import { openDialog } from './dialog.ts';
import { button, el } from './dom.ts';
import { closeWithGuild } from './guild-panel.ts';
import type { GuildSession } from './guild-session.ts';
import { may, RANK_TITLES, type MemberView } from './guild-view.ts';

/** What may be done with one member by whoever stands higher, as far as the rank allows it. */
export function openMemberDialog(guild: GuildSession, member: MemberView): void {
  const view = guild.view.get();
  if (!view) return;
  const { playerId, name, rank } = member;
  // Nobody but the leader has two ranks below their own to give.
  const leader = view.rank === 'leader';
  const other = rank === 'officer' ? 'member' : 'officer';
  const dialog = openDialog({ label: name, class: 'dialog guild-member', testid: 'guild-member-dialog' },
    el('header', { class: 'dialog-head' },
      el('div', { class: 'row-text' }, el('h2', { class: 'ellipsis', title: name }, name), el('span', { class: 'quiet' }, RANK_TITLES[rank])),
      button({ class: 'icon-button', 'aria-label': 'Close', press: () => dialog.close() }, '×')),
    leader && act('guild-promote', rank === 'officer' ? 'Make a member' : 'Promote to officer', () => guild.request('guild:rank', { playerId, rank: other })),
    leader && ask('guild-hand-over', 'Hand over the leadership', {
      title: `Hand the guild to ${name}?`, sure: 'Hand it over',
      text: `${name} becomes the leader of ${view.name}, and you become an officer. Only ${name} can give it back.`,
    }, () => guild.request('guild:rank', { playerId, rank: 'leader' })),
    may(view.rank, 'kick') && ask('guild-kick', 'Remove from the guild', {
      title: `Remove ${name}?`, sure: 'Remove', text: `${name} leaves ${view.name} at once, and needs a new invitation to come back.`,
    }, () => guild.request('guild:kick', { playerId })));
  closeWithGuild(guild, dialog);

  function act(testid: string, text: string, work: () => Promise<unknown>): HTMLElement {
    const press = button({ class: 'button', testid, press: () => void attempt(press, work).then((done) => done && dialog.close()) }, text);
    return press;
  }

  function ask(testid: string, text: string, question: { title: string; text: string; sure: string }, work: () => Promise<unknown>): HTMLElement {
    const press = button({
      class: 'button', testid,
      press() {
        dialog.close();
        closeWithGuild(guild, openConfirm({ ...question, testid: `${testid}-confirm`, confirmed: () => void attempt(press, work) }));
      },
    }, text);
    return press;
  }
}
