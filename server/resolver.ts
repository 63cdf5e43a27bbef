import type { Storage } from '../persistence/index.ts';
import type { Logger, Metrics } from './telemetry/index.ts';

const IN_DOUBT_ALERT_MS = 5_000;
/** Of those in doubt, the oldest are named. */
const NAMED_MAX = 20;
const COLLECT_EVERY_MS = 60_000;

export interface ResolverOptions {
  storage: Pick<Storage, 'resolveInDoubt' | 'listInDoubt' | 'collectDecisions'>;
  metrics: Metrics;
  log: Logger;
  intervalMs: number;
  /** What nobody was told of has happened by now. */
  onCommitted?: () => void;
}

/** Ends what dead coordinators left prepared, at once at the start and then every interval, and says what it cannot end. [TP4] [TP7] */
export function startResolver({ storage, metrics, log, intervalMs, onCommitted }: ResolverOptions): { stop(): Promise<void> } {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let collected = Date.now();

  const runOnce = async () => {
    try {
      const ended = await storage.resolveInDoubt();
      for (const { gid, outcome } of ended) {
        metrics.resolved.inc({ outcome });
        log.warn({ gid, outcome }, 'ended a transaction that its coordinator left prepared');
      }
      if (ended.some(({ outcome }) => outcome === 'commit')) onCommitted?.();
      const { open, silent } = await storage.listInDoubt(IN_DOUBT_ALERT_MS);
      metrics.inDoubt.set(open.length);
      if (open.length > 0) log.error({ inDoubt: open.length, oldest: open.slice(0, NAMED_MAX) }, 'transactions are in doubt for longer than 5 s');
      if (silent > 0) log.warn({ shards: silent }, 'shards did not say what is in doubt');
      if (Date.now() - collected > COLLECT_EVERY_MS) {
        collected = Date.now();
        await storage.collectDecisions();
      }
    } catch (error) {
      log.warn({ err: error }, 'the resolver could not ask every shard');
    }
  };
  const loop = async (): Promise<void> => {
    await runOnce();
    if (!stopped) timer = setTimeout(() => (running = loop()), intervalMs);
  };
  let running = loop();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
