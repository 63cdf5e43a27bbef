import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { unpack } from 'msgpackr';
import { memorySessionStore, SESSION_TTL_MS, type Session, type SessionStore } from '../../persistence/session-store.ts';
import type { ClientId, PlayerId } from '../../schema/ids.ts';
import { memoryHost, redisHost, type RedisHost, type SessionHost } from '../kit/session-stores.ts';

const HOUR_MS = 3_600_000;

const newPlayer = () => randomUUID() as PlayerId;
/** A session as a server makes it, unless more of it is said. */
const session = (playerId: PlayerId, epoch: number, more: Partial<Session> = {}): Session => ({ playerId, epoch, processId: 'Qm3xTz81K', roomId: `room-${epoch}`, takenAt: 1_790_000_000_123, ...more });

for (const [name, start] of Object.entries({ memory: memoryHost, redis: redisHost as () => Promise<SessionHost> })) {
  describe(`session store: ${name}`, () => {
    let host: SessionHost;
    let store: SessionStore;
    let ann: PlayerId;
    before(async () => void (host = await start()));
    beforeEach(async () => {
      await host.flush();
      [store] = host.stores;
      ann = newPlayer();
    });
    after(() => host.stop());

    it('[SE3] the first session displaces nobody, the next names it whole, and the newest is found', async () => {
      assert.equal(await store.find(ann), undefined);
      assert.deepEqual(await store.take(session(ann, 1)), { taken: true, displaced: undefined });
      const second = session(ann, 2, { processId: 'Zk2', takenAt: 1, clientId: randomUUID() as ClientId });
      assert.deepEqual(await store.take(second), { taken: true, displaced: session(ann, 1) });
      assert.deepEqual(await store.find(ann), second);
      assert.equal(await store.find(newPlayer()), undefined);
    });

    // Guards the comparison of epochs in `take`.
    it('[SE3] a session with an older epoch takes nothing, and is told who is newer', async () => {
      await store.take(session(ann, 5));
      assert.deepEqual(await store.take(session(ann, 4)), { taken: false, newest: session(ann, 5) });
      assert.deepEqual(await store.find(ann), session(ann, 5));
    });

    it('[SE3] the same session, taken again because its answer was lost, displaces nobody', async () => {
      await store.take(session(ann, 5));
      assert.deepEqual(await store.take(session(ann, 5)), { taken: true, displaced: undefined });
      assert.deepEqual(await store.find(ann), session(ann, 5));
    });

    // Guards that reading, comparing and writing are one step: the script, and in memory that nothing is awaited in between.
    it('[SE3] of 20 that are taken at once in any order, over two processes, the highest epoch stays and each displaces another', async () => {
      const epochs = Array.from({ length: 20 }, (_, at) => at + 1);
      await fc.assert(
        fc.asyncProperty(fc.shuffledSubarray(epochs, { minLength: epochs.length }), async (order) => {
          const player = newPlayer();
          const outcomes = await Promise.all(order.map((epoch, at) => host.stores[at % 2 === 0 ? 0 : 1].take(session(player, epoch))));
          assert.deepEqual(await store.find(player), session(player, epochs.length));
          const displaced = outcomes.flatMap((outcome) => (outcome.taken && outcome.displaced ? [outcome.displaced.epoch] : []));
          const refused = order.filter((_, at) => !outcomes[at]?.taken);
          // Who took was displaced by somebody, but the last, and who did not was never there.
          assert.deepEqual([...displaced, ...refused, epochs.length].toSorted((a, b) => a - b), epochs);
          for (const [at, outcome] of outcomes.entries()) {
            const other = outcome.taken ? outcome.displaced : outcome.newest;
            assert.ok(other === undefined || (outcome.taken ? other.epoch < order[at]! : other.epoch > order[at]!));
          }
        }),
        { numRuns: 30 },
      );
    });

    it('[SE3] epochs are compared exactly up to 2^53 − 1', async () => {
      const last = Number.MAX_SAFE_INTEGER;
      for (const epoch of [2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, last - 1, last]) {
        assert.equal((await store.take(session(ann, epoch))).taken, true);
        assert.equal((await store.find(ann))?.epoch, epoch);
        assert.deepEqual(await store.take(session(ann, epoch - 1)), { taken: false, newest: session(ann, epoch) });
      }
      assert.deepEqual(await store.renew([session(ann, last - 1)]), [session(ann, last - 1)]);
      assert.equal(await store.release({ playerId: ann, epoch: last - 1 }), false);
      assert.equal(await store.release({ playerId: ann, epoch: last }), true);
    });

    // Guards the comparison of epochs in `release`.
    it('[SE3] a session releases itself, once, and no other', async () => {
      await store.take(session(ann, 2));
      for (const epoch of [1, 3]) assert.equal(await store.release({ playerId: ann, epoch }), false);
      assert.equal(await store.release({ playerId: newPlayer(), epoch: 2 }), false);
      assert.deepEqual(await store.find(ann), session(ann, 2));
      assert.equal(await store.release({ playerId: ann, epoch: 2 }), true);
      assert.equal(await store.release({ playerId: ann, epoch: 2 }), false);
      assert.equal(await store.find(ann), undefined);
    });

    it('[SE3] many are found at once; who has no session is left out', async () => {
      const [bob, nobody] = [newPlayer(), newPlayer()];
      await store.take(session(ann, 1));
      await store.take(session(bob, 7));
      assert.deepEqual(await store.findMany([bob, nobody, ann, bob]), new Map([[bob, session(bob, 7)], [ann, session(ann, 1)]]));
      assert.deepEqual(await store.findMany([nobody]), new Map());
      assert.deepEqual(await store.findMany([]), new Map());
    });

    it('[SE3] what was found is a copy: changing it changes nothing that is recorded', async () => {
      const taken = session(ann, 1);
      await store.take(taken);
      taken.roomId = 'changed';
      for (const found of [await store.find(ann), (await store.findMany([ann])).get(ann)]) Object.assign(found ?? {}, { epoch: 99 });
      assert.deepEqual(await store.find(ann), session(ann, 1));
    });

    // Guards the time-to-live that `take` and `renew` set.
    it('[SE4] a session is kept for 24 h after it was last taken or renewed', async () => {
      await store.take(session(ann, 1));
      await host.pass(24 * HOUR_MS - 10_000);
      assert.deepEqual(await store.renew([session(ann, 1)]), []);
      await host.pass(24 * HOUR_MS - 10_000);
      assert.deepEqual(await store.find(ann), session(ann, 1));
      await store.take(session(ann, 2));
      await host.pass(24 * HOUR_MS - 10_000);
      assert.deepEqual((await store.findMany([ann])).get(ann), session(ann, 2));
      await host.pass(10_000);
      assert.equal(await store.find(ann), undefined);
      assert.equal((await store.findMany([ann])).size, 0);
      assert.equal(await store.release({ playerId: ann, epoch: 2 }), false);
      assert.deepEqual(await store.take(session(ann, 3)), { taken: true, displaced: undefined });
    });

    it('[SE4] looking does not keep a session', async () => {
      await store.take(session(ann, 1));
      await host.pass(24 * HOUR_MS - 10_000);
      await store.find(ann);
      await host.pass(10_000);
      assert.equal(await store.find(ann), undefined);
    });

    it('[SE4] renewing puts back what was lost, of many', async () => {
      const sessions = Array.from({ length: 450 }, (_, at) => session(newPlayer(), at + 1));
      for (const each of sessions) await store.take(each);
      await host.flush();
      [store] = host.stores;
      assert.equal((await store.findMany(sessions.map(({ playerId }) => playerId))).size, 0);
      assert.deepEqual(await store.renew(sessions), []);
      assert.deepEqual([...(await store.findMany(sessions.map(({ playerId }) => playerId))).values()], sessions);
      assert.deepEqual(await store.renew([]), []);
    });

    // Guards the comparison of epochs in `renew`.
    it('[SE4] renewing leaves newer sessions alone and names who was displaced, of many', async () => {
      const held = Array.from({ length: 450 }, () => session(newPlayer(), 5));
      const displaced = held.filter((_, at) => at % 150 === 0 || at === 449);
      for (const each of displaced) await store.take({ ...each, epoch: 6, roomId: 'newer' });
      assert.deepEqual(await store.renew(held), displaced);
      for (const { playerId } of displaced) assert.deepEqual(await store.find(playerId), session(playerId, 6, { roomId: 'newer' }));
      assert.deepEqual(await store.find(held[1]!.playerId), held[1]);
    });

    it('[SE4] renewing a session records it over an older one, which takes nothing any more', async () => {
      await store.take(session(ann, 1));
      assert.deepEqual(await store.renew([session(ann, 2)]), []);
      assert.equal((await store.take(session(ann, 1))).taken, false);
    });
  });
}

