import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { keepHeapYoung } from '../../../server/young-heap.ts';

type Failure = { failed: string };

/** A process of its own that does what it is told, one order at a time; it ends with who started it. */
export class WorkerProcess<Order extends object, Reply extends object> {
  readonly #child: ChildProcess;
  readonly #replyMaxMs: number;

  /** @param program answers orders by `obeyOrders` */
  constructor(program: URL, replyMaxMs: number) {
    this.#child = fork(program);
    this.#replyMaxMs = replyMaxMs;
  }

  /** @throws what failed there, or that it ended or took too long */
  async ask(order: Order): Promise<Reply> {
    this.#child.send(order);
    const done = new AbortController();
    const signal = AbortSignal.any([done.signal, AbortSignal.timeout(this.#replyMaxMs)]);
    const ended = once(this.#child, 'exit', { signal }).then(() => [{ failed: 'its process ended' }]);
    ended.catch(() => undefined); // the answer came first, or neither came: then that is what is thrown
    const [reply] = (await Promise.race([once(this.#child, 'message', { signal }), ended]).finally(() => done.abort())) as [Reply | Failure];
    if ('failed' in reply) throw new Error(`a worker failed: ${reply.failed}`);
    return reply;
  }

  /** With it its connections end. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }
}

/** The other end: obeys whoever started this process. */
export function obeyOrders<Order, Reply extends object>(obey: (order: Order) => Promise<Reply>): void {
  keepHeapYoung();
  process.on('message', (order: Order) => {
    obey(order).then(
      (reply) => process.send?.(reply),
      (error: unknown) => process.send?.({ failed: error instanceof Error ? (error.stack ?? error.message) : JSON.stringify(error) } satisfies Failure),
    );
  });
  process.once('disconnect', () => process.exit(0));
}
