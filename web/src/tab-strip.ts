import { button, el } from './dom.ts';

export interface TabStripOptions {
  label: string;
  testid: string;
  tabs: readonly { name: string; label: string }[];
  /** The id of the panel that a tab shows. */
  panelOf: (name: string) => string;
  choose: (name: string) => void;
}

export interface TabStrip {
  element: HTMLElement;
  /** The id of a tab, which labels its panel. */
  idOf(name: string): string;
  mark(chosen: string): void;
  /** Takes a tab away, or brings it back. @returns whether that changed */
  allow(name: string, allowed: boolean): boolean;
}

/** Tabs as ARIA has them: one stop for the Tab key, the arrows go from one to the next. Whoever made it marks which is chosen. */
export function tabStrip({ label, testid, tabs, panelOf, choose }: TabStripOptions): TabStrip {
  const idOf = (name: string) => `${testid}-${name}`;
  const buttons = new Map(tabs.map(({ name, label }) => [name, button({
    class: 'tab', role: 'tab', id: idOf(name), testid: idOf(name), 'aria-controls': panelOf(name), press: () => choose(name),
  }, label)]));
  return {
    element: el('div', { class: 'tab-list', role: 'tablist', 'aria-label': label, on: { keydown: turn } }, ...buttons.values()),
    idOf,
    mark(chosen) {
      for (const [name, tab] of buttons) {
        tab.ariaSelected = String(name === chosen);
        tab.tabIndex = name === chosen ? 0 : -1;
      }
    },
    allow(name, allowed) {
      const tab = buttons.get(name);
      if (!tab || tab.hidden === !allowed) return false;
      tab.hidden = !allowed;
      return true;
    },
  };

  function turn(event: KeyboardEvent): void {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const shown = [...buttons].filter(([, tab]) => !tab.hidden);
    const at = shown.findIndex(([, tab]) => tab === event.target);
    const next = step === undefined || at < 0 ? undefined : shown.at((at + step) % shown.length);
    if (!next) return;
    event.preventDefault();
    choose(next[0]);
    next[1].focus();
  }
}
