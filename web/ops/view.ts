import { button, el, fill, type Child } from '../src/dom.ts';
import { titlesSettled } from './titles.ts';
import { failureText } from './words.ts';

/** One of the things that the page shows, by its address. */
export interface View {
  title: string;
  element: HTMLElement;
  close?: () => void;
}

export interface Loaded extends View {
  /** Asks again; what was shown stays until the answer is there. */
  reload(): Promise<void>;
}

/** A view of one answer: a word while it is on its way, and a way to ask again where none came. */
export function loaded<Answer>(title: string, ask: () => Promise<Answer>, draw: (answer: Answer) => Child[]): Loaded {
  const element = el('div', { class: 'view view-record' }, heading(title), el('p', { class: 'quiet' }, 'Loading…'));
  let isClosed = false;

  async function reload(): Promise<void> {
    const drawn = await Promise.all([ask(), titlesSettled]).then(([answer]) => draw(answer), (error: unknown) => [
      heading(title),
      el('p', { class: 'problem', role: 'alert', testid: 'view-problem' }, failureText(error)),
      el('p', {}, button({ class: 'button', press: () => void reload() }, 'Try again')),
    ]);
    if (isClosed) return;
    const focused = element.contains(document.activeElement);
    fill(element, ...drawn);
    // What had the focus is not there any more.
    if (focused && !element.contains(document.activeElement)) focusHeading(element);
  }
  void reload();
  return { title, element, reload, close: () => (isClosed = true) };
}

/** Takes the focus when its view opens, so that a screen reader says where one is. */
export function heading(...children: Child[]): HTMLElement {
  return el('h2', { tabindex: -1, class: 'view-title', testid: 'view-title' }, ...children);
}

export function focusHeading(view: HTMLElement): void {
  view.querySelector<HTMLElement>('.view-title')?.focus({ preventScroll: true });
}

/** Part of a view, under its own heading. */
export function section(title: string, attributes: { class?: string; testid?: string }, ...children: Child[]): HTMLElement {
  return el('section', { ...attributes, class: `card ${attributes.class ?? ''}`.trim() }, el('h3', {}, title), ...children);
}

/** Names and what they are, beneath each other. */
export function facts(entries: readonly (readonly [string, Child])[]): HTMLElement {
  return el('dl', { class: 'facts' }, ...entries.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value))));
}
