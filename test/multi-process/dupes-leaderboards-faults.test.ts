import assert from 'node:assert/strict';
import path from 'node:path';
import { shardOfSlot, slotOf } from '../../persistence/slots.ts';
import type { BoardPlace, BoardRows } from '../../schema/leaderboard.ts';
import { add, assertShows, ranked, readBoards, shownScore, storedScores, submit, writeCatalog } from '../kit/boards.ts';
import { assertAuditGreen } from '../kit/economy.ts';
import { startFleet, type Fleet } from '../kit/fleet.ts';
import { quietly } from '../kit/login.ts';
import { loseCommits } from '../kit/lost-commits.ts';
import { assertGoesRed, makeMutant, withMutant, type Mutant } from '../kit/mutant.ts';
import { commandId, service, signIn, until } from '../kit/player.ts';
import { MortalRedis } from '../kit/redis-host.ts';
import { ScoreTraffic } from '../kit/score-traffic.ts';
import { assertClosedOnce, assertInSeasons, onFirstShard, openSeason, seasonsOf, type SeasonSite } from '../kit/seasons.ts';
import type { TestServer } from '../kit/server.ts';
import { startShardHost, type ShardHost } from '../kit/shard-host.ts';
import { startShardsCommand } from '../kit/shards-command.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';

/** From when Redis is back until the boards are, and from a season's close until its places are written. */
const BACK_WITHIN_MS = 10_000;
const SEASON_MAX_MS = 15_000;
/** Until so many scores have come, on a machine that does other things too. */
const FLOWS_WITHIN_MS = 20_000;
/** Many processes are started. */
const START_MAX_MS = 120_000;
/** For what never comes. */
const NEVER_MS = 1_000;
/** What an answer without a region may take, and what a machine that does other things too adds to it. */
const ANSWER_MAX_MS = 250;
const SLOWNESS_MS = 500;
const FLOW = 60;
const REGIONS = ['eu', 'us', 'asia'] as const;
const BOARDS = [
  '{ name: total, title: Total, rule: sum }',
  "{ name: sprint, title: Sprint, rule: sum, season: '*/2 * * * * *' }",
  "{ name: yearly, title: Yearly, rule: sum, season: '0 0 1 1 *' }",
  '{ name: wealth, title: Wealth, rule: latest, source: wealth }',
];
/** See score-statements.ts. */
const SEASON_LOCK = 7_203_454;
/** Any other. */
const HELD_LOCK = 42;

const SHARDS = 4;
const shardOf = (key: string) => shardOfSlot(slotOf(key), SHARDS);

/** Processes on databases of their own. The region `us` has a Redis of its own, the others share that of the processes. */
interface Site extends SeasonSite {
  fleet: Fleet;
  servers: TestServer[];
  redis: MortalRedis;
  us: MortalRedis;
}

async function startSite(host: ShardHost, env: Record<string, string>, processes: number, root?: string): Promise<Site> {
  const [redis, us, shards] = await Promise.all([MortalRedis.start(), MortalRedis.start(), host.freshShards()]);
  try {
    const fleet = await startFleet({ processes, redis, shards, env: { LEADERBOARD_URLS: `us=${us.url}`, ...env }, ...(root !== undefined && { root }) });
    return { host, shards, fleet, servers: fleet.servers, redis, us };
  } catch (error) {
    await Promise.all([redis.stop(), us.stop()]);
    throw error;
  }
}

async function signUp({ servers }: Pick<Site, 'servers'>, count: number): Promise<string[]> {
  return await Promise.all(Array.from({ length: count }, async (_, at) => (await signIn(servers[at % servers.length]!.url, `P${at}`, REGIONS[at % REGIONS.length])).id));
}

