import assert from 'node:assert/strict';
import { pino } from 'pino';
import { startAudits } from '../../server/ops/index.ts';
import { Metrics } from '../../server/telemetry/index.ts';
import { startCluster, type TestCluster } from '../kit/cluster.ts';
import { until } from '../kit/player.ts';

const INTERVAL_MS = 1_500;
const LOOK_MS = 50;

describe('the audit by schedule', () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startCluster();
  });
  after(() => cluster.stop());

  const gauge = async (metric: Metrics['auditViolations']) => (await metric.get()).values[0]?.value;
  const runs = async (metrics: Metrics) => Object.fromEntries((await metrics.auditRuns.get()).values.map(({ labels, value }) => [labels.outcome, value]));
  const recorded = async () => await cluster.sql<{ violations: number | null }>(0, 'select violations from audit_run order by started_at');

  function processOf(intervalMs = INTERVAL_MS) {
    const metrics = new Metrics();
    const lines: { level: number; msg: string }[] = [];
    const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line) as { level: number; msg: string }) });
    return { metrics, lines, audits: startAudits({ storage: cluster.storage, metrics, log, intervalMs, lookMs: LOOK_MS }) };
  }

  // Guards the claim of an interval.
  it('[AU3] runs once in each interval, of three processes, and each shows what the last one found', async () => {
    const [ann] = await cluster.newPlayers(1);
    await cluster.mint(ann!, 5);
    const processes = [processOf(), processOf(), processOf()];
    try {
      const began = Date.now();
      await until(async () => (await recorded()).length >= 3, 3 * INTERVAL_MS + 2_000, 'three intervals went by');
      const most = Math.ceil((Date.now() - began) / INTERVAL_MS) + 1;
      assert.ok((await recorded()).length <= most, `no more than ${most}`);
      for (const { metrics } of processes) await until(async () => (await gauge(metrics.auditViolations)) === 0 && (await gauge(metrics.auditEnded))! > began / 1_000 - 1, 5_000, 'it is shown');
      const total = (await Promise.all(processes.map(async ({ metrics }) => (await runs(metrics))['green'] ?? 0))).reduce((sum, count) => sum + count, 0);
      assert.ok(total <= most && total >= 2, `${total} runs`);
    } finally {
      await Promise.all(processes.map(({ audits }) => audits.stop()));
    }
  });

  it('[AU3] says at error level what is wrong, and every process shows how much', async () => {
    const [ann] = await cluster.newPlayers(1);
    await cluster.mint(ann!, 5);
    await cluster.sql(cluster.placeOf(ann!), 'update balance set quantity = quantity + 1 where holder = $1', [ann]);
    const [one, two] = [processOf(), processOf()];
    try {
      for (const { metrics } of [one, two]) await until(async () => ((await gauge(metrics.auditViolations)) ?? 0) > 0, 15_000, 'it is shown');
      const said = [...one.lines, ...two.lines].filter(({ level }) => level === 50);
      assert.ok(said.length > 0 && said.every(({ msg }) => msg === 'the audit is red') && JSON.stringify(said).includes(ann!), 'who it is');
      assert.match(JSON.stringify((await cluster.storage.auditRuns.last())?.problems), new RegExp(ann!));
    } finally {
      await Promise.all([one, two].map(({ audits }) => audits.stop()));
      await cluster.sql(cluster.placeOf(ann!), 'update balance set quantity = quantity - 1 where holder = $1', [ann]);
    }
  });

  it('[AU3] with an interval of 0 none runs, and what others found is shown', async () => {
    const before = (await recorded()).length;
    const { metrics, audits } = processOf(0);
    try {
      await until(async () => (await gauge(metrics.auditEnded)) !== 0, 5_000, 'it is shown');
      await new Promise((resolve) => setTimeout(resolve, 4 * LOOK_MS));
      assert.equal((await recorded()).length, before);
    } finally {
      await audits.stop();
    }
  });
});
