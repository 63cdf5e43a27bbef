import assert from 'node:assert/strict';
import path from 'node:path';
import type { Room } from '@colyseus/sdk';
import { SCORE_POINTS } from '../../persistence/fault-points.ts';
import { ServersAhead } from '../kit/ahead.ts';
import { add, shownScore, storedScores, submit, writeCatalog } from '../kit/boards.ts';
import { assertAuditGreen } from '../kit/economy.ts';
import { startFleet } from '../kit/fleet.ts';
import { portOf } from '../kit/login.ts';
import { assertGoesRed, makeMutant, type Mutant } from '../kit/mutant.ts';
import { commandId, join, service, signIn, until, type TestPlayer } from '../kit/player.ts';
import { MortalRedis } from '../kit/redis-host.ts';
import type { TestServer } from '../kit/server.ts';
import { startShardHost, type ShardHost } from '../kit/shard-host.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';
import { accept, joinGroup, joinZone, offer, outcomeOf, sitDown, trade } from '../kit/trade.ts';

type ScorePoint = (typeof SCORE_POINTS)[number];

/** From the death of a process until the others show what it left out. */
const BROUGHT_WITHIN_MS = 10_000;
const COUNTED_WITHIN_MS = 3_000;
/** Many processes are started. */
const START_MAX_MS = 120_000;
/** For what never comes: longer than a death is unnoticed. */
const NEVER_MS = 1_300;
const BOARDS = [
  '{ name: points, title: Points, rule: sum }',
  '{ name: gathered, title: Gathered, rule: sum, source: gathered }',
  '{ name: trades, title: Trades, rule: sum, source: trades }',
  '{ name: wealth, title: Wealth, rule: latest, source: wealth }',
];

/** Where a process is killed: at each point of a score; at a trade that one shard has committed and the other has not. */
type Doom = `score:${ScorePoint}` | 'trade:committed';

interface Site {
  other: TestServer;
  doomed: ServersAhead<Doom>;
}

/** The process that is killed, and another one, which goes on. */
interface Pair {
  doomed: TestServer;
  other: TestServer;
}

