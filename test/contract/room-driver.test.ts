import assert from 'node:assert/strict';
import { initializeRoomCache, LocalDriver, type IRoomCache, type MatchMakerDriver, type SortOptions } from '@colyseus/core';
import { pick, seededRandom, whole, type Random } from '../../loadtest/bench/kit/holdings.ts';
import { openRedis, RoomDriver, type RedisLink } from '../../persistence/index.ts';
import { startRedisHost } from '../kit/redis-host.ts';

const INDEXED_BY = { player: 'playerId', zone: 'zone' };
const SEED = 11;
const STEPS = 400;

type Conditions = Partial<IRoomCache> & Record<string, unknown>;

let made = 0;

/** A listing as the matchmaker makes it; each is a second younger than the one before. */
function listing(given: Partial<IRoomCache> = {}): IRoomCache {
  made++;
  return initializeRoomCache({ name: 'zone', roomId: `room-${made}`, processId: 'p1', createdAt: new Date(1_700_000_000_000 + made * 1000), ...given });
}

const zone = (name: string, given: Partial<IRoomCache> = {}) => listing({ metadata: { zone: name }, ...given });
const idsOf = (rooms: readonly IRoomCache[]) => rooms.map(({ roomId }) => roomId);
const failOn = (error: Error) => assert.fail(error);

