import { button, el, setText } from './dom.ts';
import { openMemberDialog } from './guild-member-dialog.ts';
import type { GuildSession } from './guild-session.ts';
import { may, RANK_TITLES, standsAbove, type GuildView, type MemberView } from './guild-view.ts';
import type { GuildPanel } from './guild-panel.ts';
import { keyedList, type Row } from './keyed-list.ts';

/** Who belongs to the guild, and for those who stand above somebody a way to act on them. */
export function guildMembers(guild: GuildSession): GuildPanel {
  const rows = el('ul', { class: 'rows', testid: 'guild-members' });
  const showRows = keyedList<MemberView>(rows, ({ playerId }) => playerId, (member) => memberRow(member, guild));
  return { element: rows, show: (view: GuildView) => showRows(view.members) };
}

function memberRow(first: MemberView, guild: GuildSession): Row<MemberView> {
  let shown = first;
  const dot = el('span', { class: 'online-dot', role: 'img' });
  const name = el('strong');
  const rank = el('span', { class: 'quiet' });
  const manage = button({
    class: 'button button-small', testid: `guild-manage-${first.playerId}`, 'aria-haspopup': 'dialog',
    press: () => openMemberDialog(guild, shown),
  }, 'Manage');
  const element = el('li', { class: 'row', testid: `guild-member-${first.playerId}` }, dot, el('span', { class: 'row-text' }, name, rank), first.self && el('span', { class: 'tag' }, 'You'), manage);
  return {
    element,
    update(member) {
      shown = member;
      setText(name, member.name);
      name.title = member.name;
      setText(rank, RANK_TITLES[member.rank]);
      dot.classList.toggle('online-dot-lit', member.online);
      dot.ariaLabel = member.online ? 'Online' : 'Offline';
      element.classList.toggle('row-self', member.self);
      const view = guild.view.get();
      manage.hidden = !view || !standsAbove(view.rank, member) || !may(view.rank, 'kick');
      manage.setAttribute('aria-label', `Manage ${member.name}`);
    },
  };
}
