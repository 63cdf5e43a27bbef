import os from 'node:os';
import type { Machine } from './record.ts';

/** This machine, as a record names it. */
export function machine(): Machine {
  return {
    cpus: os.availableParallelism(),
    model: os.cpus()[0]?.model.trim() ?? 'unknown',
    memoryMb: Math.round(os.totalmem() / 2 ** 20),
    node: process.version,
    system: `${os.type()} ${os.release()} ${os.arch()}`,
  };
}
