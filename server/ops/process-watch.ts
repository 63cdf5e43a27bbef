import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { OpsSamples } from '../../persistence/index.ts';
import type { Fault, ProcessSample } from '../../schema/messages/ops.ts';
import type { Metrics } from '../telemetry/index.ts';

export const SAMPLE_EVERY_MS = 10_000;
/** Told with the next sample; a process that fails in a loop does not fill memory. */
const FAULTS_WAITING_MAX = 100;
const NANOSECONDS = 1e6;

export interface ProcessWatchOptions {
  samples: OpsSamples;
  metrics: Metrics;
  instance: number;
  processId: () => string;
  sessions: () => number;
  clients: () => number;
  rooms: () => ReadonlyMap<string, number>;
  queue: () => number;
  boardLagMs: () => number;
  cachedInventories: () => number;
  isRedisUp: () => boolean;
  onFault: (error: unknown) => void;
}

/** Says every few seconds how this process is, for the operations page. */
export class ProcessWatch {
  readonly #options: ProcessWatchOptions;
  readonly #delay = monitorEventLoopDelay({ resolution: 10 });
  readonly #startedAt = Date.now() - Math.round(process.uptime() * 1_000);
  readonly #timer: NodeJS.Timeout;
  #cpu = process.cpuUsage();
  #cpuAt = performance.now();
  #faults: Fault[] = [];

  constructor(options: ProcessWatchOptions) {
    this.#options = options;
    this.#delay.enable();
    this.#timer = setInterval(() => void this.say(), SAMPLE_EVERY_MS);
    this.#timer.unref();
  }

  /** A line of the log. */
  note(fault: Fault): void {
    this.#options.metrics.faults.inc({ level: fault.level });
    if (this.#faults.length < FAULTS_WAITING_MAX) this.#faults.push(fault);
  }

  /** How this process is now. */
  async look(): Promise<ProcessSample> {
    const { metrics, instance, processId, sessions, clients, rooms, queue, boardLagMs, cachedInventories, isRedisUp } = this.#options;
    const [now, cpu] = [performance.now(), process.cpuUsage(this.#cpu)];
    const cpuShare = (cpu.user + cpu.system) / 1_000 / Math.max(1, now - this.#cpuAt);
    const [trades, refusals, movements, batches, waits, commits, reads, inDoubt] = await Promise.all(
      [metrics.trades, metrics.refusals, metrics.movements, metrics.batchSize, metrics.queueWaitSeconds, metrics.commitSeconds, metrics.cacheReads, metrics.inDoubt].map(async (metric) => (await metric.get()).values as Value[]),
    ) as [Value[], Value[], Value[], Value[], Value[], Value[], Value[], Value[]];
    return {
      processId: processId(), instance, pid: process.pid, startedAt: this.#startedAt, at: Date.now(),
      clients: clients(), sessions: sessions(), rooms: Object.fromEntries(rooms()), queue: queue(),
      loopDelayP99Ms: Math.max(0, this.#delay.percentile(99) / NANOSECONDS - 10), rssBytes: process.memoryUsage.rss(), cpu: cpuShare,
      redisUp: isRedisUp(), inDoubt: total(inDoubt), boardLagMs: boardLagMs(), cachedInventories: cachedInventories(),
      totals: {
        trades: byLabel(trades, 'outcome'), refusals: byLabel(refusals, 'code'), movements: total(movements),
        commits: partOf(batches, 'count'), queueWaitSeconds: partOf(waits, 'sum'), commitSeconds: partOf(commits, 'sum'),
        cacheHits: byLabel(reads, 'result')['hit'] ?? 0, cacheReads: total(reads),
      },
    };
  }

  /** Says it to all; what cannot be said is not said later. */
  async say(): Promise<void> {
    const { samples, onFault } = this.#options;
    try {
      const sample = await this.look();
      this.#delay.reset();
      [this.#cpu, this.#cpuAt] = [process.cpuUsage(), performance.now()];
      const faults = this.#faults.splice(0);
      await Promise.all([samples.add(sample), samples.addFaults(faults)]);
    } catch (error) {
      onFault(error);
    }
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#delay.disable();
  }
}

interface Value {
  value: number;
  labels: Record<string, string | number | undefined>;
  metricName?: string;
}

const total = (values: readonly Value[]): number => values.reduce((sum, { value }) => sum + value, 0);

function byLabel(values: readonly Value[], label: string): Record<string, number> {
  return Object.fromEntries(values.map(({ labels, value }) => [String(labels[label] ?? ''), value]));
}

/** A histogram's sum or count. */
function partOf(values: readonly Value[], part: 'sum' | 'count'): number {
  return total(values.filter(({ metricName }) => metricName?.endsWith(`_${part}`) ?? false));
}
