import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Room } from '@colyseus/sdk';
import { assertAuditGreen, assertHolds, assertShown } from '../kit/economy.ts';
import { assertGoesRed, withMutant } from '../kit/mutant.ts';
import { commandId, ignoreMessages, join, joinPlayer, newClient, service, until, type TestPlayer } from '../kit/player.ts';
import { startServer, type TestServer } from '../kit/server.ts';
import { startShardHost, type ShardHost } from '../kit/shard-host.ts';
import { accept, joinMany, joinZone, offer, outcomeOf, sitDown, type Table } from '../kit/trade.ts';

const REPLACED = 4100;
const MALFORMED = 4002;
const WINDOW_S = 1;

/** With which code a connection ends. */
const closing = (room: Room) =>
  new Promise<number>((resolve) => {
    room.onLeave((code) => resolve(code));
  });

/** The same player again, from another machine. */
async function loginAgain(server: TestServer, { id, token }: TestPlayer): Promise<TestPlayer> {
  const client = newClient(server.url, token);
  return { id, token, client, ...(await joinPlayer(client)) };
}

/** The SDK warns of each connection that is refused, which is what is expected here. */
async function quietly<Result>(work: () => Promise<Result>): Promise<Result> {
  const { warn } = console;
  console.warn = () => undefined;
  try {
    return await work();
  } finally {
    console.warn = warn;
  }
}

interface Seated {
  player: TestPlayer;
  partner: TestPlayer;
  zone: Room;
  table: Table;
  revision: number;
}

/** A player with 100 gold in its own room, in a zone, and at a trade where the partner has accepted to take it all. */
async function takeSeats(server: TestServer): Promise<Seated> {
  const [player, partner] = (await joinMany(server, 2)) as [TestPlayer, TestPlayer];
  await service(server).grant(player.id, { fungibles: { gold: 100 } });
  const zone = await joinZone(player);
  const table = await sitDown(player, partner);
  const revision = await offer(table.first, { fungibles: { gold: 100 } });
  await accept(table.second, revision);
  return { player, partner, zone, table, revision };
}

/** What the seats of a displaced session can still do. @throws when they moved anything, or were not refused as displaced */
async function displacedWrites(server: TestServer): Promise<void> {
  const { player, partner, zone, table, revision } = await takeSeats(server);
  const again = await loginAgain(server, player);
  const gather = await outcomeOf(zone.request('gather', { commandId: commandId(), nodeId: 'ore-1' }));
  const accepted = await outcomeOf(table.first.request('trade:accept', { commandId: commandId(), revision }));
  await assertHolds(server, player, { fungibles: { gold: 100 } }, 'the displaced player');
  await assertHolds(server, partner, {}, 'the partner');
  await assertAuditGreen(server);
  for (const outcome of [gather, accepted]) assert.ok(outcome === 'closed' || outcome === 'SESSION_REPLACED', outcome);
  // The session that displaced it writes.
  assert.equal(await outcomeOf((await joinZone(again)).request('gather', { commandId: commandId(), nodeId: 'ore-1' })), 'answered');
}