/** 29: scores come through all processes while seasons are closed, and whatever else happens. */
async function acrossSeasons(at: Site, seasons: number, meanwhile: readonly (() => Promise<unknown>)[] = []): Promise<void> {
  const { shards, servers } = at;
  const traffic = new ScoreTraffic({ servers: [...servers], board: 'sprint', players: await signUp(at, 12) });
  try {
    await traffic.flows(FLOW, FLOWS_WITHIN_MS, 'scores come');
    const from = await openSeason({ shards }, 'sprint');
    for (let turn = 1; turn <= seasons; turn++) {
      await until(async () => (await openSeason({ shards }, 'sprint')) >= from + turn, SEASON_MAX_MS, `season ${from + turn} is open`);
      await meanwhile[turn - 1]?.();
      await traffic.flows(FLOW / 4, FLOWS_WITHIN_MS, 'scores go on');
    }
  } finally {
    await traffic.stop();
  }
  traffic.assertAnsweredOnce();
  await assertInSeasons(at, 'sprint', traffic.answered, SEASON_MAX_MS);
}

/** 29: a score is being recorded, and not committed yet, when its season is over. */
async function recordedMeanwhile({ shards, servers: [server] }: Site): Promise<void> {
  let player = '';
  // Of the first shard, whose season is closed first.
  while (player === '' || (await service(server!).player(player)).shard !== 0) player = (await signIn(server!.url)).id;
  await onFirstShard({ shards }, async (query) => {
    await query(`create function hold_score() returns trigger language plpgsql set lock_timeout = 0 as
      $$ begin if new.player = '${player}' then perform pg_advisory_xact_lock(${HELD_LOCK}); end if; return new; end $$`);
    await query('create trigger hold_score before insert on score for each row execute function hold_score()');
    await query(`select pg_advisory_lock(${HELD_LOCK})`);
    const waiting = async (lock: number) => (await query(`select from pg_locks where locktype = 'advisory' and not granted and objid = $1`, [lock])).length;
    const isArchived = async () => (await seasonsOf({ shards }, 'yearly')).some(({ number, archivedAfterMs }) => number === season && archivedAfterMs !== null);
    const season = await openSeason({ shards }, 'yearly');
    const submitted = add(server!, 'yearly', player, 1);
    await until(async () => (await waiting(HELD_LOCK)) === 1, SEASON_MAX_MS, 'the score is being recorded');
    await query(`update season set ends_at = now() where board = 'yearly' and closed_at is null`);
    // Whoever closes it waits for the score; where nobody does, it is over and written down meanwhile.
    await until(async () => (await waiting(SEASON_LOCK)) > 0 || (await isArchived()), SEASON_MAX_MS, 'the season is about to be closed');
    await query(`select pg_advisory_unlock(${HELD_LOCK})`);
    assert.equal(await submitted, 1);
    await until(isArchived, SEASON_MAX_MS, 'the season is written down');
    const { rows } = await readBoards(server!, `/yearly?season=${season}`);
    assert.deepEqual(rows.map(({ playerId, score }) => [playerId, score]), [[player, 1]], `what was acknowledged in season ${season} has its place there`);
  });
}

/** 29: all processes find the season over, and are about to close it, in the same moment; without Redis nothing else keeps them apart. */
async function foundOverByAll({ shards, servers, redis, us }: Site): Promise<void> {
  await Promise.all([redis.crash(), us.crash()]);
  try {
    await onFirstShard({ shards }, async (query) => {
      await query(`select pg_advisory_lock(${SEASON_LOCK})`);
      const waiting = async () => (await query(`select from pg_locks where locktype = 'advisory' and not granted and objid = $1`, [SEASON_LOCK])).length;
      await until(async () => (await waiting()) === servers.length, SEASON_MAX_MS, 'all are about to close the season');
      await query(`select pg_advisory_unlock(${SEASON_LOCK})`);
      const from = await openSeason({ shards }, 'sprint');
      await until(async () => (await openSeason({ shards }, 'sprint')) > from, SEASON_MAX_MS, 'the next one is closed too');
    });
  } finally {
    await Promise.all([redis.revive(), us.revive()]);
  }
  await assertClosedOnce({ shards }, 'sprint');
}

/** Scores of all players on the board without seasons: different ones, and some equal. */
async function addSome({ servers }: Site, players: readonly string[]): Promise<void> {
  for (const [at, player] of players.entries()) await add(servers[at % servers.length]!, 'total', player, 1 + (at % 4));
}

