import type { GuildInvitation } from '../../schema/guild.ts';
import { button, el, setText } from './dom.ts';
import type { GuildSession } from './guild-session.ts';
import { keyedList, type Row } from './keyed-list.ts';
import { attempt } from './attempt.ts';
import type { GuildScreen } from './guild-panel.ts';
import { timeElement } from './time-text.ts';

/** Outside of any guild: found one, or follow an invitation. */
export function guildLobby(guild: GuildSession): GuildScreen {
  const notice = el('p', { class: 'warning guild-notice', role: 'status', testid: 'guild-notice' });
  const rows = el('ul', { class: 'rows', testid: 'guild-invitations' });
  const empty = el('p', { class: 'quiet', testid: 'guild-uninvited' });
  const again = button({ class: 'button button-small', testid: 'guild-invitations-again', press: () => void guild.refreshInvitations() }, 'Look again');
  const showRows = keyedList<GuildInvitation>(rows, ({ guildId }) => guildId, (invitation) => invitationRow(invitation, guild));
  const stops = [
    guild.notice.watchNow((text) => {
      setText(notice, text);
      notice.hidden = !text;
    }),
    guild.invitations.watchNow(({ list, problem }) => {
      showRows(list);
      setText(empty, problem || 'Nobody has invited you yet. Leaders and officers invite players near them.');
      empty.hidden = list.length > 0 && !problem;
      again.hidden = !problem;
    }),
  ];
  return {
    element: el('div', { class: 'guild-lobby', testid: 'guild-lobby' },
      notice,
      el('div', { class: 'guild-ways' },
        el('section', { class: 'guild-way', 'aria-labelledby': 'guild-found-title' }, el('h3', { id: 'guild-found-title' }, 'Found a guild'), foundForm(guild)),
        el('section', { class: 'guild-way', 'aria-labelledby': 'guild-invited-title' }, el('h3', { id: 'guild-invited-title' }, 'Invitations'), rows, empty, again))),
    close() {
      for (const stop of stops) stop();
    },
  };
}

function foundForm(guild: GuildSession): HTMLElement {
  const name = el('input', {
    type: 'text', id: 'guild-name', testid: 'guild-name', required: true, minlength: 2, maxlength: 32, autocomplete: 'off',
    pattern: String.raw`\s*[\p{L}\p{N}][\p{L}\p{N} '._\-]*`, title: '2 to 32 letters, digits, spaces and . _ - \'', 'aria-describedby': 'guild-name-rule',
  });
  const tag = el('input', {
    type: 'text', id: 'guild-tag', testid: 'guild-tag', class: 'guild-tag-input', required: true, maxlength: 8, autocomplete: 'off',
    pattern: String.raw`\s*[\p{L}\p{N}]{1,8}\s*`, title: '1 to 8 letters and digits', 'aria-describedby': 'guild-tag-rule',
  });
  const submit = el('button', { type: 'submit', class: 'button button-primary', testid: 'guild-create' }, 'Found the guild');
  return el('form', {
    class: 'form',
    on: {
      submit: (event) => {
        event.preventDefault();
        void attempt(submit, () => guild.create(name.value.trim(), tag.value.trim()));
      },
    },
  },
    el('label', { for: 'guild-name' }, 'Name'), name,
    el('p', { class: 'quiet form-rule', id: 'guild-name-rule' }, '2 to 32 letters, digits and spaces.'),
    el('label', { for: 'guild-tag' }, 'Tag'), tag,
    el('p', { class: 'quiet form-rule', id: 'guild-tag-rule' }, 'Shown before your name: 1 to 8 letters and digits.'),
    submit);
}

function invitationRow(first: GuildInvitation, guild: GuildSession): Row<GuildInvitation> {
  const { guildId } = first;
  const title = el('strong');
  const since = el('span', { class: 'quiet' });
  const accept = button({ class: 'button button-primary button-small', testid: `guild-accept-${guildId}`, press: () => void attempt(accept, () => guild.accept(guildId)) }, 'Accept');
  const decline = button({ class: 'button button-quiet button-small', testid: `guild-decline-${guildId}`, press: () => void attempt(decline, () => guild.decline(guildId)) }, 'Decline');
  return {
    element: el('li', { class: 'row guild-invitation' }, el('span', { class: 'row-text' }, title, since), decline, accept),
    update({ name, tag, at }) {
      setText(title, `[${tag}] ${name}`);
      title.title = name;
      since.replaceChildren('since ', timeElement(at));
      accept.setAttribute('aria-label', `Accept the invitation of ${name}`);
      decline.setAttribute('aria-label', `Decline the invitation of ${name}`);
    },
  };
}
