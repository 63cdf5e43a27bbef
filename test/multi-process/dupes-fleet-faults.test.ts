import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Room } from '@colyseus/sdk';
import { judge } from '../kit/crash.ts';
import { assertAuditGreen, assertHolds, assertShown, belongings, shown } from '../kit/economy.ts';
import { ServersAhead } from '../kit/ahead.ts';
import { startFleet, type Fleet } from '../kit/fleet.ts';
import { openFrameProxy, type FrameProxy } from '../kit/frame-proxy.ts';
import { byWayOf, login, portOf, quietly } from '../kit/login.ts';
import { MortalHost } from '../kit/mortal-host.ts';
import { assertGoesRed, makeMutant, type Mutant } from '../kit/mutant.ts';
import type { MutationName } from '../kit/mutations.ts';
import { commandId, ignoreMessages, join, joinPlayer, service, until, type TestPlayer } from '../kit/player.ts';
import { MortalRedis } from '../kit/redis-host.ts';
import type { TestServer } from '../kit/server.ts';
import { stopAtPoint, type Armed } from '../kit/stopped.ts';
import { prepareDeal } from '../kit/one-commit.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';
import { Traffic } from '../kit/traffic.ts';
import { accept, attempt, joinGroup, joinZone, offer, outcomeOf, sitDown, trade } from '../kit/trade.ts';

const DATABASES = [0, 1, 2, 3].map((shard) => `dupes_${shard}`);
const SETTINGS = { max_connections: 500 };
/** From when Redis or PostgreSQL is back, or a process is gone, until all is as before. */
const BACK_WITHIN_MS = 10_000;
const CUTS_MAX_MS = 30_000;
const SHOWN_WITHIN_MS = 3_000;
/** Who trade on and on. */
const PAIRS = 4;
/** For what never comes. */
const NEVER_MS = 700;

/** Two processes: where a scenario begins, and where it goes on. */
interface Pair {
  first: TestServer;
  second: TestServer;
}

/** Who came in and what was joined besides, to be left after each test. */
const present = new Set<TestPlayer>();
const joined = new Set<Room>();

async function enter(server: TestServer): Promise<TestPlayer> {
  const player = await join(server.url);
  present.add(player);
  return player;
}

async function enterAgain(server: TestServer, who: Pick<TestPlayer, 'id' | 'token'>): Promise<TestPlayer> {
  const player = await login(server, who);
  present.add(player);
  return player;
}

async function leaveAll(): Promise<void> {
  const rooms = [...joined].filter(({ connection }) => connection.isOpen);
  await Promise.allSettled([...[...present].map((player) => player.leave()), ...rooms.map((room) => room.leave())]);
  present.clear();
  joined.clear();
}

async function enterGroup(server: TestServer, count: number, shards: 'same' | 'distinct'): Promise<TestPlayer[]> {
  const players = await joinGroup(server, count, shards);
  for (const player of players) present.add(player);
  return players;
}

const gather = (zone: Room, id: string) => zone.request<unknown, { asset: string; quantity: number }>('gather', { commandId: id, nodeId: 'ore-1' });

/** The zone is the process's own when no other has one. A process that was killed may have it for some seconds more. */
async function zoneOn(server: TestServer, player: Pick<TestPlayer, 'client'>): Promise<Room> {
  let zone: Room | undefined;
  const here = async () => {
    zone = await joinZone(player).catch(() => undefined);
    if (zone !== undefined) joined.add(zone);
    if (zone === undefined || portOf(zone) === server.port) return zone !== undefined;
    await zone.leave();
    return false;
  };
  await until(here, BACK_WITHIN_MS, `the zone is open on ${server.url}`);
  return zone!;
}

