import type { Fault } from '../../schema/messages/ops.ts';
import { pino, stdSerializers, type Logger } from 'pino';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

export type { Logger } from 'pino';

export type FaultListener = (fault: Fault) => void;

/** pino's numbers of its levels. */
const ERROR = 50;
const FATAL = 60;

/** Keys whose values never reach a log, wherever they stand in a line. */
const SECRET_PATHS = ['password', 'token', 'authorization', 'secrets', '*.password', '*.token', '*.authorization', '*.passwordHash', 'req.headers.authorization'];

/** What PostgreSQL adds to an error: the row that it refused, and with it a login and most of its hash. */
const ROWS = /^\s*-? ?detail: .*$|(?:Failing row contains|Key \(.*?\)=) ?\(.*$/gim;

/** An error and its causes, without the rows that they are about. [SC7] */
export function withoutRows(error: Error): object {
  const { detail: _detail, where: _where, ...told } = stdSerializers.err(error) as unknown as Record<string, unknown>;
  return Object.fromEntries(Object.entries(told).map(([field, value]) => [field, typeof value === 'string' ? value.replaceAll(ROWS, '…') : value]));
}

/** Structured log lines, one JSON object each, with the process's number; `ref` joins a line with the refusal that a client saw. */
export function createLogger(level: string, instance = 0, onFault?: FaultListener): Logger {
  return pino({
    level,
    base: { process: instance },
    serializers: { err: withoutRows },
    redact: { paths: SECRET_PATHS, censor: '…' },
    hooks: {
      logMethod(line, method, rank) {
        if (rank >= ERROR) onFault?.({ at: Date.now(), level: rank >= FATAL ? 'fatal' : 'error', message: String(line.find((part) => typeof part === 'string') ?? '') });
        method.apply(this, line);
      },
    },
  });
}

/**
 * A counter of what comes with every trade. The library looks at all labels each time, which takes as long as a step of a trade does; here a map
 * counts, and the library hears of it when somebody asks.
 */
class Tally<Label extends string> extends Counter<Label> {
  readonly #labels: readonly Label[];
  readonly #counts = new Map<string, number>();

  constructor(name: string, help: string, labelNames: readonly Label[], registry: Registry) {
    super({ name, help, labelNames, registers: [registry] });
    this.#labels = labelNames;
  }

  /** One more, by the labels' values in the order of their names. */
  count(...values: readonly string[]): void {
    const series = values.length === 1 ? (values[0] as string) : values.join(BETWEEN_LABELS);
    this.#counts.set(series, (this.#counts.get(series) ?? 0) + 1);
  }

  override async get(): ReturnType<Counter<Label>['get']> {
    for (const [series, count] of this.#counts) {
      const values = series.split(BETWEEN_LABELS);
      this.inc(Object.fromEntries(this.#labels.map((label, at) => [label, values[at]])) as Record<Label, string>, count);
    }
    this.#counts.clear();
    return await super.get();
  }
}

/** No label has this in it. */
const BETWEEN_LABELS = '\n';

/** Everything that is counted, by its Prometheus name. */
export class Metrics {
  readonly registry = new Registry();
  readonly trades = new Tally('strongroom_trades_total', 'Trades that ended, by outcome', ['outcome'], this.registry);
  readonly movements = new Tally('strongroom_movements_total', 'Movements of value, by reason and outcome', ['reason', 'outcome'], this.registry);
  readonly retries = this.#counter('strongroom_retries_total', 'Work that ran again, by cause', ['cause']);
  readonly cacheReads = new Tally('strongroom_inventory_cache_reads_total', 'Inventory reads, by result', ['result'], this.registry);
  readonly resyncs = this.#counter('strongroom_inventory_resyncs_total', 'Rooms that reloaded, by cause', ['cause']);
  readonly refusals = this.#counter('strongroom_refusals_total', 'Requests refused, by code', ['code']);
  readonly inDoubt = new Gauge({ name: 'strongroom_in_doubt', help: 'Prepared transactions older than 5 s', registers: [this.registry] });
  readonly resolved = this.#counter('strongroom_in_doubt_resolved_total', 'In-doubt transactions that the resolver ended, by outcome', ['outcome']);
  readonly commitSeconds = new Histogram({
    name: 'strongroom_commit_seconds',
    help: 'From the first lock to the last commit of a movement',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
    registers: [this.registry],
  });

  readonly busLagSeconds = new Histogram({
    name: 'strongroom_bus_lag_seconds',
    help: "From another process's message to its arrival here, by both clocks",
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2],
    registers: [this.registry],
  });
  readonly busDropped = this.#counter('strongroom_bus_dropped_total', 'Messages to other processes that Redis did not take', []);
  readonly leasesLost = this.#counter('strongroom_leases_lost_total', 'How often this process was taken for dead, and closed its rooms', []);
  readonly membersLost = this.#counter('strongroom_members_lost_total', 'Other processes that this one found gone or standing still', []);

  readonly batchSize = new Histogram({ name: 'strongroom_batch_size', help: 'Movements per commit', buckets: [1, 2, 5, 10, 25, 50, 100, 250], registers: [this.registry] });
  readonly guildReads = this.#counter('strongroom_guild_cache_reads_total', "Reads of guilds' members, by result", ['result']);
  readonly guildActions = this.#counter('strongroom_guild_actions_total', 'Actions of guilds, by action and outcome', ['action', 'outcome']);
  readonly guildFlushSize = new Histogram({ name: 'strongroom_guild_flush_size', help: "Actions per guild's transaction", buckets: [1, 2, 5, 10, 25, 50, 100], registers: [this.registry] });
  readonly scores = this.#counter('strongroom_scores_total', 'Scores that the service submitted, by outcome', ['outcome']);
  readonly auditRuns = this.#counter('strongroom_audit_runs_total', 'Audits that this process ran by schedule, by outcome', ['outcome']);
  readonly auditViolations = new Gauge({ name: 'strongroom_audit_violations', help: 'What the last scheduled audit of any process found', registers: [this.registry] });
  readonly auditEnded = new Gauge({ name: 'strongroom_audit_last_timestamp_seconds', help: 'When the last scheduled audit of any process ended', registers: [this.registry] });
  readonly faults = this.#counter('strongroom_faults_total', 'Lines of the log at level error or above', ['level']);
  readonly boardsFilled = this.#counter('strongroom_leaderboards_filled_total', 'How often this process filled the sets of a leaderboard from PostgreSQL', []);
  readonly queueWaitSeconds = new Histogram({
    name: 'strongroom_queue_wait_seconds',
    help: 'From the submission of a movement to the start of its commit',
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  /** What is looked up when somebody asks. */
  watch({ sessions, rooms, queue, boardLagMs }: { sessions: () => number; rooms: () => ReadonlyMap<string, number>; queue: () => number; boardLagMs: () => number }): void {
    this.#watched('strongroom_sessions', 'Player sessions that this process holds', sessions);
    this.#watched('strongroom_queue_length', 'Movements that wait for a commit', queue);
    this.#watched('strongroom_leaderboard_lag_seconds', 'How long scores wait for the sorted sets of the region that is slowest', () => boardLagMs() / 1_000);
    this.registry.registerMetric(
      new Gauge({
        name: 'strongroom_rooms',
        help: 'Rooms of this process, by name',
        labelNames: ['room'],
        registers: [],
        collect() {
          this.reset();
          for (const [room, count] of rooms()) this.set({ room }, count);
        },
      }),
    );
  }

  #watched(name: string, help: string, value: () => number): void {
    const collect = function (this: Gauge) {
      this.set(value());
    };
    this.registry.registerMetric(new Gauge({ name, help, registers: [], collect }));
  }

  #counter<Label extends string>(name: string, help: string, labelNames: Label[]): Counter<Label> {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }
}
