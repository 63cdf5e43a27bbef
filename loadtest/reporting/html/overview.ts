import { numberText } from '../figure-text.ts';
import type { BenchRecord, LoadRecord } from '../record.ts';
import { html, type Markup } from './markup.ts';
import { countText } from './run-facts.ts';

/** Figures of a load that stand here; all of them are with the record. */
const HEADLINES_MAX = 2;

/** What a record came to, in a word or two. */
export function outcomeOf(record: LoadRecord | BenchRecord): { isWell: boolean; text: string } {
  if (record.kind === 'load') {
    const { length } = record.violations;
    return length === 0 ? { isWell: true, text: 'Nothing that must not be' } : { isWell: false, text: `${countText(length, 'thing')} that must not be` };
  }
  const targets = record.results.flatMap((result) => result.targets);
  const met = targets.filter(({ isMet }) => isMet).length;
  return { isWell: met === targets.length, text: targets.length === 0 ? 'Measured; it has no targets' : `${met} of ${countText(targets.length, 'target')} met` };
}

/** All records at a glance, each a way to its own section. */
export function overview(records: readonly { id: string; record: LoadRecord | BenchRecord }[]): Markup {
  return html`<section class="overview" aria-labelledby="overview"><h2 id="overview">At a glance</h2><ul>${records.map(card)}</ul></section>`;
}

function card({ id, record }: { id: string; record: LoadRecord | BenchRecord }): Markup {
  const { isWell, text } = outcomeOf(record);
  const headlines = record.kind === 'load' ? record.headlines.slice(0, HEADLINES_MAX) : [];
  return html`<li><a href="#${id}"><span class="kind">${record.kind === 'load' ? 'Load' : 'Benchmark'}</span>
<b>${record.kind === 'load' ? record.profile : record.name}</b>
<span class="outcome ${isWell ? 'good' : 'bad'}">${isWell ? '✓' : '✗'} ${text}</span>
${headlines.map(({ label, value, unit }) => html`<span>${label}: ${numberText(value)} ${unit}</span>`)}</a></li>`;
}
