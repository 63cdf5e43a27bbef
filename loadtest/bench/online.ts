import { startBare, startOurs } from './sockets/game-server.ts';
import type { Bench, BenchResult, Target } from './kit/bench.ts';
import { median, medians } from './kit/measure.ts';
import { isTold } from './kit/rate.ts';
import { climb, type Step } from './online/climb.ts';
import { carried, P99_MS_MAX, PATCHES_MIN } from './online/limit.ts';

/** Ten a second. */
const PATCH_INTERVAL_MS = 100;
const PLAYERS_MAX = 3_000;
const STEP = 500;
const SHOWN: ReadonlySet<number> = new Set([500, 1_000, 2_000, 3_000]);
/** A climb is minutes of joins; what the rounds add is the length of each measurement. */
const CLIMBS_MAX = 3;

/** Below, it is what the collector has not yet looked at. */
const MEMORY_TOLD_FROM = 1_000;
const MORE_MEMORY: readonly Target[] = [{ of: 'ratio', bound: 'at most', value: 1.3 }];
const AS_MANY: readonly Target[] = [{ of: 'ratio', bound: 'at least', value: 0.9 }];

type Side = 'ours' | 'ceiling';

/** Players who are in their own room and in a zone, and walk: what that costs the server, and how many it carries. */
export const online: Bench = {
  name: 'online',
  title: 'Players online, who all walk in zones of 100 at ten patches a second, against Colyseus with the same state and no accounts, sessions, economy or storage (server, PostgreSQL and players on this machine)',
  defaults: { playersMax: PLAYERS_MAX },
  async run({ rounds, playersMax, roundMs }) {
    const sizes = [...Array.from({ length: Math.ceil(playersMax / STEP) - 1 }, (_, at) => (at + 1) * STEP), playersMax];
    const common = { patchIntervalMs: PATCH_INTERVAL_MS, sizes, listenMs: rounds * roundMs };
    const climbs: Record<Side, Step[][]> = { ours: [], ceiling: [] };
    const sides: [Side, () => Promise<Step[]>][] = [
      ['ours', () => climb(() => startOurs({ PATCH_INTERVAL_MS: String(PATCH_INTERVAL_MS) }), { ...common, signsIn: true })],
      ['ceiling', () => climb(() => startBare(new URL('./online/bare-rooms.ts', import.meta.url), [String(PATCH_INTERVAL_MS)]), { ...common, signsIn: false })],
    ];
    for (let round = 0; round < Math.min(rounds, CLIMBS_MAX); round++) {
      for (const [side, go] of round % 2 === 0 ? sides : sides.toReversed()) climbs[side].push(await go());
    }
    return rows(climbs, sizes.filter((players) => SHOWN.has(players) || players === playersMax));
  },
};

function rows(climbs: Record<Side, Step[][]>, shown: readonly number[]): BenchResult[] {
  const at = (side: Side, players: number) => medians(climbs[side].flat().filter((step) => step.players === players));
  const limit = (side: Side) => median(climbs[side].map(carried));
  return [
    ...shown.flatMap((players) => rowsAt(players, at('ours', players), at('ceiling', players))),
    {
      what: `players who are served, of ${shown.at(-1)?.toLocaleString('en')}: ${PATCHES_MIN} patches a second, and a move seen within ${P99_MS_MAX} ms (p99)`,
      ours: limit('ours'), ceiling: limit('ceiling'), unit: 'players', targets: AS_MANY,
    },
  ].filter(isTold);
}

function rowsAt(players: number, ours: Step, bare: Step): BenchResult[] {
  const row = (what: string, figure: keyof Step & string, unit: string, targets?: readonly Target[]): BenchResult => ({
    what: `${players.toLocaleString('en')} players: ${what}`, ours: ours[figure] ?? Number.NaN, ceiling: bare[figure] ?? Number.NaN, unit, ...(targets && { targets }),
  });
  const kilobytes = ({ ours, ceiling, ...others }: BenchResult): BenchResult => ({ ...others, ours: ours / 1024, ceiling: ceiling / 1024 });
  return [
    row('patches that a client gets, against a bare server’s', 'patches', 'patches/s'),
    row('until a move is seen by who made it, p50', 'p50', 'ms'),
    row('until a move is seen by who made it, p99', 'p99', 'ms'),
    row("the server process's CPU", 'serverMs', 'ms/player/s'),
    kilobytes(row("the server process's memory", 'bytesEach', 'KB/player', players >= MEMORY_TOLD_FROM ? MORE_MEMORY : undefined)),
    row('how late its event loop is, p99', 'lateMs', 'ms'),
    row("the server process's CPU, in all", 'server', 'cores'),
    row("the players' own CPU", 'bots', 'cores'),
    { what: `${players.toLocaleString('en')} players: PostgreSQL's CPU, against our server process's`, ours: ours.postgres, ceiling: ours.server, unit: 'cores' },
  ];
}