/** 19: two renamings in the first process; the player is back through the second, where all of it is said again. */
async function renamedAgain({ first, second }: Pair): Promise<void> {
  const proxies: FrameProxy[] = [await openFrameProxy(first.port, 'replayed')];
  try {
    const { id, token, room, leave } = await enter(first);
    await leave();
    const before = await joinPlayer(byWayOf(first, token, new Map([[first.port, proxies[0]!.url]])));
    for (const name of ['First', 'Second']) await before.room.request('player:rename', { commandId: commandId(), name });
    proxies[0]!.cut();
    proxies.push(await openFrameProxy(second.port, 'replayed', proxies[0]));
    const client = byWayOf(second, token, new Map([[second.port, proxies[1]!.url]]));
    const after = { id, token, client, ...(await joinPlayer(client)) };
    present.add(after);
    assert.notEqual(after.room.roomId, room.roomId);
    await until(() => proxies[1]!.allAnswered(2), SHOWN_WITHIN_MS, 'every command is answered twice');
    const { name } = await service(second).player(id);
    assert.equal(name, 'Second', `the name is ${name}`);
    assert.deepEqual(proxies[1]!.answeredDifferently(), [], 'answers differ');
    await until(() => (after.room.state as { name?: string }).name === name, SHOWN_WITHIN_MS, 'the room shows the name');
    await assertAuditGreen(second);
  } finally {
    // In order, or the seats behind the proxies are kept for the reconnection.
    await leaveAll();
    for (const proxy of proxies) await proxy.close();
  }
}

/** 19: the same with a gathering, in a zone of the first process and then in one of the second, where nothing cools down. */
async function gatheredAgain({ first, second }: Pair): Promise<void> {
  const proxies: FrameProxy[] = [await openFrameProxy(first.port, 'replayed')];
  try {
    const player = await enter(first);
    const zone = await joinZone({ client: byWayOf(first, player.token, new Map([[first.port, proxies[0]!.url]])) });
    const { quantity } = await gather(zone, commandId());
    await assertShown(first, player, SHOWN_WITHIN_MS);
    proxies[0]!.cut();
    // Its seats in the first process go, and with the last one the zone.
    const back = await enterAgain(second, player);
    proxies.push(await openFrameProxy(second.port, 'replayed', proxies[0]));
    await (await zoneOn(second, await enter(second))).leave();
    const again = await joinZone({ client: byWayOf(second, player.token, new Map([[second.port, proxies[1]!.url]])) });
    joined.add(again);
    await until(() => proxies[1]!.allAnswered(2), SHOWN_WITHIN_MS, 'every command is answered twice');
    await assertHolds(second, player, { fungibles: { ore: quantity } }, 'the gatherer');
    const { xp, inventoryVersion } = await service(second).player(player.id);
    assert.deepEqual([xp, inventoryVersion], [5, 1], 'experience and version of one gathering');
    assert.deepEqual(proxies[1]!.answeredDifferently(), [], 'answers differ');
    await assertShown(second, back, SHOWN_WITHIN_MS);
    await assertAuditGreen(second);
  } finally {
    // In order, or the seats behind the proxies are kept for the reconnection.
    await leaveAll();
    for (const proxy of proxies) await proxy.close();
  }
}

/** 19: a sale in the first process, to a buyer of the second who comes back to the seat by way of the second, and says it all again. */
async function soldAgain({ first, second }: Pair): Promise<void> {
  const proxy = await openFrameProxy(first.port, 'replayed');
  try {
    const [seller, buyer] = [await enter(first), await enter(second)];
    const [sword = ''] = await service(first).grant(seller.id, { items: [{ kind: 'sword' }] });
    await service(first).grant(buyer.id, { fungibles: { gold: 20 } });
    const client = byWayOf(second, buyer.token, new Map([[first.port, proxy.url]]));
    const table = await sitDown(seller, { ...buyer, client });
    await offer(table.first, { items: [sword] });
    const revision = await offer(table.second, { fungibles: { gold: 10 } });
    await accept(table.first, revision);
    assert.equal(await accept(table.second, revision), 'settled');
    const left = new Promise((resolve) => table.second.onLeave(resolve));
    proxy.cut();
    await left;
    const seat = await client.reconnect(table.second.reconnectionToken);
    seat.reconnection.enabled = false;
    ignoreMessages(seat);
    await until(() => proxy.allAnswered(2), SHOWN_WITHIN_MS, 'every command is answered twice');
    assert.deepEqual(proxy.answeredDifferently(), [], 'answers differ');
    await assertHolds(second, seller, { fungibles: { gold: 10 } }, 'the seller');
    await assertHolds(second, buyer, { fungibles: { gold: 10 }, items: [sword] }, 'the buyer');
    await Promise.all([seller, buyer].map((player) => assertShown(second, player, SHOWN_WITHIN_MS)));
    await assertAuditGreen(second);
  } finally {
    await leaveAll();
    await proxy.close();
  }
}

