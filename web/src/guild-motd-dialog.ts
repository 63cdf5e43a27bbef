import { attempt } from './attempt.ts';
import { openDialog } from './dialog.ts';
import { button, el } from './dom.ts';
import { closeWithGuild } from './guild-panel.ts';
import type { GuildSession } from './guild-session.ts';

const MOTD_LENGTH_MAX = 500;

/** What leader and officers want everybody to read first. */
export function openMotdDialog(guild: GuildSession): void {
  const text = el('textarea', { id: 'guild-motd-text', testid: 'guild-motd-text', rows: 5, maxlength: MOTD_LENGTH_MAX, autofocus: true });
  text.value = guild.view.get()?.motd ?? '';
  const save = el('button', { type: 'submit', class: 'button button-primary', testid: 'guild-motd-save' }, 'Save');
  const dialog = openDialog({ label: 'Message of the day', class: 'dialog', testid: 'guild-motd-dialog' },
    el('form', {
      class: 'form',
      on: {
        submit: (event) => {
          event.preventDefault();
          void attempt(save, () => guild.request('guild:motd', { motd: text.value.trim() })).then((done) => done && dialog.close());
        },
      },
    },
      el('h2', {}, 'Message of the day'),
      el('label', { for: 'guild-motd-text' }, `Up to ${MOTD_LENGTH_MAX} characters; empty takes it away.`),
      text,
      el('div', { class: 'actions' }, button({ class: 'button', press: () => dialog.close() }, 'Cancel'), save)));
  closeWithGuild(guild, dialog);
}
