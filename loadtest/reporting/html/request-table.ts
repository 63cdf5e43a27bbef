import { numberText } from '../figure-text.ts';
import type { RequestTotals } from '../record.ts';
import { html, type Markup } from './markup.ts';
import { wideTable, type Column } from './wide-table.ts';

const COLUMNS: readonly Column[] = [
  { title: 'kind' },
  ...['count', 'per s', 'p50', 'p95', 'p99', 'max'].map((title) => ({ title, isFigure: true })),
  { title: 'refused' },
  { title: 'failed' },
];

export function requestTable(requests: readonly RequestTotals[]): Markup {
  const rows = requests.map(({ kind, answered, refused, failed, perSecond, p50, p95, p99, max, refusals, failures }) => [
    kind, numberText(answered + refused + failed), ...[perSecond, p50, p95, p99, max].map(numberText), reasons(refused, refusals), reasons(failed, failures),
  ]);
  return wideTable('Requests by kind. Latencies in ms, from when a request was due; refused by the rules, by code; failed, by what was said', COLUMNS, rows);
}

/** How many, and below it why, the most frequent first. */
function reasons(count: number, why: Record<string, number>): Markup {
  const sorted = Object.entries(why).sort(([, a], [, b]) => b - a);
  return html`${numberText(count)}${sorted.length > 0 && html`<ul class="reasons">${sorted.map(([reason, times]) => html`<li>${reason} <span>${numberText(times)}</span></li>`)}</ul>`}`;
}