/** 20: the first process dies when a gathering has committed and been told, and not answered; the client asks again through the second. */
async function gatherAnswerLost({ first, second }: Pair): Promise<void> {
  const player = await enter(first);
  const id = commandId();
  assert.equal(await outcomeOf(gather(await zoneOn(first, player), id)), 'closed');
  assert.equal((await first.exited).signal, 'SIGKILL');
  const back = await enterAgain(second, player);
  const { fungibles } = await belongings(second, player);
  const zone = await zoneOn(second, back);
  const answers = [await gather(zone, id), await gather(zone, id)];
  await assertHolds(second, player, { fungibles }, 'who gathered');
  for (const answer of answers) assert.deepEqual(answer, { asset: 'ore', quantity: fungibles['ore'] });
  await assertShown(second, back, SHOWN_WITHIN_MS);
  await assertAuditGreen(second);
}

/** 20: the same with a trade over two shards, whose second part nobody has been told of; the buyer was at home in the second process all the time. */
async function tradeAnswerLost({ first, second }: Pair): Promise<void> {
  const [seller, guest] = (await enterGroup(first, 2, 'distinct')) as [TestPlayer, TestPlayer];
  const buyer = await enterAgain(second, guest);
  const [sword = ''] = await service(first).grant(seller.id, { items: [{ kind: 'sword' }] });
  const { table, revision, ids } = await prepareDeal(seller, buyer, { items: [sword] }, {});
  assert.deepEqual([table.second, buyer.room].map(portOf), [first.port, second.port], 'where the buyer has its seats');
  assert.equal(await outcomeOf(table.second.request('trade:accept', { commandId: ids[1], revision })), 'closed');
  assert.equal((await first.exited).signal, 'SIGKILL');

  const settled = { known: true, answer: { status: 'settled' } };
  assert.deepEqual(await buyer.room.request('command:outcome', { commandId: ids[1] }), settled, "the outcome of the buyer's acceptance");
  const selling = await enterAgain(second, seller);
  assert.deepEqual(await selling.room.request('command:outcome', { commandId: ids[0] }), settled, "the outcome of the seller's acceptance");
  await assertHolds(second, seller, {}, 'the seller');
  await assertHolds(second, buyer, { items: [sword] }, 'the buyer');
  // The id was the lost trade's: it accepts no other one.
  const another = await sitDown(buyer, selling);
  const next = await offer(another.first, { items: [sword] });
  await accept(another.first, next, ids[1]);
  assert.equal(await outcomeOf(another.second.request('trade:accept', { commandId: commandId(), revision: next })), 'COMMAND_REUSED');
  await assertHolds(second, buyer, { items: [sword] }, 'the buyer');
  await assertAuditGreen(second);
}

interface Cut extends Pair {
  redis: MortalRedis;
  /** Whether the seller tries to give away once more what the first process believes to be there. */
  again: boolean;
  withinMs: number;
}