describe('dupes: leaderboards over several processes', () => {
  const { folder, remove } = temporaryFolder();
  const CATALOG_PATH = path.join(folder, 'catalog.yaml');
  let host: ShardHost;
  const redises: MortalRedis[] = [];
  const shardsOf = new Map<string, string>();
  const stops: (() => Promise<void>)[] = [];
  let mutant: Mutant | undefined;
  const present = new Set<TestPlayer>();
  let guarded: Site;

  /** Processes that meet in a Redis of their own. In doubt is what the dead left for longer than they are missed. */
  async function startApart(points: readonly Doom[], root?: string): Promise<Site> {
    const [redis, fresh] = [await MortalRedis.start(), await host.freshShards()];
    redises.push(redis);
    const fleet = await startFleet({ processes: 1, redis, shards: fresh, env: { CATALOG_PATH, RESOLVER_INTERVAL_MS: '3000' }, ...(root !== undefined && { root }) });
    const doomed = new ServersAhead(points, (point) => fleet.start({ env: { FAULT_POINT: point } }));
    stops.push(async () => {
      await doomed.settled();
      await fleet.stop();
    });
    shardsOf.set(fleet.dataDir, fresh);
    return { other: fleet.servers[0]!, doomed };
  }

  before(async function () {
    this.timeout(START_MAX_MS);
    writeCatalog(CATALOG_PATH, BOARDS);
    host = await startShardHost();
    guarded = await startApart(['trade:committed', ...SCORE_POINTS.map((point): Doom => `score:${point}`)]);
    await guarded.doomed.take('trade:committed');
  });
  afterEach(async () => {
    await Promise.allSettled([...present].map((player) => player.leave()));
    present.clear();
  });
  after(async () => {
    await Promise.all(stops.map((stop) => stop()));
    await Promise.all(redises.map((redis) => redis.stop()));
    await host?.stop();
    mutant?.remove();
    remove();
  });

  async function enter(server: TestServer, name: string): Promise<TestPlayer> {
    const player = await join(server.url, name);
    present.add(player);
    return player;
  }

  const storedOf = async (server: TestServer, board: string, ...players: { id: string }[]) => {
    const stored = await storedScores(host, shardsOf.get(server.dataDir)!, board);
    return players.map(({ id }) => stored.filter(({ playerId }) => playerId === id).map(({ score }) => score));
  };
  /** A server shows these scores, soon. */
  async function untilShown(server: TestServer, board: string, scores: ReadonlyMap<{ id: string }, number>, withinMs: number): Promise<void> {
    const found = async () => JSON.stringify(await Promise.all([...scores.keys()].map(({ id }) => shownScore(server, board, id))));
    const wanted = JSON.stringify([...scores.values()]);
    await until(async () => (await found()) === wanted, withinMs, `${board} shows ${wanted}`).catch(async (error: Error) => {
      throw new Error(`${error.message} instead of ${await found()}`);
    });
  }

  /** A trade through the doomed process has been answered, and not been counted yet, when a score of one of them kills it; then the score is submitted again. */
  async function killedAt(point: ScorePoint, { doomed, other }: Pair, withinMs: number): Promise<void> {
    const [ann, ben] = [await enter(doomed, 'Ann'), await enter(doomed, 'Ben')];
    await service(other).grant(ann.id, { fungibles: { gold: 50 } });
    assert.equal(await add(other, 'points', ann.id, 10), 10);
    const table = await sitDown(ann, ben);
    assert.equal(portOf(table.first), doomed.port, 'where the trade is');
    await trade(table, { fungibles: { gold: 20 } }, {});
    const id = commandId();
    assert.equal(await submit(doomed, 'points', ann.id, 7, id), undefined, 'it is not answered');
    assert.equal((await doomed.exited).signal, 'SIGKILL');

    const died = performance.now();
    const left = () => Math.max(0, withinMs - (performance.now() - died));
    // Nobody asks for it again, and nobody does anything.
    await untilShown(other, 'points', new Map([[ann, point === 'claimed' ? 10 : 17]]), left());
    await untilShown(other, 'trades', new Map([[ann, 1], [ben, 1]]), left());
    await untilShown(other, 'wealth', new Map([[ann, 30], [ben, 20]]), left());
    for (let times = 0; times < 2; times++) assert.equal(await add(other, 'points', ann.id, 7, id), 17, 'the score was counted once');
    assert.deepEqual(await storedOf(other, 'points', ann), [[17]]);
    assert.deepEqual(await storedOf(other, 'trades', ann, ben), [[1], [1]]);
    await untilShown(other, 'points', new Map([[ann, 17]]), COUNTED_WITHIN_MS);
    await assertAuditGreen(other);
  }

  /** A trade between two shards is committed on one and prepared on the other when the process is killed: by then it is missed before it is ended. */
  async function killedInTrade({ doomed, other }: Pair, withinMs: number): Promise<void> {
    const [ann, ben] = (await joinGroup(doomed, 2, 'distinct')) as [TestPlayer, TestPlayer];
    for (const player of [ann, ben]) present.add(player);
    await service(other).grant(ann.id, { fungibles: { gold: 50 } });
    const table = await sitDown(ann, ben);
    await offer(table.first, { fungibles: { gold: 20 } });
    const revision = await offer(table.second, {});
    await accept(table.first, revision);
    assert.equal(await outcomeOf(accept(table.second, revision).then((status) => ({ status }))), 'closed');
    assert.equal((await doomed.exited).signal, 'SIGKILL');
    await until(async () => (await host.count('prepared')) === 0, BROUGHT_WITHIN_MS, 'no transaction is left prepared');
    await untilShown(other, 'trades', new Map([[ann, 1], [ben, 1]]), withinMs);
    await untilShown(other, 'wealth', new Map([[ann, 30], [ben, 20]]), withinMs);
    await assertAuditGreen(other);
  }

  /** One command twenty times at once, through two processes. */
  async function atOnce(servers: readonly [TestServer, TestServer]): Promise<void> {
    const { id: player } = await signIn(servers[0].url);
    const id = commandId();
    const answers = await Promise.all(Array.from({ length: 20 }, (_, at) => submit(servers[at % 2]!, 'points', player, 7, id)));
    assert.deepEqual(await storedOf(servers[0], 'points', { id: player }), [[7]], 'the score was counted once');
    assert.deepEqual([...new Set(answers.map((answer) => `${answer?.status} ${answer?.body.score}`))], ['200 7']);
    await untilShown(servers[1], 'points', new Map([[{ id: player }, 7]]), COUNTED_WITHIN_MS);
  }

  /** Players of two shards, one id: the second one, through another process, is refused. */
  async function sharedId(servers: readonly [TestServer, TestServer]): Promise<void> {
    const players: { id: string; shard: number }[] = [];
    while (new Set(players.map(({ shard }) => shard)).size < 2) {
      const { id } = await signIn(servers[0].url);
      players.push(await service(servers[0]).player(id));
    }
    const [ann, ben] = [players[0]!, players.at(-1)!];
    const id = commandId();
    // Refused, it leaves its id unused.
    assert.equal((await submit(servers[1], 'points', commandId(), 5, id))?.body.code, 'UNKNOWN_PLAYER');
    assert.equal((await submit(servers[1], 'nowhere', ann.id, 5, id))?.body.code, 'BAD_REQUEST');
    assert.equal(await add(servers[0], 'points', ann.id, 5, id), 5);
    const codes = [(await submit(servers[1], 'points', ben.id, 5, id))?.body.code, (await submit(servers[1], 'points', ann.id, 6, id))?.body.code];
    assert.deepEqual([...(await storedOf(servers[0], 'points', ann, ben)), codes], [[5], [], ['COMMAND_REUSED', 'COMMAND_REUSED']], 'one id, one score');
  }

  const gather = async (zone: Room) => (await zone.request<unknown, { quantity: number }>('gather', { commandId: commandId(), nodeId: 'ore-1' })).quantity;
  const pairAt = async ({ other, doomed }: Site, point: Doom): Promise<Pair> => ({ other, doomed: await doomed.take(point) });
  /** Two that live as long as nobody trades between two shards. */
  const both = async ({ other, doomed }: Site) => [other, await doomed.take('trade:committed')] as const;

  it('[LB3] dupe 20: twenty at once of one command, through two processes, count once', async () => atOnce(await both(guarded)));
  it('[LB3] dupe 21: one id for players of two shards, through two processes, is one score, and a refused one leaves it unused', async () => sharedId(await both(guarded)));

  it('[LB7] what is gathered, traded and owned is on the boards of all processes within seconds, exactly', async () => {
    const [other, another] = await both(guarded);
    const [ann, ben] = [await enter(other, 'Ann'), await enter(another, 'Ben')];
    await service(other).grant(ann.id, { fungibles: { gold: 100 } });
    const zone = await joinZone(ann);
    let gathered = 0;
    for (let times = 0; times < 3; times++) gathered += await gather(zone);
    await zone.leave();
    for (const gold of [10, 25]) {
      const table = await sitDown(ann, ben);
      assert.equal(portOf(table.first), other.port, 'where the trade is');
      await trade(table, { fungibles: { gold } }, {});
      await Promise.all([table.first.leave(), table.second.leave()]);
    }
    for (const server of [other, another]) {
      await untilShown(server, 'gathered', new Map([[ann, gathered]]), COUNTED_WITHIN_MS);
      await untilShown(server, 'trades', new Map([[ann, 2], [ben, 2]]), COUNTED_WITHIN_MS);
      await untilShown(server, 'wealth', new Map([[ann, 65], [ben, 35]]), COUNTED_WITHIN_MS);
    }
    await assertAuditGreen(other);
  });

  for (const point of SCORE_POINTS) {
    it(`[CR7] [LB7] killed with -9 at "${point}", right after a trade: the score and the trade are on the other's board, once`, async () => killedAt(point, await pairAt(guarded, `score:${point}`), BROUGHT_WITHIN_MS));
  }
  it('[LB7] killed with -9 when a trade is committed on one shard of two, it is counted for both once it is ended', async () => killedInTrade(await pairAt(guarded, 'trade:committed'), BROUGHT_WITHIN_MS));

  describe('negative controls', () => {
    let unguarded: Site;
    before(async function () {
      this.timeout(START_MAX_MS);
      mutant = makeMutant('scores-forget-commands', 'scores-share-ids', 'left-out-forgotten', 'resolved-untold');
      unguarded = await startApart(['trade:committed', 'score:recorded'], mutant.root);
    });

    it('dupe 20 of scores goes red when processes are "scores-forget-commands"', async () => assertGoesRed(atOnce(await both(unguarded)), /counted once/));
    it('dupe 21 of scores goes red when processes are "scores-share-ids"', async () => assertGoesRed(sharedId(await both(unguarded)), /one id, one score/));
    it('what a dead process left out stays out when the others are "left-out-forgotten"', async () =>
      assertGoesRed(killedAt('recorded', await pairAt(unguarded, 'score:recorded'), NEVER_MS), /points shows \[17\] instead of \[10\]/));
    it('a trade that the dead left prepared stays uncounted when the others are "resolved-untold"', async () =>
      assertGoesRed(killedInTrade(await pairAt(unguarded, 'trade:committed'), NEVER_MS / 2), /trades shows \[1,1\] instead of/));
  });
});
