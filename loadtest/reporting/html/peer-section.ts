import { numberText } from '../figure-text.ts';
import { PEERS, type Peer } from '../peers.ts';
import { html, type Markup } from './markup.ts';
import { wideTable, type Column } from './wide-table.ts';

const COLUMNS: readonly Column[] = [{ title: 'what' }, { title: 'figure', isFigure: true }, { title: 'unit' }, { title: 'remark' }];

export function peerSection(id: string): Markup {
  return html`<section id="${id}" class="record" aria-labelledby="${id}-title">
<header><p class="kind">For comparison</p><h2 id="${id}-title">Peers</h2><p class="lead">What others came to. These rows are fixed: they were not measured in the runs of this page.</p></header>
${PEERS.map(peer)}
</section>`;
}

function peer({ name, source, figures, findings }: Peer): Markup {
  const rows = figures.map(({ what, value, unit, remark }) => [what, numberText(value), unit, remark]);
  return html`<h3>${name}</h3>
${rows.length > 0 ? wideTable(source, COLUMNS, rows) : html`<p class="note">${source}</p>`}
<ul class="findings">${findings.map((finding) => html`<li>${finding}</li>`)}</ul>`;
}
