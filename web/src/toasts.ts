import { button, el } from './dom.ts';

type Tone = 'plain' | 'good' | 'bad';

const VISIBLE_MS = 5000;
const TOASTS_MAX = 4;

const list = el('div', { class: 'toasts', role: 'status', 'aria-live': 'polite', testid: 'toasts' });

/** Shows one sentence for a few seconds, and says it to a screen reader. */
export function toast(text: string, tone: Tone = 'plain'): void {
  const item = el('div', { class: `toast toast-${tone}`, testid: 'toast' }, el('span', {}, text));
  item.append(button({ class: 'toast-close', 'aria-label': 'Dismiss', press: () => item.remove() }, '×'));
  onTop(list);
  list.append(item);
  while (list.children.length > TOASTS_MAX) list.firstElementChild?.remove();
  setTimeout(() => item.remove(), VISIBLE_MS);
}

/**
 * Moves something floating into the topmost open dialog, or back to the page: what is outside of a modal dialog can
 * neither be seen above it nor be heard or clicked.
 */
export function onTop(floating: HTMLElement): void {
  const dialogs = document.querySelectorAll('dialog[open]');
  const host = dialogs[dialogs.length - 1] ?? document.body;
  if (floating.parentElement !== host) host.append(floating);
}

/** After a dialog opened or closed, what floats goes to where it can be seen and pressed. */
export function liftFloating(): void {
  for (const floating of document.querySelectorAll<HTMLElement>('.toasts, .invitations')) onTop(floating);
}
