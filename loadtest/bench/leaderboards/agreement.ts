import { crc32 } from 'node:zlib';
import type { BoardSets, SetName, SetRow } from '../../../persistence/index.ts';
import type { PlayerId } from '../../../schema/ids.ts';
import type { BenchResult } from '../kit/bench.ts';
import { BOARD, REGIONS, type Stadium } from './stadium.ts';
import { whole } from './whole.ts';

const RANKS = 50;
const READ_AT_ONCE = 10_000;
/** Sums of checksums stay whole numbers. */
const SUM_BOUND = 2 ** 48;
const IN_ORDER = `select player, region, value::float8 as value from score where board = $1 and season = 1 order by value desc, player limit 100`;
const BETTER = 'select count(*)::float8 as better from score where board = $1 and season = 1 and value > (select $2::bigint)';

interface Checksum {
  count: number;
  sum: number;
}

/** What the sets hold and answer is what PostgreSQL says: every score, the top, and ranks. */
export async function agreement(stadium: Stadium, when: string): Promise<BenchResult[]> {
  const [held, stored] = [await sumsHeld(stadium), await sumsStored(stadium)];
  const all = [...stored.values()].reduce((sum, { count }) => sum + count, 0);
  const agreeing = REGIONS.filter((region) => held.get(region)?.count === stored.get(region)?.count && held.get(region)?.sum === stored.get(region)?.sum);
  const [top, wanted] = [await whole(() => stadium.leaderboards.top(BOARD)), await topStored(stadium)];
  const isSame = (at: number) => top.rows[at]?.playerId === wanted[at]?.player && top.rows[at]?.score === wanted[at]?.value;
  return [
    { what: `${when}: scores in regions whose set has PostgreSQL’s count and checksum, of all that PostgreSQL has`, ours: agreeing.reduce((sum, region) => sum + (held.get(region)?.count ?? 0), 0), ceiling: all, unit: 'scores', targets: [{ of: 'ratio', bound: 'exactly', value: 1 }] },
    { what: `${when}: rows of the top 100 that are PostgreSQL’s`, ours: wanted.filter((_, at) => isSame(at)).length, ceiling: wanted.length, unit: 'rows', targets: [{ of: 'ratio', bound: 'exactly', value: 1 }] },
    { what: `${when}: ranks of players drawn that are what PostgreSQL counts`, ...(await ranks(stadium)), unit: 'ranks', targets: [{ of: 'ratio', bound: 'exactly', value: 1 }] },
  ];
}

async function sumsHeld(stadium: Stadium): Promise<Map<string, Checksum>> {
  const sums = new Map<string, Checksum>();
  for (const region of REGIONS) for await (const row of rowsOf(stadium.sets, stadium.setName(region, 'best', BOARD))) add(sums, region, row);
  return sums;
}

/** All of a set, from window to window. */
async function* rowsOf(sets: BoardSets, name: SetName): AsyncGenerator<SetRow> {
  let rows = (await sets.tops([{ name, limit: READ_AT_ONCE }]))[0] ?? [];
  for (;;) {
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined) return;
    const around = (await sets.around(name, last, READ_AT_ONCE))?.rows ?? [];
    rows = around.slice(around.findIndex(({ player }) => player === last.player) + 1);
  }
}

async function sumsStored({ economy }: Stadium): Promise<Map<string, Checksum>> {
  const sums = new Map<string, Checksum>();
  await economy.storage.scoreScan.all(BOARD, 1, async (scores) => {
    for (const { region, ...row } of scores) add(sums, region, row);
  });
  return sums;
}

function add(sums: Map<string, Checksum>, region: string, { player, value }: SetRow): void {
  const held = sums.get(region) ?? { count: 0, sum: 0 };
  sums.set(region, { count: held.count + 1, sum: (held.sum + crc32(`${player} ${value}`)) % SUM_BOUND });
}

async function topStored({ economy }: Stadium): Promise<{ player: PlayerId; value: number }[]> {
  const found = await Promise.all(economy.shards.map(async ({ pool }) => (await pool.query<{ player: PlayerId; value: number }>(IN_ORDER, [BOARD])).rows));
  return found.flat().toSorted((a, b) => b.value - a.value || (a.player < b.player ? -1 : 1)).slice(0, 100);
}

async function ranks({ economy, leaderboards, drawn }: Stadium): Promise<{ ours: number; ceiling: number }> {
  const some = drawn.flat();
  const players = Array.from({ length: RANKS }, (_, at) => some[Math.floor((at * some.length) / RANKS)]?.player as PlayerId);
  let right = 0;
  for (const player of players) {
    const { rank, score } = await whole(() => leaderboards.place(BOARD, player));
    const better = await Promise.all(economy.shards.map(async ({ pool }) => (await pool.query<{ better: number }>(BETTER, [BOARD, score])).rows[0]?.better ?? 0));
    if (rank === 1 + better.reduce((sum, count) => sum + count, 0)) right++;
  }
  return { ours: right, ceiling: players.length };
}
