import { authFailureText, playAsGuest, register, signIn } from './account.ts';
import { button, el, setText } from './dom.ts';
import { iconElement } from './icons.ts';

/** The first page: one button for guests, and a form for those who have an account or want one. */
export function signInPage(): HTMLElement {
  const problem = el('p', { class: 'form-problem', role: 'alert', testid: 'sign-in-problem' });
  const play = button({ class: 'button button-primary button-wide', testid: 'play-now', press: () => void attempt(playAsGuest) }, 'Play now');
  const form = credentialsForm({
    submit: (mode, email, password) => attempt(() => (mode === 'register' ? register(email, password) : signIn(email, password))),
  });
  const page = el('main', { class: 'sign-in' },
    el('div', { class: 'sign-in-card' },
      el('div', { class: 'wordmark' }, iconElement('strongroom', 'icon-large'), el('h1', {}, 'Strongroom')),
      el('p', { class: 'lead' }, 'Gather, hold and trade. What is yours stays yours.'),
      play,
      el('p', { class: 'quiet centred' }, 'No account needed. You can add an e-mail later and keep everything.'),
      el('div', { class: 'divider' }, el('span', {}, 'or with an e-mail')),
      form.element,
      problem));

  async function attempt(how: () => Promise<void>): Promise<void> {
    setText(problem, '');
    page.toggleAttribute('inert', true);
    try {
      await how();
    } catch (error) {
      setText(problem, authFailureText(error));
    } finally {
      page.toggleAttribute('inert', false);
    }
  }

  return page;
}

type Mode = 'sign-in' | 'register';

/** E-mail and password, with a switch between signing in and making an account; `only` leaves the switch out. */
export function credentialsForm(options: { only?: Mode; submitText?: string; submit: (mode: Mode, email: string, password: string) => Promise<void> }): { element: HTMLFormElement } {
  let mode: Mode = options.only ?? 'sign-in';
  const email = el('input', { type: 'email', name: 'email', required: true, autocomplete: 'email', testid: 'email', id: 'email' });
  const password = el('input', { type: 'password', name: 'password', required: true, minlength: 6, testid: 'password', id: 'password' });
  const submit = el('button', { type: 'submit', class: 'button button-wide', testid: 'credentials-submit' });
  const turn = button({ class: 'link', testid: 'credentials-mode', press: () => show(mode === 'register' ? 'sign-in' : 'register') });
  const element = el('form', {
    class: 'form',
    on: {
      submit: (event) => {
        event.preventDefault();
        void options.submit(mode, email.value.trim(), password.value);
      },
    },
  },
    el('label', { for: 'email' }, 'E-mail'), email,
    el('label', { for: 'password' }, 'Password'), password,
    submit, options.only === undefined && turn);
  show(mode);
  return { element };

  function show(next: Mode): void {
    mode = next;
    password.setAttribute('autocomplete', mode === 'register' ? 'new-password' : 'current-password');
    setText(submit, options.submitText ?? (mode === 'register' ? 'Create account' : 'Sign in'));
    setText(turn, mode === 'register' ? 'I have an account already' : 'Create an account instead');
  }
}
