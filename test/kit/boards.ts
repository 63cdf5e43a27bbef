import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import type { BoardPlace, BoardRow, BoardRows } from '../../schema/leaderboard.ts';
import type { SubmitScoreAnswer } from '../../schema/messages/service.ts';
import type { RefusalReply } from '../../schema/refusals.ts';
import { patient } from './patience.ts';
import { commandId, service, until } from './player.ts';
import type { TestServer } from './server.ts';
import type { ShardHost } from './shard-host.ts';

/** What a server is asked by. */
export type Asked = Pick<TestServer, 'url' | 'serviceKey'>;

/** The catalogue with these boards, each in YAML, in place of its own; and nothing cools down. */
export function writeCatalog(file: string, boards: readonly string[]): void {
  const [before = ''] = readFileSync('catalog.yaml', 'utf8').split(/^boards:$/m);
  writeFileSync(file, `${before.replaceAll(/cooldownMs: \d+/g, 'cooldownMs: 0')}boards:\n${boards.map((board) => `  - ${board}\n`).join('')}`);
}

export type Submitted = { status: number; body: SubmitScoreAnswer & RefusalReply };

/** @returns nothing when the connection ended first */
export async function submit(server: Asked, board: string, playerId: string, score: number, id = commandId()): Promise<Submitted | undefined> {
  return await service(server)
    .call<SubmitScoreAnswer & RefusalReply>('POST', '/scores', { commandId: id, board, playerId, score })
    .catch(() => undefined);
}

/** Submits a score that must be taken. @returns what the player has then */
export async function add(server: Asked, board: string, playerId: string, score: number, id = commandId()): Promise<number> {
  const submitted = await submit(server, board, playerId, score, id);
  assert.equal(submitted?.status, 200, JSON.stringify(submitted?.body));
  return submitted.body.score;
}

/** `/arena`, `/arena?region=eu`, `/arena/players/…`: what anyone may read. */
export async function readBoards<Body = BoardRows>({ url }: Pick<Asked, 'url'>, path: string): Promise<Body> {
  const response = await fetch(`${url}/leaderboards${path}`);
  const body = (await response.json()) as Body;
  assert.equal(response.status, 200, JSON.stringify(body));
  return body;
}

/** The score that a board shows of a player; null without one. */
export async function shownScore(server: Pick<Asked, 'url'>, board: string, playerId: string): Promise<number | null> {
  return (await readBoards<BoardPlace>(server, `/${board}/players/${playerId}`)).score;
}

/** A score as PostgreSQL has it, in a season that is open, or written down. */
export interface Stored extends Omit<BoardRow, 'rank'> {
  season: number;
}

const STORED = `select s.player as "playerId", p.name, s.season, s.region, s.value::float8 as score from (
    select player, board, season, region, value from score union all select player, board, season, region, value from score_result) s
  join player p on p.id = s.player where s.board = $1`;

export async function storedScores(host: ShardHost, shards: string, board: string): Promise<Stored[]> {
  return (await host.onEach<Stored>(shards, STORED, [board])).flat();
}

/** Rows by a plain sort, equal scores sharing a rank: 1, 1, 3. */
export function ranked(scores: readonly Omit<BoardRow, 'rank'>[]): BoardRow[] {
  const sorted = scores.toSorted((a, b) => b.score - a.score || (a.playerId < b.playerId ? -1 : 1));
  return sorted.map(({ playerId, name, score, region }) => ({ rank: 1 + sorted.filter((other) => other.score > score).length, playerId, name, score, region }));
}

/** Every server shows a board without seasons as PostgreSQL has it, everywhere and in each region, soon. */
export async function assertShows(servers: readonly Asked[], { host, shards }: { host: ShardHost; shards: string }, board: string, withinMs: number, regions: readonly string[] = []): Promise<void> {
  const stored = await storedScores(host, shards, board);
  const of = (region: string) => ranked(region === 'global' ? stored : stored.filter((row) => row.region === region)).slice(0, 100);
  const wanted = ['global', ...regions].map((region) => ({ board, region, season: 1, rows: of(region), missing: [] }));
  const deadline = performance.now() + patient(withinMs);
  for (const server of servers) {
    for (const one of wanted) {
      let found: BoardRows | undefined;
      const look = async () => (found = await readBoards(server, `/${board}?region=${one.region}`).catch(() => undefined));
      const isShown = async () => JSON.stringify(await look()) === JSON.stringify(one);
      await until(isShown, Math.max(0, deadline - performance.now()) / patient(1), `${server.url} shows ${one.region}`).catch(() => undefined);
      assert.deepEqual(found, one, `the board of ${server.url} is not what PostgreSQL has: ${JSON.stringify(found)?.slice(0, 300)}`);
    }
  }
}
