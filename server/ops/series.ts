import type { OpsSeries, ProcessSample } from '../../schema/messages/ops.ts';

type Values = (number | null)[];

/** What happened between two samples of one process. */
interface Step {
  at: number;
  seconds: number;
  after: ProcessSample;
  trades: number;
  refusals: number;
  movements: number;
  commits: number;
  queueWaitSeconds: number;
  commitSeconds: number;
}

/**
 * What all processes said, put together on one axis of time. Counters become rates over the time since the sample before; who
 * began anew counts from 0 again, and such a step is left out. Pure.
 */
export function seriesOf(processes: readonly (readonly ProcessSample[])[], { from, to, stepMs }: { from: number; to: number; stepMs: number }): OpsSeries {
  const times = Array.from({ length: Math.max(0, Math.ceil((to - from) / stepMs)) }, (_, at) => from + at * stepMs);
  const steps = processes.flatMap(stepsOf);
  const byTime = Map.groupBy(steps, ({ at }) => Math.floor((at - from) / stepMs));
  const at = (place: number) => byTime.get(place) ?? [];
  const each = (value: (steps: readonly Step[]) => number | null): Values => times.map((_, place) => value(latest(at(place))));
  const total = (of: (step: Step) => number) => each((some) => (some.length === 0 ? null : sum(some.map(of))));
  const mean = (of: (step: Step) => number, per: (step: Step) => number) => each((some) => ratio(sum(some.map(of)), sum(some.map(per))));
  const worst = (of: (step: Step) => number) => each((some) => (some.length === 0 ? null : Math.max(...some.map(of))));
  const instances = [...new Set(processes.flatMap(([first]) => (first === undefined ? [] : [first.instance])))].toSorted((a, b) => a - b);
  return {
    times,
    players: total(({ after }) => after.sessions),
    tradesPerSecond: total(({ trades, seconds }) => trades / seconds),
    refusalsPerSecond: total(({ refusals, seconds }) => refusals / seconds),
    batchSize: mean(({ movements }) => movements, ({ commits }) => commits),
    queueWaitMs: mean(({ queueWaitSeconds }) => queueWaitSeconds * 1_000, ({ movements }) => movements),
    commitMs: mean(({ commitSeconds }) => commitSeconds * 1_000, ({ commits }) => commits),
    inDoubt: worst(({ after }) => after.inDoubt),
    boardLagMs: worst(({ after }) => after.boardLagMs),
    loopDelayMs: Object.fromEntries(instances.map((instance) => [String(instance), each((some) => some.find(({ after }) => after.instance === instance)?.after.loopDelayP99Ms ?? null)])),
  };
}

function stepsOf(samples: readonly ProcessSample[]): Step[] {
  return samples.flatMap((after, place) => {
    const before = samples[place - 1];
    if (before === undefined || after.at <= before.at) return [];
    const { totals } = after;
    const step: Step = {
      at: after.at,
      seconds: (after.at - before.at) / 1_000,
      after,
      trades: (totals.trades['settled'] ?? 0) - (before.totals.trades['settled'] ?? 0),
      refusals: sum(Object.values(totals.refusals)) - sum(Object.values(before.totals.refusals)),
      movements: totals.movements - before.totals.movements,
      commits: totals.commits - before.totals.commits,
      queueWaitSeconds: totals.queueWaitSeconds - before.totals.queueWaitSeconds,
      commitSeconds: totals.commitSeconds - before.totals.commitSeconds,
    };
    return step.trades < 0 || step.refusals < 0 || step.movements < 0 ? [] : [step];
  });
}

/** Of a process that said something twice within a step, the last. */
function latest(steps: readonly Step[]): Step[] {
  return [...new Map(steps.map((step) => [step.after.processId, step])).values()];
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const ratio = (value: number, per: number): number | null => (per > 0 ? value / per : null);
