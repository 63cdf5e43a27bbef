/**
 * The steps between a movement's first write and its answer at which a crash is tested, in order. [CR1]
 * On one shard the commit is on its way from `acted-first` on. docs/SPEC.md lists them; the crash tests kill the process at each, and PostgreSQL at each.
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
/** The steps of moving slots, with those of the commit that flips them in between. [CR5] */
export const MOVE_POINTS = ['copying', 'copied', 'fenced', 'caught-up', 'prepared', 'committed', 'finished', 'told', 'cleaned'] as const;
/** The steps of a score: its command is known, it is in PostgreSQL, the sorted sets have it. [CR7] */
export const SCORE_POINTS = ['claimed', 'recorded', 'pushed'] as const;
export type CommitPoint = (typeof FAULT_POINTS)[number];
export type FaultPoint = CommitPoint | (typeof MOVE_POINTS)[number] | (typeof SCORE_POINTS)[number];

const PAUSE = ':pause';

/** Called at every fault point with what the transaction is for; does nothing unless a test asked for a crash. */
export type ReachFaultPoint = (point: FaultPoint, label: string) => void;

/** `trade:prepared`, `trade:prepared:2` or `trade:prepared:pause`: what for, where, at which time, and whether to stand still there instead of to die. */
export const FAULT_SPEC = new RegExp(`^[\\w.@-]+:(?:${[...FAULT_POINTS, ...MOVE_POINTS, ...SCORE_POINTS].join('|')})(?:${PAUSE}|:[1-9]\\d*)?$`);

/**
 * Makes what `spec` asks for: `trade:prepared` kills this process with SIGKILL when a trade has prepared, `trade:prepared:2` when the second one has;
 * `trade:prepared:pause` stops it there once with SIGSTOP, until somebody sends it SIGCONT. Absent (a no-op) without a
 * spec; the configuration refuses one in production. [CR2]
 */
export function faultPoints(spec: string | undefined): ReachFaultPoint {
  if (spec === undefined) return () => undefined;
  if (!spec.endsWith(PAUSE)) {
    const [what, where, nth = '1'] = spec.split(':');
    let left = Number(nth);
    return (point, label) => {
      if (label === what && point === where && --left === 0) process.kill(process.pid, 'SIGKILL');
    };
  }
  // What is resumed may come by again: the same work, run once more.
  const pause = once(() => process.kill(process.pid, 'SIGSTOP'));
  return (point, label) => {
    if (`${label}:${point}${PAUSE}` === spec) pause();
  };
}

/** Whether `spec` names this point, for whatever it is. */
export const namesFaultPoint = (spec: string | undefined, point: FaultPoint): boolean => spec?.split(':')[1] === point;

/** Runs the first time only, as for steps that shards take at the same time. */
export function once(run: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    run();
  };
}
