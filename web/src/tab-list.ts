import { el, type Child } from './dom.ts';
import { tabStrip } from './tab-strip.ts';

export interface Tab {
  name: string;
  label: string;
  panel: HTMLElement;
}

export interface TabList {
  element: HTMLElement;
  /** The panels, of which one shows. */
  panels: HTMLElement;
  choose(name: string): void;
  /** Takes a tab away, or brings it back; one that was chosen gives way to the first. */
  allow(name: string, allowed: boolean): void;
}

/** A strip of tabs with a panel for each. */
export function tabList({ label, testid, tabs }: { label: string; testid: string; tabs: readonly Tab[] }): TabList {
  const panelOf = (name: string) => `${testid}-${name}-panel`;
  const strip = tabStrip({ label, testid, tabs, panelOf, choose });
  const panels = new Map(tabs.map(({ name, panel }) => [name, tabPanel(panelOf(name), strip.idOf(name), panel)]));
  choose(tabs[0]!.name);
  return {
    element: strip.element,
    panels: el('div', { class: 'tab-panels' }, ...panels.values()),
    choose,
    allow(name, allowed) {
      if (strip.allow(name, allowed) && !allowed && !panels.get(name)!.hidden) choose(tabs[0]!.name);
    },
  };

  function choose(chosen: string): void {
    strip.mark(chosen);
    for (const [name, panel] of panels) panel.hidden = name !== chosen;
  }
}

function tabPanel(id: string, labelledBy: string, ...children: Child[]): HTMLElement {
  return el('div', { class: 'tab-panel', role: 'tabpanel', id, 'aria-labelledby': labelledBy }, ...children);
}
