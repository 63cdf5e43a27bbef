import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { RecordCharts } from '../../loadtest/reporting/chart-data.ts';
import { clockText, numberText } from '../../loadtest/reporting/figure-text.ts';
import { chartsOf } from '../../loadtest/reporting/load-charts.ts';
import { PEERS } from '../../loadtest/reporting/peers.ts';
import { writeRecord, writeReport, type Report } from '../../loadtest/reporting/report.ts';
import { benchRecord, loadRecord } from '../kit/load-records.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';

const DATA = /<script type="application\/json" id="charts">(.*?)<\/script>/s;
const chartNamed = ({ charts }: RecordCharts, id: string) => charts.find((chart) => chart.id === id);

describe('the report of load runs and benchmarks', () => {
  let scratch: ReturnType<typeof temporaryFolder>;
  beforeEach(() => (scratch = temporaryFolder()));
  afterEach(() => scratch.remove());

  async function report(): Promise<Report & { html: string; data: Record<string, RecordCharts> }> {
    const made = await writeReport(scratch.folder);
    const html = readFileSync(made.page, 'utf8');
    return { ...made, html, data: JSON.parse(DATA.exec(html)?.[1] ?? '') as Record<string, RecordCharts> };
  }

  it('has of every record what was written, and of the peers what stands there', async () => {
    const [load, bench] = [loadRecord(), benchRecord()];
    await writeRecord(scratch.folder, bench);
    await writeRecord(scratch.folder, load);
    const { html, data, leftOut, page } = await report();
    assert.deepEqual(leftOut, []);
    assert.deepEqual(readdirSync(scratch.folder).sort(), ['bench-trades.json', 'index.html', 'load-city.json'], 'nothing half written is left');
    assert.equal(path.basename(page), 'index.html');
    const said = [load.title, bench.title, 'Nothing that must not be', '28 November 2026', 'A processor of no name', 'TRADE_STALE <span>251</span>', 'nothing left open', 'Redis emptied', '2 of 3 targets met', 'ours ≤ 2 <b>short</b>'];
    for (const text of said) assert.ok(html.includes(text), text);
    for (const { label, value } of load.headlines) assert.ok(html.includes(label) && html.includes(numberText(value)), label);
    for (const { what, ours } of bench.results) assert.ok(html.includes(what) && html.includes(numberText(ours)), what);
    for (const { figures, findings } of PEERS) for (const text of [...figures.map(({ what }) => what), ...findings]) assert.ok(html.includes(text), text);
    assert.deepEqual(data, { 'load-city': chartsOf(load) });
    const move = chartNamed(chartsOf(load), 'throughput')?.views[0]?.series.find(({ label }) => label === 'move');
    assert.deepEqual(move?.values, load.seconds.map(({ requests }) => requests['move']?.answered));
  });

  it('stands alone: it refers to nothing outside of itself', async () => {
    await writeRecord(scratch.folder, loadRecord());
    const { html } = await report();
    assert.match(html, /default-src &#39;none&#39;/);
    assert.doesNotMatch(html, /<[^>]+\s(?:src|href)="(?!#|data:)|url\(|@import/);
  });

  // Guards the escapes of html/markup.ts.
  it('is not broken by a text that looks like its end', async () => {
    const evil = `</script><!--<script>alert("1")</script> & 'more'`;
    const load = loadRecord({ title: evil, violations: [evil], faults: [{ atS: 3, what: evil }] });
    await writeRecord(scratch.folder, load);
    const { html, data } = await report();
    assert.equal(data['load-city']?.faults[0]?.what, evil);
    assert.equal(html.match(/<\/script>/g)?.length, 2, 'the data and the code');
    assert.ok(!html.includes('<script>alert'));
    assert.ok(html.includes('&lt;/script&gt;&lt;!--&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;more&#39;'));
  });

  it('names what is no record, and leaves it out', async () => {
    const file = await writeRecord(scratch.folder, loadRecord());
    writeFileSync(path.join(scratch.folder, 'load-half.json'), readFileSync(file, 'utf8').slice(0, 1000));
    writeFileSync(path.join(scratch.folder, 'bench-other.json'), JSON.stringify({ ...benchRecord(), results: [{ what: 'a thing' }] }));
    writeFileSync(path.join(scratch.folder, 'notes.json'), 'is nobody’s');
    const { html, leftOut, data } = await report();
    assert.deepEqual(leftOut.map(({ file }) => file), ['load-half.json', 'bench-other.json']);
    assert.equal(leftOut[0]?.why, 'it is not JSON');
    assert.match(leftOut[1]?.why ?? '', /^results\.0\.ours: /);
    for (const { file } of leftOut) assert.ok(html.includes(file), file);
    assert.deepEqual(Object.keys(data), ['load-city']);
  });

  it('shows a dash for what was not measured', async () => {
    const file = await writeRecord(scratch.folder, benchRecord());
    assert.match(readFileSync(file, 'utf8'), /"ours":null,"ceiling":null,"ratio":null/);
    const { html, leftOut } = await report();
    assert.deepEqual(leftOut, []);
    assert.match(html, /of what was not measured<\/th><td class="figure">–<\/td><td class="figure">–<\/td>/);
    assert.doesNotMatch(html.slice(html.indexOf('<main>'), html.indexOf('<script')), /NaN|null|undefined/);
  });

  it('has no chart of what a server elsewhere does not tell', () => {
    const seconds = loadRecord({ lengthS: 3 }).seconds.map((second) => ({ ...second, cpu: { servers: null, database: null, redis: null, bots: 0.5 }, processes: {}, redisKeys: null, prepared: null }));
    const charts = chartsOf(loadRecord({ seconds }));
    assert.deepEqual(charts.charts.map(({ id }) => id), ['throughput', 'latency', 'cpu', 'patches', 'online']);
    assert.deepEqual(chartNamed(charts, 'cpu')?.views[0]?.series.map(({ label }) => label), ['bots']);
    assert.deepEqual(chartsOf(loadRecord({ seconds: [], requests: [] })).charts, []);
  });

  it('draws a long run in fewer points, of which a second of standing still is not evened out', () => {
    const seconds = loadRecord({ lengthS: 3_000 }).seconds.map((second) => ({ ...second, online: second.atS % 5, processes: { one: { residentMb: 100, heapMb: 1, handles: 1, loopDelayP99Ms: second.atS === 1_234 ? 900 : 10 } } }));
    const charts = chartsOf(loadRecord({ seconds }));
    assert.equal(charts.pointS, 5);
    assert.deepEqual([charts.atS.length, charts.atS[1]], [600, 5]);
    assert.equal(chartNamed(charts, 'loop-delay')?.views[0]?.series[0]?.values[246], 900);
    assert.ok(chartNamed(charts, 'online')?.views[0]?.series[0]?.values.every((value) => value === 2), 'the mean of five');
  });

  it('writes figures and times for people', () => {
    assert.deepEqual([12, 0.5, 1234.5, 98.76, 3_000_000, Number.NaN, null].map(numberText), ['12', '0.500', '1,235', '98.8', '3,000,000', '–', '–']);
    assert.deepEqual([0, 7, 750, 3_600].map(clockText), ['0:00', '0:07', '12:30', '1:00:00']);
  });
});
