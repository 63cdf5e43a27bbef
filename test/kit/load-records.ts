import type { BenchRecord, LoadRecord, Latencies, Machine, Second } from '../../loadtest/reporting/record.ts';

const MACHINE: Machine = { cpus: 2, model: 'A processor of no name', memoryMb: 16_000, node: 'v24.0.0', system: 'Linux 6.1 x64' };
const PER_SECOND: Record<string, number> = { move: 610, gather: 240, 'trade:accept': 82, 'trade:offer': 96, 'guild:deposit': 40, 'board:top': 31 };
const P50_MS: Record<string, number> = { move: 0.9, gather: 4.2, 'trade:accept': 8.5, 'trade:offer': 2.1, 'guild:deposit': 11, 'board:top': 1.6 };
const FAULTS = [{ atS: 60, what: 'the second server process killed (kill -9)' }, { atS: 120, what: 'Redis emptied' }, { atS: 180, what: 'PostgreSQL restarted' }];

/** A run that nobody made: waves that look like one, the same each time, with what faults do to it. */
export function loadRecord({ profile = 'city', lengthS = 240, ...others }: Partial<LoadRecord> & { lengthS?: number } = {}): LoadRecord {
  return {
    kind: 'load',
    profile,
    title: 'Five hundred players in one city: they walk, gather, trade and meet in guilds while servers are killed.',
    startedAt: '2026-11-28T20:15:00.000Z',
    machine: MACHINE,
    settings: { bots: 500, botProcesses: 2, durationS: lengthS, processes: 2, shards: 3, seed: 7, everyMs: 450, mix: { move: 0.55, gather: 0.22, trade: 0.16, guild: 0.04, board: 0.03 } },
    seconds: Array.from({ length: lengthS }, (_, atS) => secondOf(atS)),
    requests: Object.keys(PER_SECOND).map((kind) => totalsOf(kind, lengthS)),
    faults: FAULTS,
    audit: ['conservation', 'one owner', 'provenance', 'both legs', 'bounds', 'versions', 'nothing left open'].map((invariant) => ({ invariant, holds: true })),
    violations: [],
    headlines: [
      { label: 'requests answered', value: 1_099, unit: '/s' },
      { label: 'trades settled', value: 41.2, unit: '/s' },
      { label: 'p99 of a trade’s acceptance', value: 38.4, unit: 'ms' },
      { label: 'players at a time', value: 500, unit: '' },
      { label: 'a player costs', value: 612, unit: 'B/s' },
    ],
    ...others,
  };
}

export function benchRecord(others: Partial<BenchRecord> = {}): BenchRecord {
  const result = (what: string, ours: number, ceiling: number, unit: string, ...targets: BenchRecord['results'][number]['targets']) => ({ what, ours, ceiling, ratio: ours / ceiling, unit, targets });
  return {
    kind: 'bench',
    name: 'trades',
    title: 'One item against one item and gold, 10,000 players with 100 items: two offers, two acceptances and the settlement, against a hand-written loop that only settles',
    startedAt: '2026-11-28T21:00:00.000Z',
    machine: MACHINE,
    rounds: 5,
    results: [
      result('whole trades, 1,000 in flight, against the loop by hand', 7_412, 9_803, '/s', { text: 'ratio ≥ 0.7', isMet: true }),
      result('one trade alone, p50, against the same by hand', 2.31, 1.62, 'ms', { text: 'ratio ≤ 1.5', isMet: true }, { text: 'ours ≤ 2', isMet: false }),
      result('settlements against the ORM’s unit of work', 7_412, 782, '/s'),
      result('of what was not measured', Number.NaN, Number.NaN, 'ms'),
    ],
    ...others,
  };
}

/** What a fault leaves of the work for some seconds. */
const left = (atS: number): number => FAULTS.reduce((rest, fault) => (atS >= fault.atS && atS < fault.atS + 5 ? rest * (0.2 + 0.16 * (atS - fault.atS)) : rest), 1);
const wave = (atS: number, phase: number): number => 1 + 0.06 * Math.sin(atS / 7 + phase) + 0.04 * Math.sin(atS * 1.7 + phase * 3);
const ramp = (atS: number): number => Math.min(1, (atS + 1) / 20);

function latenciesOf(kind: string, atS: number, phase: number): Latencies {
  const answered = Math.round((PER_SECOND[kind] ?? 0) * ramp(atS) * left(atS) * wave(atS, phase));
  const p50 = (P50_MS[kind] ?? 1) * wave(atS, phase + 1) * (1 + 30 * (1 - left(atS)));
  const failed = left(atS) < 0.5 ? Math.round(answered / 20) : 0;
  return { answered, refused: Math.round(answered / 60), failed, p50, p95: p50 * 2.4, p99: p50 * 4.1 * wave(atS, phase + 2), max: p50 * 9 };
}

function secondOf(atS: number): Second {
  const isDown = atS >= 60 && atS < 66;
  const busy = ramp(atS) * left(atS);
  const process = (phase: number) => ({ residentMb: 148 + 26 * ramp(atS / 4) * wave(atS, phase), heapMb: 80, handles: 260, loopDelayP99Ms: 11 + 3 * wave(atS, phase) + 60 * (1 - left(atS)) });
  return {
    atS,
    online: Math.round(500 * ramp(atS) * (isDown ? 0.5 : 1)),
    requests: Object.fromEntries(Object.keys(PER_SECOND).map((kind, phase) => [kind, latenciesOf(kind, atS, phase)])),
    cpu: { servers: 0.92 * busy * wave(atS, 1), database: 0.41 * busy * wave(atS, 2), redis: 0.07 * busy, bots: 0.44 * busy * wave(atS, 3) },
    processes: { 'server 1': process(0), ...(isDown ? {} : { 'server 2': process(2) }) },
    patchBytesPerPlayer: 610 * busy * wave(atS, 2),
    redisKeys: atS >= 120 && atS < 123 ? 90 : Math.round(1_640 * ramp(atS)),
    prepared: Math.round(2 * busy * wave(atS * 5, 4)),
  };
}

function totalsOf(kind: string, lengthS: number): LoadRecord['requests'][number] {
  const perSecond = PER_SECOND[kind] ?? 0;
  const p50 = P50_MS[kind] ?? 1;
  const isTrade = kind.startsWith('trade');
  return {
    kind, perSecond, answered: Math.round(perSecond * lengthS), refused: isTrade ? 320 : 0, failed: isTrade ? 6 : 0, p50, p95: p50 * 2.4, p99: p50 * 4.1, max: p50 * 40,
    refusals: isTrade ? { TRADE_STALE: 251, NOT_OWNER: 69 } : {},
    failures: isTrade ? { 'the connection was lost': 6 } : {},
  };
}
