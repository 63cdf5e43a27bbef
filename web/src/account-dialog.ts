import { account, authFailureText, register, signOut } from './account.ts';
import type { ClientSession } from './client-session.ts';
import { openDialog } from './dialog.ts';
import { button, el, setText } from './dom.ts';
import { failureText } from './refusal-text.ts';
import { credentialsForm } from './sign-in-page.ts';
import { toast } from './toasts.ts';

/** Name, e-mail and the way out. A guest is offered to keep the player by adding an e-mail. */
export function openAccountDialog(session: ClientSession): void {
  const player = session.player.get();
  const user = account.get();
  const guest = user?.email === undefined;
  const dialog = openDialog({ label: 'Account', class: 'dialog account', testid: 'account-dialog' },
    el('header', { class: 'dialog-head' }, el('h2', {}, 'Account'), button({ class: 'icon-button', 'aria-label': 'Close', testid: 'account-close', press: () => dialog.close() }, '×')),
    renameForm(session, player?.name ?? ''),
    guest ? upgradeForm(() => dialog.close()) : el('p', { class: 'quiet', testid: 'account-email' }, `Signed in as ${user?.email}.`),
    el('div', { class: 'actions' },
      button({
        class: 'button button-quiet', testid: 'sign-out',
        press: () => {
          dialog.close();
          signOut();
        },
      }, guest ? 'Leave and forget this guest' : 'Sign out')));
}

function renameForm(session: ClientSession, name: string): HTMLElement {
  const input = el('input', { type: 'text', id: 'player-name', maxlength: 24, required: true, value: name, autocomplete: 'nickname', testid: 'rename' });
  return el('form', {
    class: 'form form-line',
    on: {
      submit: (event) => {
        event.preventDefault();
        session.rename(input.value.trim()).then(
          () => toast('Your name was changed.', 'good'),
          (error: unknown) => toast(failureText(error), 'bad'),
        );
      },
    },
  },
    el('label', { for: 'player-name' }, 'Name'),
    el('div', { class: 'line' }, input, el('button', { type: 'submit', class: 'button', testid: 'rename-submit' }, 'Rename')));
}

function upgradeForm(done: () => void): HTMLElement {
  const problem = el('p', { class: 'form-problem', role: 'alert' });
  const form = credentialsForm({
    only: 'register',
    submitText: 'Keep my player',
    submit: async (_, email, password) => {
      setText(problem, '');
      try {
        await register(email, password);
        done();
        toast('Your player is kept under this e-mail from now on.', 'good');
      } catch (error) {
        setText(problem, authFailureText(error));
      }
    },
  });
  return el('section', { class: 'upgrade', testid: 'upgrade' },
    el('h3', {}, 'Keep this player'),
    el('p', { class: 'quiet' }, 'You play as a guest of this browser. Add an e-mail, and everything you hold comes along.'),
    form.element, problem);
}
