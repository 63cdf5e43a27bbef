import { el, fill } from './dom.ts';
import { tabStrip, type TabStrip } from './tab-strip.ts';

export interface Choice {
  name: string;
  label: string;
}

export interface ChoiceBar {
  element: HTMLElement;
  /** The id of what labels the panel while that is chosen. */
  idOf(name: string): string;
  show(choices: readonly Choice[], chosen: string): void;
}

/** What one panel is to show: tabs, and in their place a list to pick from where they have no room. */
export function choiceBar({ label, testid, panel, choose }: { label: string; testid: string; panel: string; choose: (name: string) => void }): ChoiceBar {
  const tabs = el('div', { class: 'choice-tabs' });
  const select = el('select', { 'aria-label': label, testid: `${testid}-select`, 'aria-controls': panel, on: { change: () => choose(select.value) } });
  let shown: readonly Choice[] = [];
  let strip: TabStrip | undefined;
  return {
    element: el('div', { class: 'choice' }, tabs, select),
    idOf: (name) => `${testid}-${name}`,
    show(choices, chosen) {
      if (!sameChoices(choices, shown)) replace(choices);
      strip?.mark(chosen);
      select.value = chosen;
    },
  };

  function replace(choices: readonly Choice[]): void {
    shown = choices;
    strip = tabStrip({ label, testid, tabs: choices, panelOf: () => panel, choose });
    fill(tabs, strip.element);
    fill(select, ...choices.map((choice) => el('option', { value: choice.name }, choice.label)));
  }
}

function sameChoices(some: readonly Choice[], others: readonly Choice[]): boolean {
  return some.length === others.length && some.every(({ name, label }, index) => name === others[index]?.name && label === others[index]?.label);
}
