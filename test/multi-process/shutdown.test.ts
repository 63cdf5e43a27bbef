import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Room } from '@colyseus/sdk';
import { Redis } from 'ioredis';
import { Client as Postgres } from 'pg';
import { shutDown } from '../../server/shutdown.ts';
import { assertAuditGreen, assertHolds } from '../kit/economy.ts';
import { startFleet, type Fleet } from '../kit/fleet.ts';
import { MortalHost } from '../kit/mortal-host.ts';
import { commandId, join, joinPlayer, newClient, service, signIn, until, type TestPlayer } from '../kit/player.ts';
import { MortalRedis } from '../kit/redis-host.ts';
import { startServer, type TestServer } from '../kit/server.ts';
import { startShardHost, type ShardHost } from '../kit/shard-host.ts';
import { accept, joinZone, offer, outcomeOf, sitDown, type Table } from '../kit/trade.ts';

const CLOSED_BY_SHUTDOWN = 4001;
/** What the server promises, and what this machine takes to notice. */
const BOUND_MS = 15_000 + 10_000;

/** With which code a connection ends. */
const closing = (room: Room) =>
  new Promise<number>((resolve) => {
    room.onLeave((code) => resolve(code));
  });

const shownTrade = (room: Room) => room.state as { phase: string; reason: string };

/** Sends a signal and says how the process ended, and how soon. */
async function end(server: TestServer, signal: NodeJS.Signals): Promise<{ code: number | null; tookMs: number }> {
  const began = performance.now();
  process.kill(server.pid, signal);
  const { code } = await server.exited;
  return { code, tookMs: performance.now() - began };
}

/** A lock on what somebody has, as another writer's. */
async function lock(shards: string, { id, shard }: { id: string; shard: number }): Promise<{ release(): Promise<void> }> {
  const client = new Postgres({ connectionString: shards.split(',')[shard] });
  client.on('error', () => undefined);
  await client.connect();
  await client.query('begin');
  await client.query('select from inventory where holder = $1 for update', [id]);
  return { release: () => client.end() };
}

