import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { initializeRoomCache, requestFromIPC, subscribeIPC } from '@colyseus/core';
import { Client, type Room } from '@colyseus/sdk';
import { openRedis, RoomDriver, RoomPresence, watchGeneration, type RedisLink } from '../../persistence/index.ts';
import { assertSoon } from '../kit/patience.ts';
import { until } from '../kit/player.ts';
import { MortalRedis } from '../kit/redis-host.ts';
import { startRoomsProcess, type RoomsProcess } from '../kit/redis-rooms-host.ts';

const LOOK_MS = 50;
/** How long it takes to leave for who takes his time. */
const LEAVE_MS = 1_000;

describe('rooms over a Redis that dies', () => {
  let redis: MortalRedis;
  let link: RedisLink;
  let faults: Error[] = [];
  const onFault = (error: Error) => void faults.push(error);
  const untilUp = async () => await until(() => link.isUp());
  before(async () => {
    redis = await MortalRedis.start();
    link = await openRedis(redis.url, { onFault });
  });
  after(async () => {
    await link.close();
    await redis.stop();
  });
  beforeEach(async () => {
    await redis.revive();
    await untilUp();
    await link.commands.flushall();
    faults = [];
  });

  describe('driver', () => {
    const room = () => initializeRoomCache({ name: 'zone', roomId: 'room', processId: 'p', metadata: { zone: 'meadow' } });

    // Mocha fails the run on a rejection that nobody handles, as our process would end: what is called here is not awaited at first.
    it('[RD6] what the framework does not await resolves to false and is reported; what a join awaits rejects', async () => {
      const driver = new RoomDriver(link.commands, { indexedBy: { zone: 'zone' }, onFault });
      await driver.insert(room());
      await redis.crash();
      const unawaited = [driver.update(room(), { $inc: { clients: 1 } }), driver.persist(room()), driver.remove('room'), driver.cleanup('p')];
      await delay(LOOK_MS);
      assert.deepEqual(await Promise.all(unawaited), [false, false, false, undefined]);
      const asked = [
        () => driver.findOne({ name: 'zone', zone: 'meadow' }), () => driver.findOne({ roomId: 'room' }), () => driver.query({}), () => driver.has('room'),
        () => driver.findByIds(['room']), () => driver.insert(room()), () => driver.persist(room(), true),
      ];
      for (const ask of asked) await assert.rejects(ask, Error, String(ask));
      assert.ok(faults.length >= 4);
      // Of a discarded duplicate: guards that it asks nothing of Redis.
      const before = faults.length;
      assert.equal(await driver.remove(undefined), false);
      assert.equal(faults.length, before);
    });
  });

  describe('presence', () => {
    let presence: RoomPresence;
    beforeEach(async () => {
      presence = await RoomPresence.open(link.commands, { onFault });
    });
    afterEach(() => presence.shutdown());

    it('[RD6] what writes or subscribes resolves to what lets the framework go on, also from a room’s own; what reads rejects', async () => {
      // What a room is given: guards that no method needs a private field.
      const scoped = Object.create(presence) as RoomPresence;
      await redis.crash();
      await until(() => !presence.isUp());
      const heard = () => undefined;
      for (const each of [presence, scoped]) {
        faults = [];
        const unawaited = {
          subscribe: each.subscribe('topic', heard), unsubscribe: each.unsubscribe('topic', heard), unsubscribeAll: each.unsubscribe('topic'), publish: each.publish('topic', 1),
          set: each.set('k', 'v'), setex: each.setex('k', 'v', 1), expire: each.expire('k', 1), del: each.del('k'), sadd: each.sadd('k', 'v'), srem: each.srem('k', 'v'),
          hset: each.hset('k', 'f', 'v'), hdel: each.hdel('k', 'f'), hincrby: each.hincrby('k', 'f', 1), hincrbyex: each.hincrbyex('k', 'f', 1, 1),
        };
        await delay(LOOK_MS);
        const values = await Promise.all(Object.values(unawaited));
        assert.deepEqual(values, [each, each, each, undefined, undefined, undefined, undefined, undefined, undefined, 0, false, false, 1, 1]);
        assert.ok(faults.length >= values.length, `${faults.length} faults`);
        for (const read of [() => each.get('k'), () => each.exists('k'), () => each.hget('k', 'f'), () => each.hgetall('k'), () => each.smembers('k'), () => each.channels('*')]) {
          await assert.rejects(read, Error, String(read));
        }
      }
    });

    it('works as the framework’s own does', async () => {
      const got: unknown[] = [];
      const [first, second] = [(message: unknown) => void got.push(message), (message: unknown) => void got.push(message)];
      await presence.subscribe('topic', first);
      await presence.subscribe('topic', second);
      await presence.publish('topic', { one: 1 });
      await until(() => got.length === 2);
      await presence.unsubscribe('topic', first);
      await presence.publish('topic', undefined);
      await until(() => got.length === 3);
      assert.deepEqual(got, [{ one: 1 }, { one: 1 }, false]);
      assert.deepEqual(await presence.channels('to*'), ['topic']);
      await presence.unsubscribe('topic');
      assert.deepEqual(await presence.channels('to*'), []);
      assert.deepEqual([await presence.hincrbyex('h', 'f', 1, 10), await presence.hincrbyex('h', 'f', 1, 10), await presence.hincrbyex('h', 'f', -1, 10)], [1, 2, 1]);
      assert.ok((await link.commands.ttl('h')) > 0);
      assert.deepEqual([await presence.hset('h', 'g', 'v'), await presence.hset('h', 'g', 'w'), await presence.hdel('h', 'g'), await presence.hdel('h', 'g')], [true, false, true, false]);
      await presence.setex('k', 'v', 10);
      assert.deepEqual([await presence.get('k'), await presence.exists('k')], ['v', true]);
      await presence.del('k');
      assert.equal(await presence.exists('k'), false);
    });

    it('[RD7] hears what it subscribed to before and while Redis was away, and nothing that it gave up meanwhile', async () => {
      const got: string[] = [];
      const hear = (message: unknown) => void got.push(String(message));
      await presence.subscribe('before', hear);
      await presence.subscribe('given up', hear);
      await redis.crash();
      await until(() => !presence.isUp());
      await presence.subscribe('meanwhile', hear);
      await presence.unsubscribe('given up', hear);
      await redis.revive();
      await untilUp();
      await until(async () => (await link.commands.pubsub('CHANNELS')).length === 2);
      assert.deepEqual(((await link.commands.pubsub('CHANNELS')) as string[]).sort(), ['before', 'meanwhile']);
      for (const topic of ['before', 'meanwhile', 'given up']) await presence.publish(topic, topic);
      await until(() => got.length === 2);
      assert.deepEqual(got.sort(), ['before', 'meanwhile']);
    });

    describe('requests', () => {
      /** Longer than a test: what ends sooner was not ended by the framework's own time. */
      const FOR_EVER_MS = 600_000;
      const ROOM = '$room';
      const ask = () => requestFromIPC<string>(presence, ROOM, 'ask', [], FOR_EVER_MS);
      let other: RoomPresence;
      beforeEach(async () => {
        other = await RoomPresence.open(link.commands, { onFault });
      });
      afterEach(() => other.shutdown());

      it('[RD9] what nobody heard yet is said again to who listens then, once', async () => {
        let asked = 0;
        const answer = ask();
        await delay(2 * LOOK_MS);
        await subscribeIPC(other, ROOM, () => Promise.resolve(`answer ${++asked}`));
        // Guards that it is published again: at first it was heard by nobody.
        assert.equal(await answer, 'answer 1');
        await delay(6 * LOOK_MS);
        assert.equal(asked, 1);
      });

      it('[RD9] what is heard is not said again, however long its answer takes', async () => {
        let asked = 0;
        await subscribeIPC(other, ROOM, () => delay(12 * LOOK_MS, `answer ${++asked}`));
        // Guards that it is known who heard it, and that who listens is waited for.
        assert.equal(await ask(), 'answer 1');
        assert.equal(asked, 1);
      });

      for (const topic of [ROOM, 'p:process']) {
        it(`[RD9] what nobody is left to answer is given up: ${topic}`, async () => {
          // Guards that who is missing is missed, of one that never was there and of one that went away with the question.
          await assert.rejects(requestFromIPC(presence, topic, 'ask', [], FOR_EVER_MS), { message: 'ipc_timeout' });
          await subscribeIPC(other, topic, () => new Promise(() => undefined));
          const asked = assert.rejects(requestFromIPC(presence, topic, 'ask', [], FOR_EVER_MS), { message: 'ipc_timeout' });
          await delay(2 * LOOK_MS);
          other.shutdown();
          await asked;
        });
      }

      it('[RD9] a process that is back in a moment is not given up, nor is anybody while Redis is away', async () => {
        const isMissed = async (is: boolean) => await until(async () => ((await presence.channels('p:*')).length === 0) === is);
        const [topic, lost] = ['p:process', (message: unknown) => void (asked = message as typeof asked)] as const;
        let asked: [method: string, requestId: string] | undefined;
        await other.subscribe(topic, lost);
        const answer = requestFromIPC(presence, topic, 'ask', [], FOR_EVER_MS);
        await until(() => asked !== undefined);
        // Guards the patience with a connection that broke.
        await other.unsubscribe(topic, lost);
        await isMissed(true);
        await delay(10 * LOOK_MS);
        await other.subscribe(topic, lost);
        await isMissed(false);
        await redis.crash();
        await until(() => !presence.isUp());
        faults = [];
        // Guards that nobody is missed by who cannot look, and that it says so.
        await delay(30 * LOOK_MS);
        assert.ok(faults.some(({ message }) => /writeable|closed/i.test(message)), faults.map(({ message }) => message).join());
        await redis.revive();
        await untilUp();
        await isMissed(false);
        await presence.publish(`ipc:${asked?.[1]}`, [0, 'here']);
        assert.equal(await answer, 'here');
      });
    });

    it('leaves the connection for commands open at its shutdown, with the listeners that it had', async () => {
      const listeners = link.commands.listenerCount('error');
      const another = await RoomPresence.open(link.commands, { onFault });
      assert.equal(link.commands.listenerCount('error'), listeners);
      another.shutdown();
      await another.publish('topic', 1);
      assert.equal(await link.commands.ping(), 'PONG');
      assert.deepEqual(faults, []);
    });
  });

  it('[RD6] [RD7] a Redis that answers nothing is one that is away: nothing waits for it for long, and all goes on when it answers again', async () => {
    const presence = await RoomPresence.open(link.commands, { onFault });
    const driver = new RoomDriver(link.commands, { indexedBy: {}, onFault });
    const room = initializeRoomCache({ name: 'zone', roomId: 'room', processId: 'p' });
    let heard = 0;
    try {
      await driver.insert(room);
      redis.stall();
      const began = performance.now();
      // Guards the time limit of commands.
      const answers = await Promise.all([driver.update(room, { $inc: { clients: 1 } }), presence.hset('k', 'f', 'v'), presence.subscribe('topic', () => heard++), assert.rejects(driver.findOne({ name: 'zone' }))]);
      assert.deepEqual(answers, [false, false, presence, undefined]);
      assertSoon(performance.now() - began, 3_000);
      redis.resume();
      await until(async () => (await driver.update(room, {}).catch(() => false)) && (await presence.channels('topic')).length === 1);
      await presence.publish('topic', 1);
      await until(() => heard === 1);
      assert.equal((await driver.findOne({ name: 'zone' })).clients, 1);
    } finally {
      redis.resume();
      presence.shutdown();
    }
  });

  describe('generation', () => {
    it('[RD8] tells of a flush once, of a restart once, and of nothing else', async () => {
      let lost = 0;
      const watch = await watchGeneration(link.commands, { intervalMs: LOOK_MS, onLost: () => void lost++, onFault });
      try {
        await delay(4 * LOOK_MS);
        assert.equal(lost, 0);
        await link.commands.flushall();
        await until(() => lost > 0);
        await delay(4 * LOOK_MS);
        assert.equal(lost, 1);
        await redis.crash();
        await delay(4 * LOOK_MS);
        assert.equal(lost, 1);
        await redis.revive();
        await until(() => lost > 1);
        await delay(4 * LOOK_MS);
        assert.equal(lost, 2);
      } finally {
        watch.stop();
      }
      await link.commands.flushall();
      await delay(4 * LOOK_MS);
      assert.equal(lost, 2);
    });

    it('[RD8] tells each process, looks at once when the connection is back, and tells again what could not be done', async () => {
      const lost = [0, 0];
      const first = await watchGeneration(link.commands, { intervalMs: 3_600_000, onLost: () => void lost[0]!++, onFault });
      const refuses = { onLost: () => (++lost[1]! === 1 ? Promise.reject(new Error('not now')) : undefined) };
      const second = await watchGeneration(link.commands, { intervalMs: LOOK_MS, onFault, ...refuses });
      await redis.crash();
      faults = [];
      await redis.revive();
      await until(() => lost[0] === 1 && lost[1] === 2);
      await delay(4 * LOOK_MS);
      assert.deepEqual(lost, [1, 2]);
      assert.ok(faults.some(({ message }) => message === 'not now'));
      first.stop();
      second.stop();
    });

    it('[RD8] is not watched from a moment at which nobody can look', async () => {
      await redis.crash();
      await until(() => !link.isUp());
      await assert.rejects(watchGeneration(link.commands, { intervalMs: LOOK_MS, onLost: () => undefined, onFault }));
    });
  });

  describe('two real servers', () => {
    let servers: RoomsProcess[] = [];
    let joined: Room[] = [];
    beforeEach(async () => {
      servers = [await startRoomsProcess(redis.url), await startRoomsProcess(redis.url)];
    });
    afterEach(async () => {
      await Promise.all(servers.map((server) => server.kill()));
      await until(() => joined.every((room) => !room.connection.isOpen));
      [servers, joined] = [[], []];
    });
    const join = async (server: number, zone: string) => {
      const room = await new Client(servers[server]!.url).joinOrCreate('zone', { zone });
      room.reconnection.enabled = false;
      room.onMessage('*', () => undefined);
      joined.push(room);
      return room;
    };
    const alive = () => servers.map((server) => server.exitCode() ?? 'alive');

    it('[RD6] go on while Redis is away: joins fail, rooms go on, end and time out, and no rejection ends the process', async () => {
      const rooms = [await join(0, 'a'), await join(1, 'b'), await join(0, 'c'), await join(1, 'd')];
      for (const zone of ['a', 'b']) for (const { url } of servers) await new Client(url).http.post('/matchmake/joinOrCreate/zone', { body: { zone } as never });
      await redis.crash();
      for (const zone of ['a', 'e']) for (const server of [0, 1]) await assert.rejects(join(server, zone));
      rooms[0]!.send('change');
      rooms[1]!.send('change');
      rooms[2]!.send('end');
      await rooms[3]!.leave();
      assert.equal(typeof (await rooms[0]!.request('where')), 'number');
      await delay(2_500); // seats that were never taken are given up, and the statistics are written
      assert.deepEqual(alive(), ['alive', 'alive'], servers.map((server) => server.errors()).join('\n'));
    });

    it('[RD7] [RD8] a room is found and joined through every process again after Redis lost everything', async () => {
      const room = await join(0, 'meadow');
      await redis.crash();
      await delay(LOOK_MS);
      await redis.revive();
      for (const server of [0, 1]) {
        await until(async () => (await join(server, 'meadow').catch(() => undefined))?.roomId === room.roomId);
      }
      assert.deepEqual(alive(), ['alive', 'alive']);
    });

    /** Two are there and leave, of whom one takes his time; two others take the seats meanwhile. @returns the room, and where the next one comes to be */
    const takenMeanwhile = async (name: string) => {
      const enter = async () => {
        const room = await new Client(servers[0]!.url).joinOrCreate(name);
        room.reconnection.enabled = false;
        joined.push(room);
        return room;
      };
      const [quick, slow] = [await enter(), await enter()];
      slow.send('slow', LEAVE_MS);
      void slow.leave();
      await quick.leave();
      const others = [await enter(), await enter()];
      await until(() => !slow.connection.isOpen);
      return { room: others.map(({ roomId }) => roomId), next: await enter().then(({ roomId }) => roomId, (error: Error) => error.message) };
    };

    it('[RM7] a full room is found by nobody, also when its seats were taken while another one left', async () => {
      // Guards `unlock`.
      const { room, next } = await takenMeanwhile('small');
      assert.equal(room[0], room[1]);
      assert.ok(!room.includes(next) && !/full/.test(next), next);
    });

    it('a full room is found by everybody, and none can join it, where the framework opens it: goes red without the guard', async () => {
      const { room, next } = await takenMeanwhile('bare');
      assert.match(next, new RegExp(`${room[0]} is already full`));
    });

    it('[RD6] shut down in order while Redis is away', async () => {
      await join(0, 'a');
      await join(1, 'b');
      await redis.crash();
      assert.deepEqual(await Promise.all(servers.map((server) => server.stop())), [0, 0]);
    });
  });
});
