import { storageKey } from './account.ts';
import { button, el, setText } from './dom.ts';

const HINTS = [
  'Click or tap the grass to walk.',
  'Click a tree, a rock or a flower to gather from it.',
  'Click another player to trade.',
];

/** One sentence at a time for a first visit; read ones do not come back. */
export function hintBar(): HTMLElement {
  const key = storageKey('hints');
  let next = Number(localStorage.getItem(key) ?? 0);
  const text = el('span');
  const element = el('div', { class: 'hint', testid: 'hint' }, text, button({ class: 'link', testid: 'hint-next', press: () => show(next + 1) }, 'Got it'));
  show(next);
  return element;

  function show(index: number): void {
    next = index;
    localStorage.setItem(key, String(next));
    element.hidden = next >= HINTS.length;
    setText(text, HINTS[next] ?? '');
  }
}