/** 25: Redis comes back with what it had a while ago. */
async function backFromOldFile(at: Site, players: readonly string[], withinMs: number): Promise<void> {
  await assertShows(at.servers, at, 'total', BACK_WITHIN_MS, REGIONS);
  await at.redis.save();
  await addSome(at, players);
  await assertShows(at.servers, at, 'total', BACK_WITHIN_MS, REGIONS);
  await at.redis.crash();
  await at.redis.revive();
  await assertShows(at.servers, at, 'total', withinMs, REGIONS);
}

/** 20: a score is committed, and what the game counted is, and both answers are lost with their connections. */
async function answersLost(at: Site): Promise<void> {
  const { servers: [server] } = at;
  const [player = ''] = await signUp(at, 1);
  await add(server!, 'total', player, 10);
  // Until both commits of one of them, that of its id and its own, were lost.
  let lost = 0;
  let score = 10;
  const submitting = (async () => {
    while (lost < 2) {
      const id = commandId();
      lost = 0;
      let answer = await submit(server!, 'total', player, 7, id);
      for (; answer?.status !== 200; answer = await submit(server!, 'total', player, 7, id)) lost++;
      assert.equal(answer.body.score, score + 7);
      score += 7;
    }
  })();
  // On the player's own shard, where it is one commit.
  let grantId = commandId();
  while (shardOf(grantId) !== shardOf(player)) grantId = commandId();
  const granting = service(server!).call('POST', '/grants', { commandId: grantId, playerId: player, fungibles: { gold: 50 }, items: [] });
  // What is counted may not get through meanwhile: each of its commits is cut off too.
  await loseCommits(at, () => lost >= 2, BACK_WITHIN_MS);
  await submitting;
  assert.equal((await granting).status, 200);
  for (const [board, wanted] of [['total', score], ['wealth', 50]] as const) {
    const shown = async () => await shownScore(server!, board, player);
    await until(async () => (await shown()) === wanted, NEVER_MS, '').catch(async () => assert.equal(await shown(), wanted, `${board} shows ${await shown()}`));
  }
}

async function timed<Answer>(ask: () => Promise<Answer>): Promise<{ answer: Answer; ms: number }> {
  const began = performance.now();
  const answer = await ask();
  return { answer, ms: performance.now() - began };
}

/** One region's Redis takes what is sent and says nothing. */
async function silentRegion(at: Site): Promise<void> {
  const { servers: [server], host, shards, us } = at;
  await assertShows(at.servers, at, 'total', BACK_WITHIN_MS, REGIONS);
  const stored = await storedScores(host, shards, 'total');
  const others = ranked(stored.filter(({ region }) => region !== 'us'));
  const [european, american] = ['eu', 'us'].map((region) => stored.find((row) => row.region === region)!);
  us.stall();
  try {
    const global = { board: 'total', region: 'global', season: 1 };
    const rankOf = (score: number) => 1 + others.filter((row) => row.score > score).length;
    const place = (row: { playerId: string; score: number }) => ({ ...global, playerId: row.playerId, rank: rankOf(row.score), score: row.score, missing: ['us'] });
    const cases: [path: string, answer: unknown][] = [
      ['/total', { ...global, rows: others, missing: ['us'] }],
      ['/total?region=us', { ...global, region: 'us', rows: [], missing: ['us'] }],
      ['/total?region=eu', { ...global, region: 'eu', rows: ranked(stored.filter(({ region }) => region === 'eu')), missing: [] }],
      [`/total/players/${european!.playerId}`, place(european!)],
      [`/total/players/${american!.playerId}`, place(american!)],
      [`/total/players/${american!.playerId}?region=us`, { ...global, region: 'us', playerId: american!.playerId, rank: null, score: american!.score, missing: ['us'] }],
    ];
    const tookMs = new Map(cases.map(([path]) => [path, [] as number[]]));
    for (let times = 0; times < 3; times++) {
      await Promise.all(cases.map(async ([path, wanted]) => {
        const { answer, ms } = await timed(() => readBoards<unknown>(server!, path));
        assert.deepEqual(answer, wanted, path);
        tookMs.get(path)!.push(ms);
      }));
    }
    for (const [path, ms] of tookMs) assertQuick(path, ms);
    for (const { playerId } of [european!, american!]) {
      const path = `/total/players/${playerId}/around?radius=2`;
      const { answer, ms } = await timed(() => readBoards(server!, path));
      assertQuick(path, [ms]);
      assert.deepEqual(answer.missing, ['us'], path);
      for (const row of answer.rows) assert.deepEqual(row, others.find((other) => other.playerId === row.playerId), path);
    }
    // Who asks while others are being answered does not wait for those too.
    const together = await Promise.all(Array.from({ length: 8 }, async (_, turn) => {
      await new Promise((resolve) => setTimeout(resolve, turn * 40));
      return (await timed(() => readBoards(server!, '/total'))).ms;
    }));
    assertQuick('/total, asked for by many', together);
    const { ms } = await timed(() => add(server!, 'total', american!.playerId, 1));
    assertQuick('a score of the silent region', [ms]);
  } finally {
    us.resume();
  }
  await assertShows(at.servers, at, 'total', BACK_WITHIN_MS, REGIONS);
}

