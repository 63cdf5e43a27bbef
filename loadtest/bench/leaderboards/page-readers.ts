import { WorkerProcess } from '../kit/worker-process.ts';

export interface PageOrder {
  port: number;
  path: string;
  connections: number;
  ms: number;
}

/** What a round came to, as its clients saw it: each page in milliseconds. */
export interface PageReply {
  tookMs: number[];
  /** Of one page. */
  bytes: number;
  cpuUs: number;
  seconds: number;
}

const REPLY_MAX_MS = 60_000;

/** Clients that read pages, in a process of their own. */
export const startPageReaders = () => new WorkerProcess<PageOrder, PageReply>(new URL('./page-process.ts', import.meta.url), REPLY_MAX_MS);
