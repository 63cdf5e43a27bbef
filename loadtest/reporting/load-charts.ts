import type { Chart, ChartView, Colour, RecordCharts, Series } from './chart-data.ts';
import { Columns, highest } from './columns.ts';
import { clockText, numberText } from './figure-text.ts';
import type { LoadRecord, Second } from './record.ts';

const COLOURS: readonly Colour[] = ['series-1', 'series-2', 'series-3', 'series-4', 'series-5', 'series-6', 'series-7', 'series-8'];
const colourOf = (at: number): Colour => COLOURS[at % COLOURS.length] ?? 'series-1';

/** The charts of a run. What was not measured there has none. */
export function chartsOf({ seconds, requests, faults }: LoadRecord): RecordCharts {
  const columns = new Columns(seconds);
  const kinds = [...new Set([...requests.map(({ kind }) => kind), ...seconds.flatMap((second) => Object.keys(second.requests))])];
  const processes = [...new Set(seconds.flatMap((second) => Object.keys(second.processes)))];
  const plain = (chart: Omit<Chart, 'scale' | 'views'>, series: Series[]): Chart => ({ ...chart, scale: 'linear', views: [{ name: '', summary: '', series }] });
  const one = (label: string, ...column: Parameters<Columns['column']>): Series[] => [{ label, colour: 'series-1', values: columns.column(...column) }];
  const each = (pick: (process: Second['processes'][string]) => number, ...merge: [typeof highest?]) =>
    processes.map((name, at) => ({ label: name, colour: colourOf(at), values: columns.column(({ processes }) => processes[name] && pick(processes[name]), ...merge) }));

  const charts = [
    plain({ id: 'throughput', title: 'Throughput', caption: 'requests answered per second, by kind', unit: '/s' }, throughput(columns, kinds)),
    latency(columns, kinds),
    plain({ id: 'cpu', title: 'CPU', caption: 'cores in use', unit: 'cores' }, cpu(columns)),
    plain({ id: 'memory', title: 'Resident memory', caption: 'MB, by server process', unit: 'MB' }, each(({ residentMb }) => residentMb)),
    plain({ id: 'loop-delay', title: 'Event-loop delay', caption: 'ms, p99, by server process', unit: 'ms' }, each(({ loopDelayP99Ms }) => loopDelayP99Ms, highest)),
    plain({ id: 'patches', title: 'Patches', caption: 'bytes per player and second', unit: 'B' }, one('patches', ({ patchBytesPerPlayer }) => patchBytesPerPlayer)),
    plain({ id: 'online', title: 'Players online', caption: 'at the end of each second', unit: 'players', isWhole: true }, one('online', ({ online }) => online)),
    plain({ id: 'redis-keys', title: 'Redis keys', caption: 'how many there are', unit: 'keys', isWhole: true }, one('keys', ({ redisKeys }) => redisKeys)),
    plain({ id: 'prepared', title: 'Prepared transactions', caption: 'between prepare and commit, over all shards', unit: 'prepared', isWhole: true }, one('prepared', ({ prepared }) => prepared, highest)),
  ];
  const drawn = charts.map((chart) => measured(chart)).filter(({ views }) => views.length > 0);
  for (const chart of drawn) for (const view of chart.views) view.summary = summaryOf(chart, view, columns.atS, faults.length);
  return { atS: columns.atS, pointS: columns.pointS, faults, charts: drawn };
}

function throughput(columns: Columns, kinds: readonly string[]): Series[] {
  const all = (outcome: 'refused' | 'failed') => columns.column(({ requests }) => Object.values(requests).reduce((sum, each) => sum + each[outcome], 0));
  const series: Series[] = kinds.map((kind, at) => ({ label: kind, colour: colourOf(at), values: columns.column(({ requests }) => requests[kind]?.answered ?? 0) }));
  // These two say something only where they are.
  const others: Series[] = [{ label: 'refused, of all kinds', colour: 'quiet', values: all('refused') }, { label: 'failed, of all kinds', colour: 'bad', values: all('failed') }];
  return [...series, ...others.filter(({ values }) => values.some(Boolean))];
}

function latency(columns: Columns, kinds: readonly string[]): Chart {
  // A logarithm has no zero, and a second in which nothing ended has no latency.
  const above0 = (value: number | undefined) => (value !== undefined && value > 0 ? value : null);
  const views = kinds.map((kind) => ({
    name: kind,
    summary: '',
    series: [
      { label: 'p50', colour: 'series-1' as const, values: columns.column(({ requests }) => above0(requests[kind]?.p50)) },
      { label: 'p95', colour: 'series-4' as const, values: columns.column(({ requests }) => above0(requests[kind]?.p95), highest) },
      { label: 'p99', colour: 'series-2' as const, values: columns.column(({ requests }) => above0(requests[kind]?.p99), highest) },
    ],
  }));
  return { id: 'latency', title: 'Latency', caption: 'ms, logarithmic', unit: 'ms', scale: 'log', views };
}

function cpu(columns: Columns): Series[] {
  const parts = ['servers', 'database', 'redis', 'bots'] as const;
  return parts.map((part, at) => ({ label: part, colour: colourOf(at), values: columns.column(({ cpu }) => cpu[part]) }));
}

/** Without the series, and the views, that nobody measured. */
function measured(chart: Chart): Chart {
  const views = chart.views.map((view) => ({ ...view, series: view.series.filter(({ values }) => values.some((value) => value !== null)) }));
  return { ...chart, views: views.filter(({ series }) => series.length > 0) };
}

function summaryOf({ title, caption, unit }: Chart, { name, series }: ChartView, atS: readonly number[], faults: number): string {
  const spans = series.map(({ label, values }) => {
    const there = values.filter((value) => value !== null);
    return `${label} between ${numberText(Math.min(...there))} and ${numberText(Math.max(...there))} ${unit}`;
  });
  const marks = faults === 0 ? '' : ` ${faults === 1 ? 'One fault is' : `${faults} faults are`} marked.`;
  return `${title}${name && ` of ${name}`}, ${caption}, over ${clockText((atS.at(-1) ?? 0) - (atS[0] ?? 0))}: ${spans.join('; ')}.${marks}`;
}
