import { chartsOf } from '../load-charts.ts';
import type { BenchRecord, LoadRecord } from '../record.ts';
import { benchSection } from './bench-section.ts';
import { loadSection } from './load-section.ts';
import { html, json, script, style, type Markup } from './markup.ts';
import { outcomeOf, overview } from './overview.ts';
import { peerSection } from './peer-section.ts';

export interface PageInput {
  records: readonly (LoadRecord | BenchRecord)[];
  leftOut: readonly { file: string; why: string }[];
  /** What the page's own script and style sheet came to. */
  code: { script: string; css: string };
}

/** What the page may load: nothing. */
const POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:";
const PEERS_ID = 'peers';

/** The report as one document that stands alone. */
export function reportPage({ records, leftOut, code }: PageInput): string {
  const charts = Object.fromEntries(records.filter((record) => record.kind === 'load').map((record) => [idOf(record), chartsOf(record)]));
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<link rel="icon" href="data:,">
<title>Strongroom under load</title>
${style(code.css)}
</head>
<body>
<header class="top"><h1>Strongroom under load</h1><p>Runs of the whole server and benchmarks of its parts, for whoever decides whether it carries their game.</p></header>
<nav aria-label="Contents"><ul>${records.map(entry)}<li><a href="#${PEERS_ID}">Peers</a></li></ul></nav>
<main>
<noscript><p class="verdict bad">The charts need JavaScript; everything else is here.</p></noscript>
${leftOut.length > 0 && html`<div class="verdict bad"><p><b>Left out</b>, because they are no records:</p><ul>${leftOut.map(({ file, why }) => html`<li><code>${file}</code> (${why})</li>`)}</ul></div>`}
${records.length === 0 && html`<p class="verdict">There is no record yet.</p>`}
${records.length > 0 && overview(records.map((record) => ({ id: idOf(record), record })))}
${records.map((record) => section(record, charts))}
${peerSection(PEERS_ID)}
</main>
${json('charts', charts)}
${script(code.script)}
</body>
</html>
`;
  return page.html;
}

function section(record: LoadRecord | BenchRecord, charts: Record<string, ReturnType<typeof chartsOf>>): Markup {
  const id = idOf(record);
  return record.kind === 'load' ? loadSection(id, record, charts[id] ?? chartsOf(record)) : benchSection(id, record);
}

function entry(record: LoadRecord | BenchRecord): Markup {
  const { isWell, text } = outcomeOf(record);
  return html`<li><a href="#${idOf(record)}">${record.kind === 'load' ? `Load: ${record.profile}` : record.name} <span class="${isWell ? 'good' : 'bad'}" aria-label="${text}" role="img">${isWell ? '✓' : '✗'}</span></a></li>`;
}

const idOf = (record: LoadRecord | BenchRecord): string => (record.kind === 'load' ? `load-${record.profile}` : `bench-${record.name}`);