describe('sessions', () => {
  let host: ShardHost;
  let server: TestServer;
  before(async () => {
    host = await startShardHost();
    server = await startServer({ env: { SHARD_URLS: await host.freshShards(), RECONNECTION_WINDOW_S: String(WINDOW_S) } });
  });
  after(async () => {
    await server?.stop();
    await host?.stop();
  });

  describe('a second login', () => {
    it('[SE1] closes the first one and its seats in zone and trade with 4100, and the trade is cancelled', async () => {
      const { player, zone, table } = await takeSeats(server);
      const closed = [player.room, zone, table.first].map(closing);
      const again = await loginAgain(server, player);
      assert.deepEqual(await Promise.all(closed), [REPLACED, REPLACED, REPLACED]);
      await until(() => (table.second.state as { phase: string }).phase === 'cancelled', 1_000, 'the partner sees that the trade is cancelled');
      assert.ok(again.room.connection.isOpen);
      await assertShown(server, again);
      await again.leave();
    });

    it('[SE1] leaves one session open, of ten logins at once', async () => {
      const player = await join(server.url);
      const login = () => newClient(server.url, player.token).joinOrCreate('player');
      const logins = await quietly(() => Promise.allSettled(Array.from({ length: 10 }, login)));
      const rooms = logins.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
      for (const room of rooms) ignoreMessages(room);
      await until(() => rooms.filter((room) => room.connection.isOpen).length === 1, 2_000, 'one connection is open');
      assert.equal(player.room.connection.isOpen, false);
      const last = rooms.find((room) => room.connection.isOpen);
      assert.equal(await outcomeOf(last!.request('command:outcome', { commandId: commandId() })), 'answered');
    });

    it('[SE2] leaves the first one without any write, and the new one with all', () => displacedWrites(server));
  });

  describe('a second login that the first is not told of', () => {
    /** Its rooms stay, and nothing else comes to close them. */
    const deaf = async () => ({ env: { SHARD_URLS: await host.freshShards(), VERSION_CHECK_INTERVAL_MS: '600000' } });

    it('[SE2] is protected by the database, which refuses what the first still asks for', async () => {
      await withMutant('displaced-stay', async (root) => {
        const mutant = await startServer({ ...(await deaf()), root });
        try {
          const { player, partner, zone, table, revision } = await takeSeats(mutant);
          await loginAgain(mutant, player);
          assert.ok(zone.connection.isOpen && table.first.connection.isOpen, 'the seats are open');
          assert.equal(await outcomeOf(zone.request('gather', { commandId: commandId(), nodeId: 'ore-1' })), 'SESSION_REPLACED');
          assert.equal(await outcomeOf(table.first.request('trade:accept', { commandId: commandId(), revision })), 'SESSION_REPLACED');
          await assertHolds(mutant, player, { fungibles: { gold: 100 } });
          await assertHolds(mutant, partner, {});
        } finally {
          await mutant.stop();
        }
      });
    });

    it('goes red when the database refuses nothing either', async () => {
      await withMutant(['displaced-stay', 'no-fence'], async (root) => {
        const mutant = await startServer({ ...(await deaf()), root });
        try {
          await assertGoesRed(displacedWrites(mutant), /the displaced player holds/);
        } finally {
          await mutant.stop();
        }
      });
    });
  });

  describe('a client that comes back', () => {
    const reconnect = async ({ client }: TestPlayer, token: string): Promise<Room | undefined> =>
      await client.reconnect(token).then(
        (room) => {
          room.reconnection.enabled = false;
          ignoreMessages(room);
          return room;
        },
        () => undefined,
      );

    it('[RM4] has its seats when the network dropped it and the window is open', async () => {
      const { player, table, zone, revision } = await takeSeats(server);
      const rooms = [player.room, zone, table.first];
      const seats = rooms.map(({ reconnectionToken, sessionId }) => ({ reconnectionToken, sessionId }));
      await Promise.all(rooms.map((room) => room.leave(false)));
      const back = await Promise.all(seats.map(({ reconnectionToken }) => reconnect(player, reconnectionToken)));
      assert.deepEqual(back.map((room) => room?.sessionId), seats.map(({ sessionId }) => sessionId));
      const [home, meadow, trade] = back as [Room, Room, Room];
      assert.equal(await outcomeOf(trade.request('trade:accept', { commandId: commandId(), revision })), 'settled');
      await until(() => Boolean((home.state as { playerId?: string }).playerId));
      await assertShown(server, { ...player, room: home });
      await until(() => (meadow.state as { players?: Map<string, unknown> }).players?.has(player.id) === true, 1_000, 'the player stands in the zone');
    });

    it('[RM4] has none when the window has passed, and its trade is cancelled', async () => {
      const { player, table } = await takeSeats(server);
      const tokens = [player.room, table.first].map(({ reconnectionToken }) => reconnectionToken);
      await Promise.all([player.room.leave(false), table.first.leave(false)]);
      assert.equal((table.second.state as { phase: string }).phase, 'open', 'the seat is kept');
      await until(() => (table.second.state as { phase: string }).phase === 'cancelled', WINDOW_S * 1_000 + 2_000, 'the seat is given up');
      await delay(200);
      assert.deepEqual(await Promise.all(tokens.map((token) => reconnect(player, token))), [undefined, undefined]);
    });

    it('[RM4] has none when it was kicked', async () => {
      const { player, zone } = await takeSeats(server);
      const [token, closed] = [zone.reconnectionToken, closing(zone)];
      zone.send('move', { x: 'far', y: [] });
      assert.equal(await closed, MALFORMED);
      assert.equal(await reconnect(player, token), undefined);
    });

    it('[RM4] has none when its session was taken, before it dropped or while it was away', async () => {
      for (const dropFirst of [false, true]) {
        const { player, zone, table } = await takeSeats(server);
        const rooms = [player.room, zone, table.first];
        const tokens = rooms.map(({ reconnectionToken }) => reconnectionToken);
        if (dropFirst) await Promise.all(rooms.map((room) => room.leave(false)));
        const again = await loginAgain(server, player);
        const back = await quietly(async () => {
          const rooms = await Promise.all(tokens.map((token) => reconnect(player, token)));
          await delay(100);
          return rooms;
        });
        assert.deepEqual(back.map((room) => room?.connection.isOpen === true), [false, false, false], dropFirst ? 'dropped before' : 'closed by it');
        assert.ok(again.room.connection.isOpen);
        await assertHolds(server, player, { fungibles: { gold: 100 } });
      }
    });
  });
});