function assertQuick(what: string, tookMs: readonly number[]): void {
  const median = tookMs.toSorted((a, b) => a - b)[Math.floor(tookMs.length / 2)]!;
  // Who waits for the silent region waits for a second: three times the promise would not tell the two apart.
  assert.ok(median < ANSWER_MAX_MS + SLOWNESS_MS, `${what} was answered after ${Math.round(median)} ms`);
}

/** The players' slots go to another shard while their scores come. */
async function movedMeanwhile(at: Site, board: string, root?: string): Promise<ScoreTraffic> {
  const players = await signUp(at, 8);
  const traffic = new ScoreTraffic({ servers: at.servers, board, players });
  try {
    await traffic.flows(FLOW / 2, FLOWS_WITHIN_MS, 'scores come');
    const slots = players.map((player) => String(slotOf(player)));
    const { code, output } = await startShardsCommand(at.shards.split(','), ['move', ...slots, '--to', '1'], root === undefined ? {} : { root }).ended;
    assert.equal(code, 0, output);
    await traffic.flows(FLOW / 2, FLOWS_WITHIN_MS, 'scores come where the players are now');
  } finally {
    await traffic.stop();
  }
  traffic.assertAnsweredOnce();
  return traffic;
}

describe('dupes: leaderboards under faults', () => {
  const { folder, remove } = temporaryFolder();
  const CATALOG_PATH = path.join(folder, 'catalog.yaml');
  let host: ShardHost;
  let guarded: Site;
  let unguarded: Site | undefined;
  let mutant: Mutant | undefined;
  let players: string[];

  before(async function () {
    this.timeout(START_MAX_MS);
    writeCatalog(CATALOG_PATH, BOARDS);
    host = await startShardHost();
    guarded = await startSite(host, { CATALOG_PATH }, 3);
    players = await signUp(guarded, 9);
    await addSome(guarded, players);
  });
  after(async () => {
    for (const one of [guarded, unguarded]) {
      await one?.fleet.stop();
      await Promise.all([one?.redis.stop(), one?.us.stop()]);
    }
    await host?.stop();
    mutant?.remove();
    remove();
  });

  it('[LB6] a region whose Redis says nothing is named within 250 ms, the others are ranked, and it is there again when it answers', () => silentRegion(guarded));

  it('[LB5] dupe 25: Redis is flushed and killed under traffic, and the boards are again what PostgreSQL has', () => quietly(async () => {
    const { servers, redis, us } = guarded;
    const traffic = new ScoreTraffic({ servers, board: 'total', players });
    try {
      await traffic.flows(FLOW, FLOWS_WITHIN_MS, 'scores come');
      await Promise.all([redis.flush(), us.flush()]);
      await traffic.flows(FLOW, FLOWS_WITHIN_MS, 'scores come after the flush');
      await redis.crash();
      await traffic.flows(FLOW, FLOWS_WITHIN_MS, 'scores come without Redis');
      await traffic.stop();
      const asked = await Promise.all(servers.map((server) => timed(() => readBoards<BoardRows>(server, '/total'))));
      assertQuick('/total without Redis', asked.map(({ ms }) => ms));
      for (const { answer } of asked) assert.deepEqual([answer.missing, answer.rows.map(({ region }) => region)], [['eu', 'asia'], answer.rows.map(() => 'us')]);
      const place = await readBoards<BoardPlace>(servers[0]!, `/total/players/${players[0]}?region=eu`);
      assert.deepEqual([place.rank, place.missing], [null, ['eu']]);
    } finally {
      await traffic.stop();
      await redis.revive();
    }
    await assertShows(servers, guarded, 'total', BACK_WITHIN_MS, REGIONS);
  }));

  it('[LB5] dupe 25: Redis comes back with an old file, and the boards are again what PostgreSQL has', () => quietly(() => backFromOldFile(guarded, players, BACK_WITHIN_MS)));

  it('[LB5] dupe 20: commits are done and their answers lost, and the boards are what PostgreSQL has', () => answersLost(guarded));

  it('[LB8] dupe 29: a score that is being recorded when its season is over has its place there', () => recordedMeanwhile(guarded));
  it('[LB8] dupe 29: a season that all processes find over is closed once', () => quietly(() => foundOverByAll(guarded)));
  it('[LB8] dupe 29: scores across seasons, through three processes of which one is killed, while Redis is flushed, are each in one season', () => quietly(async () => {
    const { servers, redis, us } = guarded;
    const meanwhile = [
      async () => await Promise.all([redis.flush(), us.flush()]),
      async () => {
        await servers[2]!.kill('SIGKILL');
        servers.splice(2, 1);
      },
    ];
    await acrossSeasons(guarded, 3, meanwhile);
    await assertAuditGreen(servers[0]!);
  }));
  it('[LB4] slots are moved while scores come and seasons end, and nothing is lost', async () => {
    const { answered } = await movedMeanwhile(guarded, 'sprint');
    await assertInSeasons(guarded, 'sprint', answered, SEASON_MAX_MS);
    const { code, output } = await startShardsCommand(guarded.shards.split(','), ['verify']).ended;
    assert.equal(code, 0, output);
    await assertAuditGreen(guarded.servers[0]!);
  });

  describe('negative controls', () => {
    let without: Site;
    let others: string[];
    before(async function () {
      this.timeout(START_MAX_MS);
      mutant = makeMutant('seasons-unlocked', 'seasons-closed-by-all', 'seasons-untold', 'old-sets-believed', 'regions-waited-for', 'unheard-stays-untold');
      without = unguarded = await startSite(host, { CATALOG_PATH }, 2, mutant.root);
      others = await signUp(without, 9);
      await addSome(without, others);
    });

    it('a silent region keeps all others waiting when processes are "regions-waited-for"', () => assertGoesRed(silentRegion(without), /was answered after \d+ ms/));
    it('dupe 25 of boards goes red when processes are "old-sets-believed"', () => quietly(() => assertGoesRed(backFromOldFile(without, others, NEVER_MS), /is not what PostgreSQL has/)));
    it('dupe 20 of boards goes red when processes are "unheard-stays-untold"', () => assertGoesRed(answersLost(without), /(total|wealth) shows|the answers of commits are lost/));
    it('dupe 29 goes red when processes are "seasons-unlocked"', () => assertGoesRed(recordedMeanwhile(without), /what was acknowledged/));
    it('dupe 29 goes red when processes are "seasons-untold"', () => assertGoesRed(acrossSeasons(without, 1), /acts once|how many stood/));
    it('dupe 29 goes red when processes are "seasons-closed-by-all"', () => quietly(() => assertGoesRed(foundOverByAll(without), /closed before its end/)));
    it('slots that are moved lose scores when who moves them is "scores-left-behind"', () => withMutant('scores-left-behind', (root) => assertGoesRed(movedMeanwhile(guarded, 'total', root), /acts once/)));
  });
});
