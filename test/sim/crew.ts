import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { FaultPoint } from '../../persistence/index.ts';
import { pick, type Random } from '../../loadtest/bench/kit/holdings.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';
import type { Order, Orders, Report } from './messages.ts';

const STDERR_LENGTH_MAX = 4_000;
/** Workers that end by themselves so often are not started again. */
const CRASHES_MAX = 20;

export interface CrewOptions {
  /** Of each worker, the sources that it runs. */
  roots: readonly string[];
  orders: Omit<Orders, 'seed'>;
  random: Random;
  take: (report: Report) => void;
}

interface Worker {
  child: ChildProcess;
  ready: boolean;
  /** It is killed, or will be. */
  doomed: boolean;
  retries: number;
  /** When the process is gone and its last report was read. */
  gone: Promise<void>;
}

/** Worker processes, each started again when it was killed, until the run finishes. */
export class Crew {
  readonly #options: CrewOptions;
  readonly #compiled = temporaryFolder();
  readonly #places: Promise<void>[];
  readonly #workers = new Set<Worker>();
  #finishing = false;
  #paused = false;
  #closing = false;
  #retries = 0;
  kills = 0;
  /** What workers said that ended by themselves before they were done. */
  readonly crashes: string[] = [];
  readonly #brokenDown = Promise.withResolvers<void>();

  constructor(options: CrewOptions) {
    this.#options = options;
    this.#places = options.roots.map((root) => this.#man(root));
  }

  /** SIGKILL to any worker that trades, to any at all when none does: now, or when it next reaches the point. */
  kill(point?: FaultPoint): void {
    const workers = [...this.#workers].filter(({ doomed }) => !doomed);
    const trading = workers.filter(({ ready }) => ready);
    if (workers.length === 0) return;
    const worker = pick(this.#options.random, trading.length > 0 ? trading : workers);
    worker.doomed = true;
    if (point === undefined) worker.child.kill('SIGKILL');
    else send(worker.child, { type: 'die', point });
  }

  /** Nobody begins another trade; what is under way goes on. */
  pause(): void {
    this.#paused = true;
    for (const { child } of this.#workers) send(child, { type: 'pause' });
  }

  resume(): void {
    this.#paused = false;
    for (const { child } of this.#workers) send(child, { type: 'resume' });
  }

  /** Resolves when every worker has finished what it was at. */
  async finish(): Promise<void> {
    this.#finishing = true;
    for (const { child } of this.#workers) send(child, { type: 'finish' });
    await Promise.all(this.#places);
  }

  /** Ends whatever still runs. */
  async close(): Promise<void> {
    this.#finishing = true;
    this.#closing = true;
    for (const { child } of this.#workers) child.kill('SIGKILL');
    await Promise.all(this.#places);
    this.#compiled.remove();
  }

  /** Resolves when workers ended by themselves too often. */
  get brokenDown(): Promise<void> {
    return this.#brokenDown.promise;
  }

  get retries(): number {
    return [...this.#workers].reduce((sum, { retries }) => sum + retries, this.#retries);
  }

  /** Keeps one place manned. */
  async #man(root: string): Promise<void> {
    while (!this.#finishing && this.crashes.length < CRASHES_MAX) {
      const worker = this.#start(root);
      this.#workers.add(worker);
      await worker.gone;
      this.#workers.delete(worker);
      this.#retries += worker.retries;
    }
  }

  #start(root: string): Worker {
    const { orders, random, take } = this.#options;
    const child = fork(path.join(root, 'test/sim/worker.ts'), [], {
      cwd: root,
      execArgv: [],
      env: { ...process.env, NODE_COMPILE_CACHE: this.#compiled.folder },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let stderr = '';
    child.stderr?.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(0, STDERR_LENGTH_MAX)));
    const gone = Promise.all([once(child, 'close'), once(child, 'disconnect')]).then(([[code, signal]]) => {
      if (this.#closing || code === 0) return;
      if (worker.doomed && signal === 'SIGKILL') this.kills++;
      else if (this.crashes.push(stderr) >= CRASHES_MAX) this.#brokenDown.resolve();
    });
    const worker: Worker = { child, ready: false, doomed: false, retries: 0, gone };
    child.on('message', (report: Report) => {
      if (report.type === 'ready') worker.ready = true;
      if (report.type === 'retries') worker.retries = report.count;
      take(report);
    });
    send(child, { type: 'begin', orders: { ...orders, seed: Math.floor(random() * 2 ** 31) } });
    if (this.#paused) send(child, { type: 'pause' });
    return worker;
  }
}

/** A worker that was killed a moment ago hears nothing any more. */
function send(child: ChildProcess, order: Order): void {
  if (child.connected) child.send(order, () => undefined);
}
