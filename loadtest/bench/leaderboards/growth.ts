import type { PlayerId } from '../../../schema/ids.ts';
import { GLOBAL } from '../../../schema/leaderboard.ts';
import type { BenchOptions, BenchResult } from '../kit/bench.ts';
import { medians, quantile } from '../kit/measure.ts';
import type { BoardSize } from './bulk-scores.ts';
import type { Stadium } from './stadium.ts';

const EACH = 200;
const RADIUS = 5;
const SOME = `select player from score where board = $1 limit ${EACH}`;

/** What reads cost by how many players a board has, each asked alone and in turn with the same of the other boards. */
export async function growth(stadium: Stadium, { rounds }: BenchOptions): Promise<BenchResult[]> {
  const { leaderboards } = stadium;
  const boards = await Promise.all(stadium.boards.map(async (board) => ({ ...board, some: await someOf(stadium, board) })));
  const questions: Record<string, (board: string, player: PlayerId) => Promise<unknown>> = {
    rank: (board, player) => leaderboards.place(board, player),
    [`${2 * RADIUS + 1} rows around a player`]: (board, player) => leaderboards.around(board, player, GLOBAL, RADIUS),
    'top 100': (board) => leaderboards.top(board),
  };
  const results: BenchResult[] = [];
  for (const [what, ask] of Object.entries(questions)) {
    const measured: Record<string, number>[] = [];
    for (let round = 0; round < rounds; round++) {
      const tookMs = new Map(boards.map(({ name }) => [name, [] as number[]]));
      for (let turn = 0; turn < EACH; turn++) {
        for (const { name, some } of turn % 2 === 0 ? boards : boards.toReversed()) {
          const player = some[turn % some.length] as PlayerId;
          const began = performance.now();
          await ask(name, player);
          tookMs.get(name)?.push(performance.now() - began);
        }
      }
      measured.push(Object.fromEntries([...tookMs].map(([name, took]) => [name, quantile(took, 0.5)])));
    }
    const p50s = medians(measured);
    const smallest = boards.at(-1) as BoardSize;
    for (const { name, players } of boards.slice(0, -1).toReversed()) {
      results.push({ what: `${what} over ten regions, ${players.toLocaleString('en')} players, against ${smallest.players.toLocaleString('en')}, one at a time, p50`, ours: p50s[name] ?? Number.NaN, ceiling: p50s[smallest.name] ?? Number.NaN, unit: 'ms' });
    }
  }
  return results;
}

async function someOf({ economy }: Stadium, { name }: BoardSize): Promise<PlayerId[]> {
  const found = await Promise.all(economy.shards.map(async ({ pool }) => (await pool.query<{ player: PlayerId }>(SOME, [name])).rows));
  return found.flat().map(({ player }) => player);
}