describe('room driver', () => {
  let host: Awaited<ReturnType<typeof startRedisHost>>;
  let link: RedisLink;
  let ours: RoomDriver;
  before(async () => {
    host = await startRedisHost();
    link = await openRedis(host.url, { onFault: failOn });
    ours = new RoomDriver(link.commands, { indexedBy: INDEXED_BY, onFault: failOn });
  });
  after(async () => {
    await link.close();
    await host.stop();
  });
  afterEach(async () => await ours.clear());

  const drivers: [string, () => MatchMakerDriver][] = [['local', () => new LocalDriver()], ['Redis', () => ours]];
  for (const [kind, make] of drivers) {
    describe(`${kind}: the contract`, () => {
      let driver: MatchMakerDriver;
      beforeEach(() => {
        driver = make();
      });
      const list = async (...rooms: IRoomCache[]) => {
        for (const room of rooms) assert.equal(await driver.insert?.(room), true);
        return rooms;
      };
      const query = async (conditions: Conditions, sort?: SortOptions) => idsOf(await driver.query(conditions, sort));
      const findOne = async (conditions: Conditions, sort?: SortOptions) => (await driver.findOne(conditions, sort))?.roomId;

      it('[RD1] finds by name and filter, whatever the filter is, and nothing of another name', async () => {
        const [meadow, forest, mine, trade] = await list(zone('meadow'), zone('forest'), listing({ name: 'player', metadata: { playerId: 'a' } }), listing({ name: 'trade' }));
        assert.equal(await findOne({ name: 'zone', zone: 'forest' }), forest?.roomId);
        assert.equal(await findOne({ name: 'zone', zone: 'cave' }), undefined);
        assert.equal(await findOne({ name: 'player', zone: 'meadow' }), undefined);
        assert.deepEqual(await query({ name: 'zone' }), [meadow?.roomId, forest?.roomId]);
        assert.deepEqual(await query({ playerId: 'a' }), [mine?.roomId]);
        assert.deepEqual(await query({ name: 'trade' }), [trade?.roomId]);
        assert.deepEqual(await query({ name: 'constructor' }), []);
        assert.deepEqual(await query({}), [meadow, forest, mine, trade].map((room) => room?.roomId));
      });

      it('[RD1] tells values apart by type, and names and values that look alike together', async () => {
        const [number, text, field] = await list(listing({ metadata: { zone: 1 } }), zone('1'), listing({ name: 'zone:1' }));
        assert.deepEqual(await query({ name: 'zone', zone: 1 }), [number?.roomId]);
        assert.deepEqual(await query({ name: 'zone', zone: '1' }), [text?.roomId]);
        assert.deepEqual(await query({ name: 'zone:1' }), [field?.roomId]);
      });

      it('[RD1] leaves out what is locked or private when asked to', async () => {
        const [, , open] = await list(zone('meadow', { locked: true }), zone('meadow', { private: true }), zone('meadow'));
        assert.deepEqual(await query({ name: 'zone', zone: 'meadow', locked: false, private: false }), [open?.roomId]);
        assert.equal(await findOne({ name: 'zone', zone: 'meadow', locked: false, private: false }), open?.roomId);
      });

      it('[RD1] sorts by fields and by metadata, in both directions, and else gives the oldest first', async () => {
        const rooms = await list(zone('a', { clients: 2 }), zone('a', { clients: 9 }), zone('a', { clients: 2, maxClients: 4 }), zone('b', { clients: 2, maxClients: 4 }));
        const [first, second, third, fourth] = idsOf(rooms);
        assert.deepEqual(await query({ name: 'zone' }), [first, second, third, fourth]);
        assert.deepEqual(await query({ name: 'zone' }, { clients: -1, maxClients: 'asc', zone: 'desc' }), [second, fourth, third, first]);
        assert.equal(await findOne({ name: 'zone', zone: 'a' }, { clients: 'descending' }), second);
        assert.equal(await findOne({ name: 'zone', zone: 'a' }), first);
      });

      it('[RD1] finds by ids, and says which there are', async () => {
        const [one, two] = await list(zone('meadow'), zone('forest'));
        const found = await driver.findByIds([one!.roomId, 'none', two!.roomId]);
        assert.deepEqual([...found], [[one?.roomId, one], [two?.roomId, two]]);
        assert.equal((await driver.findByIds([])).size, 0);
        assert.deepEqual([await driver.has(one!.roomId), await driver.has('none')], [true, false]);
        assert.equal(await findOne({ roomId: one!.roomId }), one?.roomId);
        assert.equal(await findOne({ roomId: 'none' }), undefined);
        assert.equal(await findOne({ roomId: one!.roomId, locked: true }), undefined);
      });

      it('[RD2] gives a room id to one of twenty at once, whose listing stays', async () => {
        const rivals = Array.from({ length: 20 }, (_, at) => zone(`z${at % 2}`, { roomId: 'one', processId: `p${at}` }));
        const told = await Promise.all(rivals.map((room) => driver.insert!(room)));
        assert.equal(told.filter(Boolean).length, 1);
        assert.deepEqual(await driver.query({}), [rivals[told.indexOf(true)]]);
      });

      it('[RD3] shows what an update sets and counts, also on the listing that it is given', async () => {
        const [room] = await list(zone('meadow'));
        await driver.update(room!, { $inc: { clients: 2 }, $set: { locked: true } });
        await driver.update(room!, { $inc: { clients: -1 } });
        assert.deepEqual([room?.clients, room?.locked], [1, true]);
        assert.deepEqual(await driver.query({ name: 'zone', locked: true, clients: 1 }), [room]);
      });

      it('[RD3] finds a room where an update or persist put it, and no longer where it was', async () => {
        const [room] = await list(zone('meadow'));
        await driver.update(room!, { $set: { metadata: { zone: 'forest' } } });
        assert.deepEqual([await findOne({ name: 'zone', zone: 'meadow' }), await findOne({ name: 'zone', zone: 'forest' })], [undefined, room?.roomId]);
        room!.metadata = { zone: 'cave' };
        await driver.persist(room!);
        assert.deepEqual([await findOne({ name: 'zone', zone: 'forest' }), await findOne({ name: 'zone', zone: 'cave' })], [undefined, room?.roomId]);
      });

      it('[RD3] removes a room, which no later update lists again', async () => {
        const [room, other] = await list(zone('meadow'), zone('meadow'));
        assert.equal(await driver.remove(room!.roomId), true);
        assert.equal(await driver.remove(room!.roomId), false);
        await driver.update(room!, { $inc: { clients: -1 } });
        await driver.persist(room!);
        assert.deepEqual([await query({}), await driver.has(room!.roomId)], [[other?.roomId], false]);
        assert.equal(await driver.insert?.(room!), true);
      });

      it('[RD3] does nothing to rooms without an id: those that lost it to another process', async () => {
        await list(zone('meadow'));
        assert.equal(await driver.remove(undefined as unknown as string), false);
        await driver.update(zone('meadow', { roomId: undefined as unknown as string }), { $inc: { clients: 1 } });
        assert.equal((await query({})).length, 1);
      });

      it('[RD3] lists again what is persisted as new', async () => {
        const [room] = await list(zone('meadow'));
        await driver.remove(room!.roomId);
        assert.equal(await driver.persist(room!, true), true);
        assert.deepEqual(await driver.query({ name: 'zone', zone: 'meadow' }), [room]);
      });

      it('[RD4] cleans up all rooms of one process, and none of another', async () => {
        const gone = Array.from({ length: 501 }, (_, at) => listing({ name: at % 2 ? 'zone' : 'trade', processId: 'gone', metadata: { zone: at } }));
        const [stays] = await list(zone('meadow', { processId: 'stays' }), ...gone);
        await driver.cleanup?.('gone');
        await driver.cleanup?.('never was');
        assert.deepEqual(await query({}), [stays?.roomId]);
      });

      it('[RD5] gives back a listing as it was: unlimited clients, the date, and what else a room put there', async () => {
        const metadata = { zone: 'meadow', deep: { list: [1, null, 'ä\n"'] } };
        const [room, bare] = await list(listing({ metadata, publicAddress: 'game.example/2567', unlisted: true }), listing({ name: 'trade', maxClients: 2 }));
        assert.deepEqual([room?.maxClients, room?.createdAt instanceof Date], [Infinity, true]);
        assert.deepEqual(await driver.findOne({ roomId: room!.roomId }), room);
        assert.deepEqual(await driver.query({ name: 'trade', maxClients: 2 }), [bare]);
      });
    });
  }

  describe('Redis: what the local driver does not need', () => {
    it(`[RD1] [RD3] agrees with the local driver after each of ${STEPS} random steps, seed ${SEED}, and leaves nothing behind`, async () => {
      const local = new LocalDriver();
      const random = seededRandom(SEED);
      for (let step = 0; step < STEPS; step++) {
        await randomStep(random, local, ours);
        const conditions = randomConditions(random);
        const sort = random() < 0.5 ? { clients: pick(random, [1, -1] as const) } : undefined;
        assert.deepEqual(await ours.query(conditions, sort), local.query(conditions, sort), JSON.stringify(conditions));
      }
      for (const { roomId, processId } of local.rooms) if (processId !== PROCESSES[0]) assert.equal(await ours.remove(roomId), true);
      await ours.cleanup(PROCESSES[0]!);
      assert.deepEqual(await link.commands.keys('strongroom:rooms*'), []);
    });

    // Guards the question whether a process is gone: until it is swept, its rooms are listed, and whoever is sent there waits.
    it('[PL2] finds no room of a process that is gone, and the next one that fits', async () => {
      const gone = new Set(['p1']);
      const careful = new RoomDriver(link.commands, { indexedBy: INDEXED_BY, isGone: async (processId) => gone.has(processId), onFault: failOn });
      const [dead, alive] = [zone('meadow'), zone('meadow', { processId: 'p2' })];
      for (const room of [dead, alive]) await careful.insert(room);
      assert.equal((await careful.findOne({ name: 'zone', zone: 'meadow' }))?.roomId, alive.roomId);
      assert.equal(await careful.findOne({ roomId: dead.roomId }), undefined);
      gone.clear();
      assert.equal((await careful.findOne({ name: 'zone', zone: 'meadow' }))?.roomId, dead.roomId);
    });

    it('[RD1] reads only the rooms that a query may find', async () => {
      const [mine, trade] = [listing({ name: 'player', metadata: { playerId: 'a' } }), listing({ name: 'trade' })];
      for (const room of [mine, trade, listing({ name: 'player', metadata: { playerId: 'b' } }), zone('meadow')]) await ours.insert(room);
      // Guards the buckets: whoever reads another meets what cannot be read.
      const others = ['strongroom:rooms', 'strongroom:rooms:in:player:b', 'strongroom:rooms:in:zone:meadow'];
      for (const bucket of others) assert.ok((await link.commands.hlen(bucket)) > 0 && (await link.commands.hset(bucket, 'poison', '{')), `${bucket} is a bucket`);
      assert.deepEqual(await ours.findOne({ name: 'player', playerId: 'a', locked: false, private: false }), mine);
      assert.deepEqual(await ours.query({ name: 'trade' }), [trade]);
      await assert.rejects(ours.findOne({ name: 'player' }), SyntaxError);
      await assert.rejects(ours.findOne({ name: 'zone', zone: 'meadow' }), SyntaxError);
    });

    it('[RD1] reads the same once in a turn, and again in the next', async () => {
      await ours.insert(zone('meadow'));
      const hvals = link.commands.hvals.bind(link.commands);
      const read: string[] = [];
      link.commands.hvals = ((key: string) => {
        read.push(key);
        return hvals(key);
      }) as typeof link.commands.hvals;
      try {
        const found = await Promise.all(Array.from({ length: 50 }, (_, at) => ours.findOne({ name: 'zone', zone: at % 2 ? 'meadow' : 'cave' })));
        assert.equal(found.filter(Boolean).length, 25);
        assert.equal(read.length, 2);
        await ours.findOne({ name: 'zone', zone: 'meadow' });
        assert.equal(read.length, 3);
      } finally {
        Reflect.deleteProperty(link.commands, 'hvals');
      }
    });

    it('[RD1] does not show a room that was gone before it was asked for', async () => {
      for (let round = 0; round < 50; round++) {
        const room = zone('meadow');
        await ours.insert(room);
        assert.deepEqual(await ours.query({ name: 'zone', zone: 'meadow' }), [room]);
        await ours.remove(room.roomId);
        assert.deepEqual(await ours.query({ name: 'zone', zone: 'meadow' }), []);
      }
    });

    it('[RD3] lists no room without an id', async () => {
      const lost = zone('meadow', { roomId: undefined as unknown as string });
      assert.deepEqual([await ours.insert(lost), await ours.persist(lost, true), await ours.update(lost, {})], [false, false, false]);
      assert.deepEqual(await ours.query({}), []);
    });

    it('[RD3] goes on when Redis forgot the scripts', async () => {
      const room = zone('meadow');
      await ours.insert(room);
      await link.commands.script('FLUSH');
      await ours.update(room, { $inc: { clients: 1 } });
      assert.equal((await ours.findOne({ name: 'zone', zone: 'meadow' })).clients, 1);
    });

    it('leaves the connection open at its shutdown', async () => {
      ours.shutdown();
      assert.equal(await link.commands.ping(), 'PONG');
    });
  });
});

