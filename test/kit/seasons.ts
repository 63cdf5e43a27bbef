import assert from 'node:assert/strict';
import { Client, type QueryResultRow } from 'pg';
import type { BoardRows } from '../../schema/leaderboard.ts';
import { ranked, readBoards, storedScores, type Asked } from './boards.ts';
import { assertSoon } from './patience.ts';
import { until } from './player.ts';
import type { ShardHost } from './shard-host.ts';

const REGIONS = ['eu', 'us', 'asia'];

/** Which databases the seasons are on, and the servers over them. */
export interface SeasonSite {
  host: ShardHost;
  shards: string;
  servers: readonly Asked[];
}

interface SeasonRow {
  number: number;
  startedAt: string;
  closedAt: string | null;
  isEarly: boolean | null;
  archivedAfterMs: number | null;
  players: number | null;
}

/** The connection on which a test looks at the first shard, which decides about seasons, or stands in its way. */
export async function onFirstShard<Result>({ shards }: Pick<SeasonSite, 'shards'>, work: (query: <Row extends QueryResultRow>(text: string, values?: unknown[]) => Promise<Row[]>) => Promise<Result>): Promise<Result> {
  const client = new Client({ connectionString: shards.split(',')[0] });
  await client.connect();
  try {
    return await work(async <Row extends QueryResultRow>(text: string, values: unknown[] = []) => (await client.query<Row>(text, values)).rows);
  } finally {
    await client.end();
  }
}

export async function seasonsOf(site: Pick<SeasonSite, 'shards'>, board: string): Promise<SeasonRow[]> {
  return await onFirstShard(site, (query) =>
    query<SeasonRow & QueryResultRow>(
      `select number, started_at::text as "startedAt", closed_at::text as "closedAt", closed_at < ends_at as "isEarly",
        (extract(epoch from archived_at - closed_at) * 1000)::float8 as "archivedAfterMs", players::float8 as players
       from season where board = $1 order by number`,
      [board],
    ),
  );
}

/** Which season is open. */
export async function openSeason(site: Pick<SeasonSite, 'shards'>, board: string): Promise<number> {
  return (await seasonsOf(site, board)).find(({ closedAt }) => closedAt === null)?.number ?? 0;
}

/** None was closed twice, before its end, or skipped: each begins in the moment in which the one before it was closed. */
export async function assertClosedOnce(site: Pick<SeasonSite, 'shards'>, board: string): Promise<void> {
  const seasons = await seasonsOf(site, board);
  assert.deepEqual(seasons.map(({ number }) => number), seasons.map((_, at) => at + 1), 'no season is skipped');
  for (const [at, { number, closedAt, isEarly }] of seasons.entries()) {
    if (closedAt === null) continue;
    assert.equal(isEarly, false, `season ${number} was closed before its end`);
    assert.equal(seasons[at + 1]?.startedAt, closedAt, `season ${number} was closed once`);
  }
}

/**
 * What was answered, by season and player, is in exactly that season, in PostgreSQL and over HTTP, with the ranks of a plain sort;
 * and all those seasons are over and written down, soon.
 */
export async function assertInSeasons(site: SeasonSite, board: string, answered: ReadonlyMap<string, readonly unknown[]>, withinMs: number): Promise<void> {
  const numbers = [...answered.keys()].map((key) => Number(key.split(' ')[0]));
  const [from, last] = [Math.min(...numbers), Math.max(...numbers)];
  await until(async () => (await seasonsOf(site, board)).filter(({ number, archivedAfterMs }) => number <= last && archivedAfterMs !== null).length === last, withinMs, `season ${last} and all before it are written down`);
  const seasons = (await seasonsOf(site, board)).filter(({ number }) => number <= last);
  const players = new Set([...answered.keys()].map((key) => key.split(' ')[1]));
  const stored = await storedScores(site.host, site.shards, board);
  const found = stored.filter(({ playerId }) => players.has(playerId)).map(({ season, playerId, score }) => `${season} ${playerId}: ${score}`);
  assert.deepEqual(found.toSorted(), [...answered].map(([key, answers]) => `${key}: ${answers.length}`).toSorted(), 'each score is in the season that it was answered with');
  for (const { number, players, archivedAfterMs } of seasons.slice(from - 1)) {
    const scores = stored.filter(({ season }) => season === number);
    assert.equal(players, scores.length, `how many stood on the board in season ${number}`);
    assertSoon(archivedAfterMs ?? Infinity, withinMs, `writing down season ${number}`);
    for (const region of ['global', ...REGIONS]) {
      const rows = ranked(scores.filter((row) => region === 'global' || row.region === region));
      for (const server of site.servers) {
        assert.deepEqual(await readBoards(server, `/${board}?season=${number}&region=${region}`), { board, region, season: number, rows, missing: [] } satisfies BoardRows);
      }
    }
  }
  for (const server of site.servers) {
    const told = await readBoards<{ seasons: { number: number; players: number }[] }>(server, `/${board}/seasons`);
    assert.deepEqual(told.seasons.filter(({ number }) => number <= last).map(({ number, players }) => [number, players]), seasons.map(({ number, players }) => [number, players]).toReversed());
  }
  await assertClosedOnce(site, board);
}
