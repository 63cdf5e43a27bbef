import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { CrewOrder, CrewOrders, CrewReport } from './bots/messages.ts';

type Moment = Extract<CrewReport, { type: 'moment' }>;

/** One process of bots. */
export class Crew {
  readonly present: Promise<string[]>;
  readonly finished: Promise<void>;
  readonly #child: ChildProcess;

  constructor(orders: CrewOrders, hear: { moment: (moment: Moment) => void; fault: (message: string) => void }) {
    this.#child = fork(path.join(import.meta.dirname, 'bots/crew-process.ts'), [], { execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const present = Promise.withResolvers<string[]>();
    this.present = present.promise;
    this.#child.on('message', (report: CrewReport) => {
      if (report.type === 'present') present.resolve(report.players);
      if (report.type === 'moment') hear.moment(report);
      if (report.type === 'fault') hear.fault(report.message);
    });
    this.finished = once(this.#child, 'exit').then(([code]) => {
      present.reject(new Error('the bots ended before they were there'));
      if (code !== 0) throw new Error(`the bots ended with ${code}`);
    });
    for (const promise of [this.present, this.finished]) promise.catch(() => undefined);
    this.tell({ type: 'begin', orders });
  }

  tell(order: CrewOrder): void {
    if (this.#child.connected) this.#child.send(order);
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }
}