/** 24: the sword is sold in the second process while Redis is away, so that the first, the seller's home, is not told; there it is given away once more. */
async function staleTrade({ first, second, redis, again, withinMs }: Cut): Promise<void> {
  // On one shard, where a row that changed hands is still found by who gave it away.
  const [seller, third, guest] = (await enterGroup(first, 3, 'same')) as [TestPlayer, TestPlayer, TestPlayer];
  const buyer = await enterAgain(second, guest);
  const [sword = ''] = await service(first).grant(seller.id, { items: [{ kind: 'sword' }] });
  await service(second).grant(buyer.id, { fungibles: { gold: 10 } });
  await Promise.all([seller, buyer].map((player) => assertShown(first, player, SHOWN_WITHIN_MS)));
  const [sale, gift] = [await sitDown(buyer, seller), await sitDown(seller, third)];
  assert.deepEqual([sale.first, gift.first].map(portOf), [second.port, first.port], 'where the trades are');
  await redis.crash();
  try {
    await trade(sale, { fungibles: { gold: 10 } }, { items: [sword] });
    assert.deepEqual(shown(seller), { fungibles: {}, items: [sword] }, 'what the first process believes');
    const gone = again ? await attempt(gift, { items: [sword] }) : 'NOT_OWNER';
    await assertHolds(second, buyer, { items: [sword] }, 'the buyer');
    await assertHolds(second, seller, { fungibles: { gold: 10 } }, 'the seller');
    await assertHolds(second, third, {}, 'the third');
    assert.equal(gone, 'NOT_OWNER');
  } finally {
    await redis.revive();
  }
  // Versions are not compared in these processes, unless they notice that they missed something.
  await Promise.all([seller, buyer, third].map((player) => assertShown(second, player, withinMs)));
  await assertAuditGreen(first);
  // What it got is spent where it was not heard of.
  if (again) assert.equal(await attempt(gift, { fungibles: { gold: 10 } }), 'settled');
  if (again) await assertHolds(second, third, { fungibles: { gold: 10 } }, 'the third');
}

interface Loss extends Pair {
  lose: () => Promise<void>;
  withinMs: number;
}

/** 25: what was open is found and joined again through the other process, and what a displaced session may do is as before. */
async function joinableAgain({ first, second, lose, withinMs }: Loss): Promise<void> {
  const [host, guest] = [await enter(first), await enter(second)];
  const zone = await zoneOn(first, host);
  const { tradeId } = await host.room.request<unknown, { tradeId: string }>('trade:invite', { playerId: guest.id });
  await lose();
  const found: Room[] = [];
  for (const roomId of [zone.roomId, tradeId]) {
    await until(async () => (await guest.client.joinById(roomId).then((room) => found.push(room), () => 0)) > 0, withinMs, 'what was open is joinable again');
  }
  for (const room of found) {
    room.reconnection.enabled = false;
    ignoreMessages(room);
    joined.add(room);
  }
  assert.deepEqual(found.map(portOf), [first.port, first.port], 'where they were found');
  // One session: the newer one is told of the older.
  const closed = new Promise<number>((resolve) => host.room.onLeave(resolve));
  const back = await enterAgain(second, host);
  assert.equal(await closed, 4100);
  await assertShown(second, back, SHOWN_WITHIN_MS);
}

/** 26: a process of its own, which stands still when a trade of two shards is decided and the second one has not been told, while PostgreSQL stops. */
async function cutWhenCommitted({ first, second }: Pair, host: MortalHost): Promise<void> {
  const members = (await enterGroup(first, 2, 'distinct')) as Armed['members'];
  const [sword = ''] = await service(first).grant(members[0].id, { fungibles: { gold: 51 }, items: [{ kind: 'sword' }] });
  await service(first).grant(members[1].id, { fungibles: { ore: 4 } });
  const before = [await belongings(first, members[0]), await belongings(first, members[1])] as const;
  const deal = await prepareDeal(members[0], members[1], { items: [sword], fungibles: { gold: 50 } }, { fungibles: { ore: 3 } });
  const { answer } = await stopAtPoint({ point: 'committed', server: first, members, sword, before, deal });
  try {
    await host.crash();
    await host.revive();
    // The other process ends what the stopped one left prepared.
    await until(async () => (await host.prepared()).length === 0, BACK_WITHIN_MS, 'no transaction is left prepared');
  } finally {
    process.kill(first.pid, 'SIGCONT');
  }
  const said = await answer;
  await until(async () => (await fetch(`${second.url}/readyz`)).ok, BACK_WITHIN_MS, 'every shard answers');
  assert.equal(await judge(second, { members }, { sword, before }), 'both legs');
  // One that stood still for long was taken for dead, and its rooms are closed before it can say so.
  assert.ok(said === 'settled' || said === 'closed', said);
  const back = await Promise.all(members.map((member) => enterAgain(second, member)));
  for (const [side, player] of back.entries()) {
    assert.deepEqual(await player.room.request('command:outcome', { commandId: deal.ids[side] }), { known: true, answer: { status: 'settled' } }, 'the outcome of the acceptance');
    assert.deepEqual(shown(player), await belongings(second, player));
  }
  await assertAuditGreen(second);
}

