import { WorkerProcess } from '../kit/worker-process.ts';

export type CrowdOrder = { signIn: number; urls: readonly string[] } | { join: true } | { tell: true };
export type CrowdReply = { players: string[] } | { hosts: Record<string, number> } | { heardAt: number[][] };

/** Everybody joins, and hears of everybody else who does. */
const REPLY_MAX_MS = 90_000;

/** Members with real clients, in processes of their own, who note when they hear that the message of the day changed. */
export class Crowd {
  readonly #workers: readonly WorkerProcess<CrowdOrder, CrowdReply>[];

  constructor(processes: number) {
    this.#workers = Array.from({ length: processes }, () => new WorkerProcess(new URL('./crowd-process.ts', import.meta.url), REPLY_MAX_MS));
  }

  /** @returns the new players, who are in no room yet */
  async signIn(members: number, urls: readonly string[]): Promise<string[]> {
    const shares = this.#workers.map((_, at) => Math.floor((members + at) / this.#workers.length));
    const replies = await Promise.all(this.#workers.map((worker, at) => worker.ask({ signIn: shares[at] ?? 0, urls })));
    return replies.flatMap((reply) => ('players' in reply ? reply.players : []));
  }

  /** Everybody enters their own room. @returns how many are on which server */
  async join(): Promise<Map<string, number>> {
    const hosts = new Map<string, number>();
    for (const reply of await Promise.all(this.#workers.map((worker) => worker.ask({ join: true })))) {
      if ('hosts' in reply) for (const [host, count] of Object.entries(reply.hosts)) hosts.set(host, (hosts.get(host) ?? 0) + count);
    }
    return hosts;
  }

  /** @returns for each member when each event was heard, in Unix milliseconds */
  async heardAt(): Promise<number[][]> {
    const replies = await Promise.all(this.#workers.map((worker) => worker.ask({ tell: true })));
    return replies.flatMap((reply) => ('heardAt' in reply ? reply.heardAt : []));
  }

  async leave(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.end()));
  }
}
