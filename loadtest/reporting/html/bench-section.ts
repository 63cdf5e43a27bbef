import { numberText } from '../figure-text.ts';
import type { BenchRecord } from '../record.ts';
import { html, type Markup } from './markup.ts';
import { outcomeOf } from './overview.ts';
import { factList, whenAndWhere } from './run-facts.ts';
import { wideTable, type Column } from './wide-table.ts';

const COLUMNS: readonly Column[] = [
  { title: 'what' }, { title: 'ours', isFigure: true }, { title: 'ceiling', isFigure: true }, { title: 'unit' }, { title: 'ratio', isFigure: true }, { title: 'target' },
];

/** What was measured of one benchmark, each line against its ceiling. */
export function benchSection(id: string, record: BenchRecord): Markup {
  const { name, title, startedAt, machine, rounds, results } = record;
  const { isWell, text } = outcomeOf(record);
  const rows = results.map(({ what, ours, ceiling, unit, ratio, targets }) => [
    what, numberText(ours), numberText(ceiling), unit, html`${numberText(ratio)}${bar(ratio)}`,
    targets.map(({ text, isMet }) => html`<span class="target ${isMet ? 'good' : 'bad'}">${text} <b>${isMet ? 'met' : 'short'}</b></span>`),
  ]);
  return html`<section id="${id}" class="record" aria-labelledby="${id}-title">
<header><p class="kind">Benchmark</p><h2 id="${id}-title">${name}</h2><p class="lead">${title}</p></header>
<p class="verdict ${isWell ? 'good' : 'bad'}"><b>${text}.</b></p>
${factList({ Rounds: `${numberText(rounds)}, ours and the ceiling in turn; the medians count`, ...whenAndWhere(startedAt, machine) })}
${wideTable('Ours beside what it is measured against in the same run. The bar is the ratio on a logarithmic scale: to the right of the middle ours is more, to the left less, and an end is ten times', COLUMNS, rows)}
</section>`;
}

/** The ratio on a logarithmic scale, from the middle: to the right where ours is more. */
function bar(ratio: number): Markup {
  if (!(ratio > 0)) return html`<span class="bar unknown"></span>`;
  const percent = Math.min(1, Math.max(-1, Math.log10(ratio))) * 50;
  const [from, width] = [50 + Math.min(0, percent), Math.abs(percent)].map((part) => part.toFixed(1));
  return html`<span class="bar" aria-hidden="true"><i style="left:${from}%;width:${width}%"></i></span>`;
}
