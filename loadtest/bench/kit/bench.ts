/** What a result must reach; the numbers are those of the issue that asked for the bench. */
export interface Target {
  of: 'ours' | 'ratio';
  bound: 'at most' | 'at least' | 'exactly';
  value: number;
}

/** One line of a bench: ours beside what it is measured against, in the same run, in the same unit. */
export interface BenchResult {
  what: string;
  ours: number;
  ceiling: number;
  unit: string;
  targets?: readonly Target[];
}

export interface BenchOptions {
  /** How often ours and the ceiling are measured in turn; the medians count. */
  rounds: number;
  /** How many players there are at most where it matters how many there are. */
  playersMax: number;
  /** How many shards there are at most where it matters how many there are. */
  shardsMax: number;
  /** How long a round lasts of what has no length of its own. */
  roundMs: number;
}

/** A benchmark: `name` is what the command line takes, `title` says what is measured and against what. */
export interface Bench {
  name: string;
  title: string;
  /** What it takes unless it is told otherwise, where that is not what others take. */
  defaults?: Partial<Pick<BenchOptions, 'playersMax' | 'shardsMax'>>;
  run(options: BenchOptions): Promise<BenchResult[]>;
}

export const ratioOf = ({ ours, ceiling }: BenchResult): number => ours / ceiling;

export function meets(result: BenchResult, { of, bound, value }: Target): boolean {
  const measured = of === 'ours' ? result.ours : ratioOf(result);
  if (bound === 'exactly') return measured === value;
  return bound === 'at most' ? measured <= value : measured >= value;
}
