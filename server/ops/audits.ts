import { setTimeout as delay } from 'node:timers/promises';
import type { Storage } from '../../persistence/index.ts';
import type { Logger, Metrics } from '../telemetry/index.ts';

/** How often a process asks whether an audit is due, and what the last one of any process found. */
const LOOK_MS = 15_000;

export interface AuditsOptions {
  storage: Pick<Storage, 'audit' | 'auditRuns'>;
  metrics: Metrics;
  log: Logger;
  /** 0: none runs by itself. */
  intervalMs: number;
  lookMs?: number;
}

/** Runs the audit once in each interval, over all processes, and shows what the last one found as metrics of each. [AU3] */
export function startAudits({ storage, metrics, log, intervalMs, lookMs = LOOK_MS }: AuditsOptions): { stop(): Promise<void> } {
  const { audit, auditRuns } = storage;
  const ending = new AbortController();

  async function runIfDue(): Promise<void> {
    const run = intervalMs === 0 ? undefined : await auditRuns.claim(intervalMs);
    if (run === undefined) return;
    const report = await audit();
    await auditRuns.end(run, report);
    metrics.auditRuns.inc({ outcome: report.ok ? 'green' : 'red' });
    const violated = report.invariants.filter(({ ok }) => !ok);
    if (report.ok) log.info({ tookMs: report.tookMs }, 'the audit is green');
    else log.error({ tookMs: report.tookMs, violated: violated.map(({ name, violations }) => ({ name, violations })) }, 'the audit is red');
  }

  async function show(): Promise<void> {
    const last = await auditRuns.last();
    if (last === undefined) return;
    metrics.auditViolations.set(last.violations ?? 0);
    metrics.auditEnded.set((last.endedAt ?? 0) / 1_000);
  }

  async function loop(): Promise<void> {
    while (!ending.signal.aborted) {
      try {
        await runIfDue();
        await show();
      } catch (error) {
        metrics.auditRuns.inc({ outcome: 'failed' });
        log.warn({ err: error }, 'the audit could not be run, or what it found not be read');
      }
      await delay(Math.min(lookMs, intervalMs || lookMs), undefined, { signal: ending.signal, ref: false }).catch(() => undefined);
    }
  }

  const running = loop();
  return {
    async stop() {
      ending.abort();
      await running;
    },
  };
}
