import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { startServer, type TestServer } from '../kit/server.ts';

const DOCS = path.resolve(import.meta.dirname, '../../docs');
const read = (file: string) => readFileSync(path.join(DOCS, file), 'utf8');
/** Names of metrics, as they stand in a query or in prose. */
const namesIn = (text: string) => new Set([...text.matchAll(/\b(?:strongroom|nodejs|process)_[a-z\d_]+/g)].map(([name]) => name));

interface Rule {
  alert: string;
  expr: string;
  annotations: { summary: string };
}

describe('what is watched', () => {
  let server: TestServer;
  let known: Set<string>;
  before(async () => {
    server = await startServer();
    const text = await (await fetch(`${server.url}/metrics`)).text();
    known = new Set([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name = '', type]) => (type === 'histogram' ? [name, ...['bucket', 'sum', 'count'].map((part) => `${name}_${part}`)] : [name])));
  });
  after(() => server.stop());

  const unknown = (text: string) => [...namesIn(text)].filter((name) => !known.has(name));
  const rules = () => (parse(read('monitoring/alerts.yaml')) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules);

  it('[TL1] alerts, the dashboard and OPERATIONS name only metrics that there are', () => {
    const alerts = rules();
    assert.ok(alerts.length >= 5 && alerts.every(({ alert, expr, annotations }) => alert && expr && annotations.summary));
    const { panels } = JSON.parse(read('monitoring/grafana-dashboard.json')) as { panels: { targets: { expr: string }[] }[] };
    const queries = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
    assert.ok(queries.length > 15);
    assert.deepEqual(unknown([...alerts.map(({ expr }) => expr), ...queries, read('OPERATIONS.md')].join('\n')), []);
  });

  it('[TL1] OPERATIONS explains every metric of ours, and there is an alert for each promise', () => {
    const explained = namesIn(read('OPERATIONS.md'));
    const ours = [...known].filter((name) => name.startsWith('strongroom_') && !/_(bucket|sum|count)$/.test(name));
    assert.deepEqual(ours.filter((name) => !explained.has(name)), []);
    const watched = namesIn(rules().map(({ expr }) => expr).join('\n'));
    for (const promise of ['strongroom_in_doubt', 'strongroom_audit_violations', 'strongroom_leaderboard_lag_seconds', 'nodejs_eventloop_lag_p99_seconds']) assert.ok(watched.has(promise), promise);
  });
});