describe('shutdown', () => {
  let host: ShardHost;
  let redis: MortalRedis;
  let look: Redis;
  let fleet: Fleet;
  let shards: string;
  let server: TestServer;
  let other: TestServer;
  before(async () => {
    [host, redis] = await Promise.all([startShardHost(), MortalRedis.start()]);
    shards = await host.freshShards();
    fleet = await startFleet({ processes: 2, redis, shards });
    [server, other] = fleet.servers as [TestServer, TestServer];
    look = new Redis(redis.url, { retryStrategy: () => 50, maxRetriesPerRequest: null }).on('error', () => undefined);
  });
  /** Each test ends the first; the next one has another in its place. */
  afterEach(async () => {
    server = await fleet.start();
  });
  after(async () => {
    look?.disconnect();
    await fleet?.stop();
    await redis?.stop();
    await host?.stop();
  });

  /** Two who came in through the process that ends, in its rooms, one of them in a zone, and who trade there. */
  async function sitAt(): Promise<{ seller: TestPlayer; buyer: TestPlayer; zone: Room; table: Table; gives: { fungibles: { gold: number } } }> {
    const [seller, buyer] = [await join(server.url), await join(server.url)];
    await service(server).grant(seller.id, { fungibles: { gold: 10 } });
    const zone = await joinZone(seller, 'meadow');
    return { seller, buyer, zone, table: await sitDown(seller, buyer), gives: { fungibles: { gold: 10 } } };
  }

  /** Everything that Redis has, as text. */
  async function everything(): Promise<{ key: string; lasts: boolean; text: string }[]> {
    // Boards are everybody's, and expire.
    const keys = (await look.keys('*')).filter((key) => !/^strongroom:(?:board|ops):/.test(key));
    return await Promise.all(
      keys.map(async (key) => {
        const type = await look.type(key);
        const value = type === 'hash' ? await look.hgetall(key) : type === 'set' ? await look.smembers(key) : await look.getBuffer(key);
        return { key, lasts: (await look.pttl(key)) < 0, text: Buffer.isBuffer(value) ? value.toString('latin1') : JSON.stringify(value) };
      }),
    );
  }

  /** The name and the lease by which Redis knows the process that is not the other one. */
  async function membersNow(): Promise<{ lease: string; processId: string }[]> {
    return Object.entries(await look.hgetall('strongroom:members')).map(([lease, processId]) => ({ lease, processId }));
  }

  async function assertGone(gone: { lease: string; processId: string }): Promise<void> {
    const left = (await everything()).filter(({ lasts, key, text }) => lasts && [gone.lease, gone.processId].some((name) => key.includes(name) || text.includes(name)));
    assert.deepEqual(left, [], 'of what ended nothing is left in Redis but what expires');
  }

  /** Which of the members ended. */
  async function ended(before: { lease: string; processId: string }[]): Promise<{ lease: string; processId: string }> {
    const now = await membersNow();
    const gone = before.filter(({ lease }) => !now.some((member) => member.lease === lease));
    assert.equal(gone.length, 1, 'one lease was left');
    return gone[0]!;
  }

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`[SD1] ${signal} closes rooms with 4001, cancels open trades with reason shutdown, and ends it with 0 in time`, async () => {
      const { seller, buyer, zone, table, gives } = await sitAt();
      const revision = await offer(table.first, gives);
      await accept(table.first, revision);
      const closed = [seller.room, buyer.room, zone, table.first, table.second].map(closing);
      const { code, tookMs } = await end(server, signal);
      assert.deepEqual(new Set(await Promise.all(closed)), new Set([CLOSED_BY_SHUTDOWN]));
      for (const room of [table.first, table.second]) assert.deepEqual([shownTrade(room).phase, shownTrade(room).reason], ['cancelled', 'shutdown']);
      assert.equal(code, 0, server.log().slice(-1_000));
      assert.ok(tookMs < BOUND_MS, `${tookMs} ms`);
      await assertHolds(other, seller, { fungibles: { gold: 10 } });
      await assertAuditGreen(other);
    });
  }

  it('[SD4] of a process that ended nothing is left in Redis but what expires: no lease, no listing, no session', async () => {
    const members = await membersNow();
    const { seller, buyer } = await sitAt();
    assert.equal((await end(server, 'SIGTERM')).code, 0);
    await assertGone(await ended(members));
    const sessions = (await look.keys('strongroom:session:*')).filter((key) => [seller, buyer].some(({ id }) => key.includes(id)));
    assert.deepEqual(sessions, []);
  });

  it('[SD2] while a trade still settles no room is made there, matchmaking is BUSY, /readyz is 503, and the trade is answered before its room closes', async () => {
    const members = await membersNow();
    const { seller, buyer, table, gives } = await sitAt();
    const { shard } = await service(server).player(seller.id);
    const held = await lock(shards, { id: seller.id, shard });
    const revision = await offer(table.first, gives);
    await accept(table.first, revision);
    const answers = outcomeOf(table.second.request('trade:accept', { commandId: commandId(), revision }));
    const closed = closing(table.second);
    await until(async () => (await host.count('waiting')) > 0, 2_000, 'the settlement waits for the lock');
    const newcomer = await signIn(server.url);

    const ending = end(server, 'SIGTERM');
    await closing(seller.room);
    const ready = await fetch(`${server.url}/readyz`);
    assert.equal(ready.status, 503);
    await assert.rejects(newcomer.client.joinOrCreate('player'), { message: 'BUSY', code: 503 });
    const counted = Object.keys(await look.hgetall('roomcount'));
    assert.equal(counted.length, 1, 'others are not told to make rooms there');
    const again = newClient(other.url, newcomer.token);
    const { room, leave } = await joinPlayer(again);
    const listing = JSON.parse((await look.hget('strongroom:rooms', room.roomId)) ?? '{}') as { processId?: string };
    assert.equal(listing.processId, counted[0]);
    await held.release();

    assert.equal(await answers, 'settled');
    assert.equal(await closed, CLOSED_BY_SHUTDOWN);
    assert.equal(shownTrade(table.second).phase, 'settled');
    const { code, tookMs } = await ending;
    assert.equal(code, 0, server.log().slice(-1_000));
    assert.ok(tookMs < BOUND_MS, `${tookMs} ms`);
    await assertGone(await ended(members));
    await assertHolds(other, buyer, { fungibles: { gold: 10 } });
    await assertAuditGreen(other);
    await leave();
  });

  it('[SD3] a trade that cannot settle opens again, is cancelled with reason shutdown, and who accepted is told why', async () => {
    const { seller, table, gives } = await sitAt();
    const { shard } = await service(server).player(seller.id);
    const held = await lock(shards, { id: seller.id, shard });
    const revision = await offer(table.first, gives);
    await accept(table.first, revision);
    const answers = outcomeOf(table.second.request('trade:accept', { commandId: commandId(), revision }));
    await until(async () => (await host.count('waiting')) > 0, 2_000, 'the settlement waits for the lock');
    const { code, tookMs } = await end(server, 'SIGTERM');
    await held.release();
    assert.equal(await answers, 'CONCURRENT_MODIFICATION');
    assert.deepEqual([shownTrade(table.second).phase, shownTrade(table.second).reason], ['cancelled', 'shutdown']);
    assert.equal(code, 0, server.log().slice(-1_000));
    assert.ok(tookMs < BOUND_MS, `${tookMs} ms`);
    await assertHolds(other, seller, { fungibles: { gold: 10 } });
  });

  it('[SD1] players of a process that ended go on through another, with all that was answered', async () => {
    const player = await join(server.url);
    await service(server).grant(player.id, { fungibles: { gold: 7 } });
    const closed = closing(player.room);
    const ending = end(server, 'SIGTERM');
    await closed;
    const { room } = await joinPlayer(newClient(other.url, player.token));
    assert.equal((room.state as { fungibles: Map<string, number> }).fungibles.get('gold'), 7);
    assert.equal((await ending).code, 0);
    await room.leave();
  });

  it('[SD5] with Redis away it ends in time with 0: what was answered is in PostgreSQL', async () => {
    const { table, zone } = await sitAt();
    const closed = [zone, table.first].map(closing);
    await redis.crash();
    const { code, tookMs } = await end(server, 'SIGTERM');
    await redis.revive();
    assert.deepEqual(await Promise.all(closed), [CLOSED_BY_SHUTDOWN, CLOSED_BY_SHUTDOWN]);
    assert.equal(shownTrade(table.first).phase, 'cancelled');
    assert.equal(code, 0, server.log().slice(-1_000));
    assert.ok(tookMs < BOUND_MS, `${tookMs} ms`);
    await until(async () => (await fetch(`${other.url}/readyz`)).ok, 5_000, 'the other has Redis again');
  });

  it('[SD5] with a Redis that says nothing it ends in time all the same', async () => {
    const { table } = await sitAt();
    const closed = closing(table.first);
    const pid = Number(/process_id:(\d+)/.exec(await look.info('server'))?.[1]);
    process.kill(pid, 'SIGSTOP');
    const { tookMs } = await end(server, 'SIGTERM').finally(() => process.kill(pid, 'SIGCONT'));
    assert.equal(await closed, CLOSED_BY_SHUTDOWN);
    assert.ok(tookMs < BOUND_MS, `${tookMs} ms`);
    await until(async () => (await fetch(`${other.url}/readyz`)).ok, 5_000, 'the other has Redis again');
  });
});

