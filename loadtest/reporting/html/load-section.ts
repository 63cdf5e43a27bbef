import type { Chart, RecordCharts } from '../chart-data.ts';
import { clockText, numberText } from '../figure-text.ts';
import type { Fault, LoadRecord, LoadSettings } from '../record.ts';
import { html, type Markup } from './markup.ts';
import { outcomeOf } from './overview.ts';
import { requestTable } from './request-table.ts';
import { countText, factList, whenAndWhere } from './run-facts.ts';

/** More faults than this are folded up: their marks are on every chart anyway. */
const FAULTS_OPEN_MAX = 8;

/** A run of a profile: what it was, what it came to, and how it went over time. */
export function loadSection(id: string, record: LoadRecord, charts: RecordCharts): Markup {
  return html`<section id="${id}" class="record" aria-labelledby="${id}-title">
<header><p class="kind">Load</p><h2 id="${id}-title">${record.profile}</h2><p class="lead">${record.title}</p></header>
${verdict(record)}
<div class="headlines">${record.headlines.map(({ label, value, unit }) => html`<div><p class="large"><span>${numberText(value)}</span> ${unit}</p><p>${label}</p></div>`)}</div>
${factList({ ...settingFacts(record.settings), ...whenAndWhere(record.startedAt, record.machine) })}
${charts.charts.length > 0 && html`<h3>Over time</h3>
<p class="note">${pointNote(charts.pointS)}Drag over a chart to look closer at all of them, press twice to go back. A series is hidden and shown by its name.</p>
${faultList(record.faults)}
<div class="charts" data-record="${id}">${charts.charts.map((chart) => figure(id, chart))}</div>`}
<h3>Requests</h3>
${requestTable(record.requests)}
<h3>Audit</h3>
${auditList(record.audit)}
</section>`;
}

function verdict(record: LoadRecord): Markup {
  const { isWell, text } = outcomeOf(record);
  if (isWell) return html`<p class="verdict good"><b>${text}.</b> No error that was not provoked, no broken invariant, no memory that grows.</p>`;
  return html`<div class="verdict bad"><p><b>${text}:</b></p><ul>${record.violations.map((violation) => html`<li>${violation}</li>`)}</ul></div>`;
}

function settingFacts({ bots, botProcesses, durationS, processes, shards, seed, everyMs, mix }: LoadSettings): Record<string, string> {
  const total = Object.values(mix).reduce((sum, share) => sum + share, 0);
  const shares = Object.entries(mix).sort(([, a], [, b]) => b - a).map(([kind, share]) => `${kind} ${numberText(Math.round((share / total) * 1000) / 10)} %`);
  return {
    Bots: `${numberText(bots)} in ${countText(botProcesses, 'process')}, each acting every ${numberText(everyMs)} ms on average`,
    Duration: clockText(durationS),
    Server: processes === 0 ? 'elsewhere' : `${countText(processes, 'process')}, ${countText(shards, 'shard')}`,
    Mix: shares.join(', '),
    Seed: String(seed),
  };
}

function pointNote(pointS: number): string {
  return pointS === 1 ? 'A point is a second. ' : `A point is ${pointS} seconds: their mean, and of p95, p99, delays and prepared transactions the highest. `;
}

function faultList(faults: readonly Fault[]): Markup | undefined {
  if (faults.length === 0) return undefined;
  const list = html`<ol>${faults.map(({ atS, what }) => html`<li><span>${clockText(atS)}</span> ${what}</li>`)}</ol>`;
  return html`<details class="faults"${faults.length <= FAULTS_OPEN_MAX && html` open`}><summary>${countText(faults.length, 'fault')} on purpose, marked on the charts</summary>${list}</details>`;
}

function figure(record: string, { id, title, caption, views }: Chart): Markup {
  const choice = html`<label>Kind of request <select data-testid="${record}-${id}-kind">${views.map(({ name }, at) => html`<option value="${at}">${name}</option>`)}</select></label>`;
  return html`<figure class="chart" data-chart="${id}">
<figcaption><h4>${title}</h4><p>${caption}</p>${views.length > 1 && choice}</figcaption>
<div class="plot" role="img" aria-label="${views[0]?.summary}"></div>
<ul class="legend" aria-label="Series of ${title}"></ul>
</figure>`;
}

function auditList(audit: LoadRecord['audit']): Markup {
  if (audit.length === 0) return html`<p class="note">Not audited: the databases of that server were not at hand.</p>`;
  return html`<ul class="audit">${audit.map(({ invariant, holds }) => html`<li class="${holds ? 'good' : 'bad'}"><b>${holds ? 'holds' : 'broken'}</b> ${invariant}</li>`)}</ul>`;
}
