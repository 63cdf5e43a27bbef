import type { ClientSession, SessionStatus } from './client-session.ts';
import { button, el, fill } from './dom.ts';

/** A short hiccup is not worth a banner. */
const PATIENCE_MS = 700;

const TEXTS: Partial<Record<SessionStatus, string>> = {
  joining: 'Connecting to the server…',
  dropped: 'The connection dropped. Coming back…',
  replaced: 'You signed in somewhere else.',
  lost: 'The server cannot be reached.',
};
const BUTTONS: Partial<Record<SessionStatus, string>> = { replaced: 'Come back here', lost: 'Try again' };

/** Says at the top of the page when the connection is not what it should be, and offers the way back. */
export function banner(session: ClientSession): HTMLElement {
  const element = el('div', { class: 'banner', role: 'status', 'aria-live': 'polite', testid: 'banner', hidden: true });
  let timer: ReturnType<typeof setTimeout> | undefined;

  session.status.watchNow((status) => {
    clearTimeout(timer);
    const urgent = status === 'replaced' || status === 'lost' || !element.hidden;
    if (urgent || status === 'live') show(status);
    else timer = setTimeout(() => show(status), PATIENCE_MS);
  });
  return element;

  function show(status: SessionStatus): void {
    const returning = status === 'joining' && session.player.get() !== undefined;
    const text = TEXTS[returning ? 'dropped' : status];
    const action = BUTTONS[status];
    element.hidden = text === undefined;
    element.dataset['status'] = status;
    fill(element,
      action === undefined && el('span', { class: 'spinner', 'aria-hidden': 'true' }),
      el('span', {}, text ?? ''),
      action !== undefined && button({ class: 'button', testid: 'banner-action', press: () => session.comeBack() }, action));
  }
}