const PROCESSES = ['p1', 'p2', 'p3'];
const NAMES = ['zone', 'player', 'trade'];
const VALUES = ['a', 'b', 1, null];

function randomConditions(random: Random): Conditions {
  const fields: Conditions = {};
  if (random() < 0.7) fields.name = pick(random, NAMES);
  if (random() < 0.6) fields[pick(random, ['zone', 'playerId'])] = pick(random, VALUES);
  if (random() < 0.3) fields.locked = random() < 0.5;
  if (random() < 0.2) fields.processId = pick(random, PROCESSES);
  return fields;
}

/** The same to both, each with listings of its own: the local driver keeps what it is given. */
async function randomStep(random: Random, local: LocalDriver, ours: RoomDriver): Promise<void> {
  const known = local.rooms.length > 0 ? pick(random, local.rooms) : undefined;
  const metadata = { [pick(random, ['zone', 'playerId'])]: pick(random, VALUES) };
  const kind = whole(random, 1, 10);
  if (kind <= 5 || known === undefined) {
    const room = listing({ name: pick(random, NAMES), processId: pick(random, PROCESSES), metadata });
    assert.equal(await ours.insert(structuredClone(room)), await local.insert(room));
  } else if (kind <= 8) {
    const change = random() < 0.5 ? { $inc: { clients: 1 } } : { $set: { metadata, locked: random() < 0.5 } };
    await ours.update(structuredClone(known), change);
    local.update(known, change);
  } else if (kind === 9) {
    assert.equal(await ours.remove(known.roomId), local.remove(known.roomId));
  } else if (random() < 0.1) {
    await ours.cleanup(known.processId);
    await local.cleanup(known.processId);
  }
}