/** How often the ledger of a process has lost a connection and asked again. */
async function lostConnections({ url }: TestServer): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^strongroom_retries_total\{cause="connection"\} (\d+)/m.exec(text)?.[1] ?? 0);
}

type Doomed = 'gatherer' | 'trader' | 'forgetful' | 'stopper' | 'deaf' | 'undecided';

describe('dupes: faults over several processes', () => {
  const { folder, remove } = temporaryFolder();
  // Nothing cools down, so that only the command id keeps a gathering from being done again.
  const CATALOG_PATH = path.join(folder, 'catalog.yaml');
  let host: MortalHost;
  let redis: MortalRedis;
  let fleet: Fleet;
  const mutants: Mutant[] = [];
  let [first, second]: TestServer[] = [];

  /** Those that die, stand still or are without guards: started when a test asks for one, as most of them are for controls. */
  const DOOMED: Record<Doomed, [env: Record<string, string>, ...names: MutationName[]]> = {
    gatherer: [{ FAULT_POINT: 'gather:published' }],
    trader: [{ FAULT_POINT: 'trade:committed' }],
    forgetful: [{ FAULT_POINT: 'trade:committed' }, 'commands-forgotten'],
    stopper: [{ FAULT_POINT: 'trade:committed:pause' }],
    deaf: [{}, 'gap-unheard', 'losses-unseen', 'commands-act-twice', 'renames-again', 'write-trusts-giver'],
    undecided: [{ FAULT_POINT: 'trade:committed:pause' }, 'no-decision'],
  };
  let doomed: ServersAhead<Doomed>;

  /** Rooms of others are not for these. */
  const mutant = async (env: Record<string, string>, ...names: MutationName[]) => {
    const made = makeMutant('keeps-apart', ...names);
    mutants.push(made);
    return await fleet.start({ root: made.root, env });
  };
  before(async () => {
    writeFileSync(CATALOG_PATH, readFileSync('catalog.yaml', 'utf8').replaceAll(/cooldownMs: \d+/g, 'cooldownMs: 0'));
    [host, redis] = await Promise.all([MortalHost.start(DATABASES, SETTINGS), MortalRedis.start()]);
    fleet = await startFleet({ processes: 1, redis, shards: host.urls.join(','), env: { CATALOG_PATH, VERSION_CHECK_INTERVAL_MS: '600000', RESOLVER_INTERVAL_MS: '300' } });
    [first] = fleet.servers;
    second = await fleet.start();
    doomed = new ServersAhead<Doomed>([], (name) => mutant(...DOOMED[name]));
  });
  afterEach(leaveAll);
  after(async () => {
    await fleet?.stop();
    await redis?.stop();
    await host?.stop();
    for (const made of mutants) made.remove();
    remove();
  });
  /** The processes are there only when the first test begins. */
  const there = async (process: TestServer | Doomed | undefined) => (typeof process === 'string' ? await doomed.take(process) : process!);
  const pair = async (...[one, other]: [TestServer | Doomed | undefined, TestServer | Doomed | undefined]): Promise<Pair> => ({ first: await there(one), second: await there(other) });

  it('[KE1] dupe 19: renamings of one process are said again in another', async () => renamedAgain(await pair(first, second)));
  it('[KE1] dupe 19: a gathering of one process is said again in another', async () => gatheredAgain(await pair(first, second)));
  it('[KE1] dupe 19: an acceptance is said again at a reconnection by way of another process', async () => soldAgain(await pair(first, second)));
  it('[KE1] dupe 20: the answer of a gathering is lost with its process, and the client asks again in another', async () => gatherAnswerLost(await pair('gatherer', second)));
  it('[KE4] dupe 20: the answer of a trade is lost with its process, and both ask for its outcome in another', async () => tradeAnswerLost(await pair('trader', second)));
  it('[BU2] dupe 24: Redis is away, and what one process sold is given away again by another, which was not told', async () =>
    staleTrade({ ...(await pair(first, second)), redis, again: true, withinMs: BACK_WITHIN_MS }));
  it('[CR3] dupe 25: Redis is flushed, killed and started again under traffic', () => quietly(async () => {
    const traffic = await Traffic.start([first!, second!], PAIRS);
    try {
      await traffic.flows(2, BACK_WITHIN_MS, 'they trade');
      await joinableAgain({ ...(await pair(first, second)), lose: () => redis.flush(), withinMs: BACK_WITHIN_MS });
      await traffic.flows(1, BACK_WITHIN_MS, 'they trade after the flush');
      const lose = async () => {
        await redis.crash();
        await delay(500);
        await redis.revive();
      };
      await joinableAgain({ ...(await pair(first, second)), lose, withinMs: BACK_WITHIN_MS });
      await traffic.flows(2, BACK_WITHIN_MS, 'they trade after the crash');
      await traffic.stop();
      await traffic.assertExact(second!, BACK_WITHIN_MS);
      await assertAuditGreen(first!);
    } finally {
      await traffic.stop();
      await traffic.leave();
    }
  }));
  it('[CR3] dupe 26: PostgreSQL ends its backends, and stops, under traffic of two processes', () => quietly(async () => {
    const traffic = await Traffic.start([first!, second!], PAIRS);
    try {
      await traffic.flows(2, BACK_WITHIN_MS, 'they trade');
      const haveLost = async () => (await Promise.all([first!, second!].map(lostConnections))).every((times) => times > 0);
      const endBackends = (which: string) => host.query(`select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid() and ${which}`);
      await endBackends('true');
      // A commit is short: until each process was in the middle of one. New connections are dear, so idle ones are left.
      for (const deadline = Date.now() + CUTS_MAX_MS; Date.now() < deadline && !(await haveLost()); await delay(20)) await endBackends('xact_start is not null');
      await traffic.flows(1, BACK_WITHIN_MS, 'they trade after the backends were ended');
      await cutWhenCommitted(await pair('stopper', second), host);
      await traffic.flows(2, BACK_WITHIN_MS, 'they trade after the stop');
      await traffic.stop();
      await traffic.assertExact(second!, BACK_WITHIN_MS);
      await assertAuditGreen(first!);
      assert.ok(await haveLost(), 'both processes lost connections under way');
    } finally {
      await traffic.stop();
      await traffic.leave();
    }
  }));

  describe('negative controls', () => {
    it('dupe 19 goes red when the second process is "renames-again"', async () => assertGoesRed(renamedAgain(await pair(first, 'deaf')), /the name is First/));
    it('dupe 19 goes red when the second process is "commands-act-twice"', async () => assertGoesRed(gatheredAgain(await pair(first, 'deaf')), /the gatherer holds/));
    it('dupe 24 goes red when the process that was not told is "gap-unheard"', async () =>
      assertGoesRed(staleTrade({ ...(await pair('deaf', second)), redis, again: false, withinMs: NEVER_MS }), /the room shows/));
    it('dupe 25 goes red when the process whose rooms are looked for is "losses-unseen"', async () =>
      assertGoesRed(joinableAgain({ ...(await pair('deaf', second)), lose: () => redis.flush(), withinMs: NEVER_MS }), /joinable again/));
    // From here on the books are wrong.
    it('dupe 20 goes red when the process that dies is "commands-forgotten"', async () => assertGoesRed(tradeAnswerLost(await pair('forgetful', second)), /the outcome of the buyer/));
    it('dupe 24 goes red when the process that was not told is "write-trusts-giver"', async () =>
      assertGoesRed(staleTrade({ ...(await pair('deaf', second)), redis, again: true, withinMs: NEVER_MS }), /the buyer holds/));
    it('dupe 26 goes red when the process that stands still is "no-decision"', async () => assertGoesRed(cutWhenCommitted(await pair('undecided', second), host), /neither both legs nor none|INTERNAL/));
  });
});
