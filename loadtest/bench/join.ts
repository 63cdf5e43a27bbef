import { Lobby } from './join/lobby.ts';
import type { Bench, BenchResult, Target } from './kit/bench.ts';
import { inTurn, quantile } from './kit/measure.ts';

const LISTED_MAX = 10_000;
const JOINS = 100;
const [FEW, SOME] = [10, 1_000] as const;

const shareMax = (value: number): Target[] => [{ of: 'ratio', bound: 'at most', value }];

/** What a join of a public zone costs while players have private rooms: our driver against the stock RedisDriver. */
export const join: Bench = {
  name: 'join',
  title: 'joinOrCreate("zone") over HTTP, one at a time, while players’ rooms are listed: our driver against the stock RedisDriver (each in a Colyseus server with a Redis of its own)',
  async run({ rounds, playersMax }) {
    const listings = [FEW, SOME, Math.min(LISTED_MAX, playersMax)];
    const lobbies: Lobby[] = [];
    try {
      for (const driver of ['ours', 'stock'] as const) lobbies.push(await Lobby.open(driver));
      const [ours, stock] = lobbies as [Lobby, Lobby];
      const measured = new Map<number, Record<'ours' | 'ceiling', { p50: number; bytes: number }>>();
      for (const listed of listings) {
        for (const lobby of lobbies) {
          await lobby.list(listed);
          await lobby.joins(JOINS); // warm
        }
        measured.set(listed, await inTurn(rounds, { ours: () => joined(ours), ceiling: () => joined(stock) }));
      }
      return rows(measured, listings);
    } finally {
      for (const lobby of lobbies) await lobby.close();
    }
  },
};

async function joined(lobby: Lobby): Promise<{ p50: number; bytes: number }> {
  const before = await lobby.bytesRead();
  const tookMs = await lobby.joins(JOINS);
  return { p50: quantile(tookMs, 0.5), bytes: ((await lobby.bytesRead()) - before) / JOINS };
}

function rows(measured: ReadonlyMap<number, Record<'ours' | 'ceiling', { p50: number; bytes: number }>>, listings: readonly number[]): BenchResult[] {
  const many = listings.at(-1) ?? LISTED_MAX;
  const figure = (listed: number, who: 'ours' | 'ceiling', what: 'p50' | 'bytes') => measured.get(listed)?.[who][what] ?? Number.NaN;
  const players = (listed: number) => `${listed.toLocaleString('en')} player rooms listed`;
  const growth = (who: 'ours' | 'ceiling') => ({ ours: figure(many, who, 'p50'), ceiling: figure(FEW, who, 'p50'), unit: 'ms' });
  return [
    ...listings.map((listed) => ({ what: `${players(listed)}: a join, p50, against the stock driver`, ours: figure(listed, 'ours', 'p50'), ceiling: figure(listed, 'ceiling', 'p50'), unit: 'ms' })),
    ...listings.map((listed) => ({ what: `${players(listed)}: what Redis answers for a join, against the stock driver`, ours: figure(listed, 'ours', 'bytes'), ceiling: figure(listed, 'ceiling', 'bytes'), unit: 'bytes' })),
    { what: `p50 with ${players(many)} against ${FEW}, our driver`, ...growth('ours'), targets: shareMax(2) },
    { what: `p50 with ${players(many)} against ${FEW}, the stock driver`, ...growth('ceiling') },
  ];
}
