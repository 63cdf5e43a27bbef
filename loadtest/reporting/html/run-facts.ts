import type { Machine } from '../record.ts';
import { numberText } from '../figure-text.ts';
import { html, type Markup } from './markup.ts';

const day = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' });

/** What a run was, as pairs of a term and what it was here. */
export function factList(facts: Record<string, string | Markup>): Markup {
  return html`<dl class="facts">${Object.entries(facts).map(([term, fact]) => html`<div><dt>${term}</dt><dd>${fact}</dd></div>`)}</dl>`;
}

export function whenAndWhere(startedAt: string, machine: Machine): Record<string, string | Markup> {
  return {
    Date: html`<time datetime="${startedAt}">${day.format(new Date(startedAt))} UTC</time>`,
    Machine: `${countText(machine.cpus, 'core')} (${machine.model}), ${numberText(machine.memoryMb / 1024)} GB of memory`,
    Software: `Node ${machine.node.replace(/^v/, '')}, ${machine.system}`,
  };
}

/** `1 core`, `2 cores`, `2 processes`. */
export function countText(count: number, one: string): string {
  return `${numberText(count)} ${count === 1 ? one : `${one}${one.endsWith('s') ? 'es' : 's'}`}`;
}
