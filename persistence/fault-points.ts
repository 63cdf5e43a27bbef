/**
 * The steps between a movement's first write and its answer at which a crash is tested, in order. [CR1]
 * docs/SPEC.md lists them; the crash tests run one kill -9 at each.
 */
export const FAULT_POINTS = [
  'locked',
  'acted-first',
  'acted',
  'prepared-first',
  'prepared',
  'committed',
  'finished-first',
  'finished',
  'published',
] as const;
/** The steps of moving slots, with those of the commit that flips them in between. [CR4] */
export const MOVE_POINTS = ['copying', 'copied', 'fenced', 'caught-up', 'prepared', 'committed', 'finished', 'told', 'cleaned'] as const;
export type CommitPoint = (typeof FAULT_POINTS)[number];
export type FaultPoint = CommitPoint | (typeof MOVE_POINTS)[number];

/** Called at every fault point with what the transaction is for; does nothing unless a test asked for a crash. */
export type ReachFaultPoint = (point: FaultPoint, label: string) => void;

/**
 * Makes the crash that `spec` asks for: `trade:prepared` kills this process with SIGKILL when a trade has prepared.
 * Absent (a no-op) without a spec; the configuration refuses one in production. [CR2]
 */
export function faultPoints(spec: string | undefined): ReachFaultPoint {
  if (spec === undefined) return () => undefined;
  return (point, label) => {
    if (`${label}:${point}` === spec) process.kill(process.pid, 'SIGKILL');
  };
}

/** For steps that shards take at the same time: runs at the first of them only. */
export function once(run: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    run();
  };
}