describe('shutdown while PostgreSQL is away', () => {
  let host: MortalHost;
  let server: TestServer;
  before(async () => {
    host = await MortalHost.start(['one', 'two']);
  });
  beforeEach(async () => {
    await host.revive();
    server = await startServer({ env: { SHARD_URLS: host.urls.join(',') } });
  });
  afterEach(() => server?.stop());
  after(() => host?.stop());

  it('[SD5] it ends in time with 0 when nobody waits for an answer', async () => {
    const { room } = await join(server.url);
    const closed = closing(room);
    await host.crash();
    const { code, tookMs } = await end(server, 'SIGTERM');
    assert.equal(await closed, CLOSED_BY_SHUTDOWN);
    assert.equal(code, 0, server.log().slice(-1_000));
    assert.ok(tookMs < BOUND_MS, `${tookMs} ms`);
  });

  it('[SD5] it ends in time when a trade settles, which happened or did not', async () => {
    const [seller, buyer] = [await join(server.url), await join(server.url)];
    await service(server).grant(seller.id, { fungibles: { gold: 10 } });
    const table = await sitDown(seller, buyer);
    const { shard } = await service(server).player(seller.id);
    const held = await lock(host.urls.join(','), { id: seller.id, shard });
    const revision = await offer(table.first, { fungibles: { gold: 10 } });
    await accept(table.first, revision);
    // The SDK gives up after 10 s.
    const answer = outcomeOf(table.second.request('trade:accept', { commandId: commandId(), revision })).catch(() => 'timed out' as const);
    await delay(300);
    await host.crash();
    const { code, tookMs } = await end(server, 'SIGTERM');
    const told = await answer;
    await held.release();
    assert.ok(tookMs < BOUND_MS, `${tookMs} ms`);
    // Somebody who was told something, or a process that says that it did not tell.
    assert.ok(told === 'BUSY' || told === 'timed out', told);
    assert.equal(code, 0, 'it was answered, if late');
    await server.stop();
    await host.revive();
    server = await startServer({ env: { SHARD_URLS: host.urls.join(',') } });
    await assertHolds(server, seller, { fungibles: { gold: 10 } });
  });
});

describe('shutdown of a room that somebody was about to enter', () => {
  // Guards the seats that go with a room: one that nobody takes keeps its room for 15 s, and then all is cut off, with 1.
  it('[SD1] it waits for nobody who has a seat and has not come', async () => {
    const server = await startServer();
    const [ann, bob] = [await join(server.url, 'Ann'), await join(server.url, 'Bob')];
    await joinZone(ann);
    const { status } = await bob.client.http.post('/matchmake/joinOrCreate/zone', { body: { zone: 'meadow' } });
    assert.equal(status, 200);
    assert.equal((await end(server, 'SIGTERM')).code, 0);
    await server.stop();
  });
});

describe('shutdown, step by step', () => {
  it('[SD5] a step that fails keeps nobody from the rest, and one that does not end is cut off', async () => {
    const logged: unknown[] = [];
    const log = { error: (about: unknown) => void logged.push(about) } as never;
    const done: string[] = [];
    const steps = (...names: string[]) => names.map((name) => [name, () => void done.push(name)] as const);
    assert.equal(await shutDown([...steps('a', 'b')], { maxMs: 1_000, log }), true);
    assert.equal(await shutDown([['c', () => Promise.reject(new Error('broken'))], ...steps('d')], { maxMs: 1_000, log }), false);
    assert.equal(await shutDown([['e', () => new Promise(() => undefined)], ...steps('f')], { maxMs: 50, log }), false);
    assert.deepEqual(done, ['a', 'b', 'd']);
    assert.match(JSON.stringify(logged), /"step":"c".*"step":"e"/);
  });
});
