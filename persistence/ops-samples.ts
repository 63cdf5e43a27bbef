import type { Fault, ProcessSample } from '../schema/messages/ops.ts';

/** How far back the operations page looks. */
export const SAMPLES_KEPT_MS = 60 * 60 * 1000;
/** Of one process: more than it says in that time. */
export const SAMPLES_MAX = 400;
export const FAULTS_MAX = 100;

/** What all processes said of themselves within the last hour; nobody decides anything by it. */
export interface OpsSamples {
  add(sample: ProcessSample): Promise<void>;
  addFaults(faults: readonly Fault[]): Promise<void>;
  /** Each process's own, in their order. */
  since(from: number): Promise<ProcessSample[][]>;
  /** The newest first. */
  faults(): Promise<Fault[]>;
}

/** Of a single process. */
export function memoryOpsSamples(): OpsSamples {
  const samples: ProcessSample[] = [];
  const known: Fault[] = [];
  return {
    async add(sample) {
      samples.push(sample);
      if (samples.length > SAMPLES_MAX) samples.shift();
    },
    async addFaults(faults) {
      known.unshift(...faults.toReversed());
      known.length = Math.min(known.length, FAULTS_MAX);
    },
    async since(from) {
      const found = samples.filter(({ at }) => at >= from);
      return found.length === 0 ? [] : [found];
    },
    faults: async () => [...known],
  };
}
