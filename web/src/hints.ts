import { cell } from '../client/index.ts';
import { storageKey } from './account.ts';
import { button, el, setText } from './dom.ts';

const byFinger = matchMedia('(pointer: coarse)').matches;
const PRESS = byFinger ? 'Tap' : 'Click';

/** One sentence each, for the first time; in the zone in this order. */
const HINTS = {
  walk: byFinger ? 'Tap the grass to walk.' : 'Click the grass to walk, or use the arrow keys.',
  gather: `${PRESS} a tree, a rock or a flower to gather from it.`,
  meet: `${PRESS} another player to trade with them.`,
  trade: `${PRESS}${byFinger ? '' : ' or drag'} your things to offer them; nothing moves until both of you accept.`,
  guild: 'A guild shares one bank, and its ranks say who may take how much.',
  boards: 'Scores move while you watch, and equal scores share a rank.',
} as const;
const ZONE_HINTS = ['walk', 'gather', 'meet'] as const;

export type HintName = keyof typeof HINTS;

/** What the player has read or done already; kept for the next visit. */
const learned = cell<ReadonlySet<string>>(new Set(remembered()));

/** The player knows this from now on: its hint does not come back. */
export function learn(name: HintName): void {
  if (learned.get().has(name)) return;
  learned.set(new Set(learned.get()).add(name));
  localStorage.setItem(storageKey('hints'), JSON.stringify([...learned.get()]));
}

/** Over the zone, the first hint that is not known yet; doing what it says counts as having read it. */
export function zoneHints(): { element: HTMLElement; close(): void } {
  const next = () => ZONE_HINTS.find((name) => !learned.get().has(name));
  const text = el('span', { role: 'status' });
  const element = el('div', { class: 'hint', testid: 'hint' }, text, gotIt('hint-next', () => learn(next() ?? 'meet')));
  const stop = learned.watchNow(() => {
    const name = next();
    element.hidden = name === undefined;
    setText(text, name === undefined ? '' : HINTS[name]);
  });
  return { element, close: stop };
}

/** In a window, the first time that it opens; nothing after that. */
export function windowHint(name: HintName): HTMLElement | undefined {
  if (learned.get().has(name)) return undefined;
  learn(name);
  const element = el('div', { class: 'window-hint', testid: `hint-${name}` }, el('span', {}, HINTS[name]), gotIt(`hint-${name}-done`, () => element.remove()));
  return element;
}

function gotIt(testid: string, press: () => void): HTMLButtonElement {
  return button({ class: 'link', testid, press }, 'Got it');
}

function remembered(): string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(storageKey('hints')) ?? '[]');
    return Array.isArray(kept) ? kept.map(String) : [];
  } catch {
    return [];
  }
}