describe('session store: what is in memory', () => {
  // Guards the sweep in `put`, and its bound.
  it('[SE4] goes when its time is over as others come, a few at a time', async () => {
    let now = 0;
    const store = memorySessionStore({ now: () => now });
    for (let made = 0; made < 100; made++) await store.take(session(newPlayer(), 1));
    now = SESSION_TTL_MS;
    await store.take(session(newPlayer(), 1));
    assert.ok(store.size < 100 && store.size > 90, `${store.size} are left`);
    for (let made = 1; made < 34; made++) await store.take(session(newPlayer(), 1));
    assert.equal(store.size, 34);
  });
});

describe('session store: what is in Redis', () => {
  let host: RedisHost;
  before(async () => void (host = await redisHost()));
  beforeEach(() => host.flush());
  after(() => host.stop());
  const keyOf = (playerId: PlayerId) => `strongroom:session:${playerId}`;

  it('[SE5] is MessagePack, and smaller than the same as JSON, with or without the names of its fields', async () => {
    const taken = session(newPlayer(), 12);
    await host.stores[0].take(taken);
    const stored = (await host.commands.getBuffer(keyOf(taken.playerId)))!;
    const { epoch, processId, roomId, takenAt } = taken;
    assert.deepEqual(unpack(stored), [epoch, processId, roomId, takenAt]);
    assert.ok(stored.length < JSON.stringify([epoch, processId, roomId, takenAt]).length);
    assert.ok(stored.length < JSON.stringify({ epoch, processId, roomId, takenAt }).length / 2);
  });

  it('[SE4] runs out 24 h after it was taken or renewed', async () => {
    const [taken, renewed] = [session(newPlayer(), 1), session(newPlayer(), 1)];
    await host.stores[0].take(taken);
    await host.stores[0].renew([renewed]);
    for (const { playerId } of [taken, renewed]) {
      const leftMs = await host.commands.pttl(keyOf(playerId));
      assert.ok(leftMs > SESSION_TTL_MS - 5_000 && leftMs <= SESSION_TTL_MS, `${leftMs} ms`);
    }
  });

  it('[SE5] is looked up by one GET, of many by one MGET, and a thousand are renewed by five scripts', async () => {
    const [store] = host.stores;
    const sessions = Array.from({ length: 1_000 }, () => session(newPlayer(), 1));
    const [first] = sessions as [Session];
    // The first time a connection sends the script itself.
    await store.renew([first]);
    await host.commands.config('RESETSTAT');
    await store.find(first.playerId);
    await store.findMany(sessions.map(({ playerId }) => playerId));
    await store.renew(sessions);
    const stats = await host.commands.info('commandstats');
    const calls = (command: string) => Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
    // Each script begins with an MGET of its own.
    assert.deepEqual({ get: calls('get'), mget: calls('mget') - calls('evalsha'), evalsha: calls('evalsha'), eval: calls('eval') }, { get: 1, mget: 1, evalsha: 5, eval: 0 });
  });

  it('[SE3] the scripts are sent again to a Redis that forgot them', async () => {
    const [store] = host.stores;
    const taken = session(newPlayer(), 1);
    for (const forget of [false, true]) {
      if (forget) await host.commands.script('FLUSH');
      const outcomes = await Promise.all([store.take(taken), store.renew([taken]), store.release({ playerId: newPlayer(), epoch: 1 })]);
      assert.deepEqual(outcomes, [{ taken: true, displaced: undefined }, [], false]);
    }
  });
});
