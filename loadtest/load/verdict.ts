import type { Headline, LoadRecord, RequestTotals, Second } from '../reporting/record.ts';

/** What a mix brings about by itself: two want the same thing at the same moment, or one offers at once what it does not yet see that it gave away. */
const PROVOKED: Readonly<Record<string, readonly string[]>> = { gather: ['NOT_READY'], 'trade:offer': ['NOT_OWNER', 'INSUFFICIENT'] };
/** What a process that dies may leave its players with, beside requests without an answer. */
const PROVOKED_BY_KILLS: ReadonlySet<string> = new Set(['BUSY', 'TRADE_NOT_FOUND', 'TRADE_CLOSED', 'TRADE_STALE', 'SESSION_REPLACED', 'CONCURRENT_MODIFICATION', 'GUILD_NOT_FOUND']);
/** By how much the last third of a long run may have more than the second. */
const GROWTH_MAX = 0.05;
/** Shorter runs warm up for most of the time. */
const STEADY_MIN_S = 600;

type Judged = Pick<LoadRecord, 'requests' | 'audit' | 'seconds' | 'faults' | 'settings'>;

/** What must not be, in a line each. */
export function violationsOf({ requests, audit, seconds, faults, settings, left }: Judged & { left: number }): string[] {
  const struck = faults.length > 0;
  const isProvoked = (kind: string, code: string) => PROVOKED[kind]?.includes(code) === true || (struck && PROVOKED_BY_KILLS.has(code));
  return [
    ...requests.flatMap(({ kind, refusals, failures }) => [
      ...Object.entries(refusals).filter(([code]) => !isProvoked(kind, code)).map(([code, count]) => `${kind}: ${count} times ${code}`),
      ...(struck ? [] : Object.entries(failures).map(([said, count]) => `${kind}: ${count} times ${said}`)),
    ]),
    ...audit.filter(({ holds }) => !holds).map(({ invariant }) => `the audit is red: ${invariant}`),
    ...(left > 0 ? [`${left} transactions are still prepared`] : []),
    ...(settings.durationS >= STEADY_MIN_S && !struck ? growthOf(seconds) : []),
  ];
}

/** Memory, handles and keys that grow for as long as somebody plays. */
function growthOf(seconds: readonly Second[]): string[] {
  const series: [string, (second: Second) => number][] = [
    ['memory of the server processes', ({ processes }) => sum(Object.values(processes).map(({ residentMb }) => residentMb))],
    ['heap of the server processes', ({ processes }) => sum(Object.values(processes).map(({ heapMb }) => heapMb))],
    ['handles of the server processes', ({ processes }) => sum(Object.values(processes).map(({ handles }) => handles))],
    ['keys in Redis', ({ redisKeys }) => redisKeys ?? Number.NaN],
  ];
  return series.flatMap(([what, of]) => {
    const { second, last } = thirds(seconds.map(of));
    const growth = last / second - 1;
    return growth > GROWTH_MAX ? [`${what} grow by ${(growth * 100).toFixed(1)} % from the second third to the last: ${second.toFixed(0)} to ${last.toFixed(0)}`] : [];
  });
}

/** The means of the second and of the last third. */
export function thirds(values: readonly number[]): { second: number; last: number } {
  const known = values.filter(Number.isFinite);
  const third = Math.floor(known.length / 3);
  return { second: mean(known.slice(third, 2 * third)), last: mean(known.slice(2 * third)) };
}

export function headlinesOf({ requests, seconds }: Pick<LoadRecord, 'requests' | 'seconds'>): Headline[] {
  const of = (kind: string): RequestTotals | undefined => requests.find((one) => one.kind === kind);
  const [settled, move] = [of('trade settled'), of('move')];
  const steady = seconds.slice(Math.floor(seconds.length / 3));
  const servers = mean(steady.map(({ cpu }) => cpu.servers ?? Number.NaN).filter(Number.isFinite));
  const residentMb = ({ processes }: Second) => sum(Object.values(processes).map((process) => process.residentMb));
  // Above what they had before anybody came.
  const memoryMb = mean(steady.map(residentMb).filter(Number.isFinite)) - (seconds[0] === undefined ? Number.NaN : residentMb(seconds[0]));
  const online = mean(steady.map((second) => second.online));
  return [
    { label: 'players online', value: Math.max(...seconds.map((second) => second.online)), unit: 'players' },
    { label: 'requests answered', value: sum(requests.map(({ perSecond }) => perSecond)), unit: '/s' },
    ...(settled ? [{ label: 'a trade settled in, p99', value: settled.p99, unit: 'ms' }] : []),
    ...(move ? [{ label: 'a walk shown in, p99', value: move.p99, unit: 'ms' }] : []),
    ...(Number.isFinite(servers) ? [{ label: 'CPU of all server processes', value: servers, unit: 'cores' }] : []),
    ...(Number.isFinite(memoryMb) ? [{ label: 'memory of the servers per player', value: memoryMb / online, unit: 'MB' }] : []),
  ];
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;
