import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Room } from '@colyseus/sdk';
import { assertAuditGreen } from '../kit/economy.ts';
import { commandId, drop, ignoreMessages, join, joinPlayer, joinTrade, refusalOf, signIn, until, type TestPlayer } from '../kit/player.ts';
import { bearer, FRAME, post, RawSocket, reserveSeat, seatUrl, sit } from '../kit/raw.ts';
import { startServer, type TestServer } from '../kit/server.ts';
import { joinZone, sitDown } from '../kit/trade.ts';

const MESSAGES_PER_SECOND_MAX = 40;
const RECONNECTION_WINDOW_S = 2;

type ZonePlayers = { players?: { has(id: string): boolean } };
const sees = (room: Room, id: string) => (room.state as ZonePlayers).players?.has(id) === true;

describe('rooms at the socket', () => {
  let server: TestServer;
  let players: TestPlayer[];
  before(async () => {
    server = await startServer({ env: { MESSAGES_PER_SECOND_MAX: String(MESSAGES_PER_SECOND_MAX), RECONNECTION_WINDOW_S: String(RECONNECTION_WINDOW_S) } });
    players = await Promise.all([join(server.url, 'One'), join(server.url, 'Two'), join(server.url, 'Three')]);
  });
  after(async () => {
    await assertAuditGreen(server);
    await Promise.all(players.map((player) => player.leave()));
    await server.stop();
  });

  const rawZone = async (token: string) => await sit(server.url, await reserveSeat(server.url, token, 'zone', { zone: 'meadow' }));
  const move = [FRAME.DATA, 0xa4, ...Buffer.from('move'), 0x82, 0xa1, 0x78, 0x01, 0xa1, 0x79, 0x01];

  describe('limits', () => {
    it('[RM1] a client that sends faster than the limit is closed, and one just below it is not', async () => {
      const [calm, hasty] = await Promise.all(players.slice(0, 2).map(({ token }) => rawZone(token)));
      assert.ok(calm && hasty);
      for (let at = 0; at < MESSAGES_PER_SECOND_MAX - 5; at++) calm.send(move);
      for (let at = 0; at < MESSAGES_PER_SECOND_MAX * 3; at++) hasty.send(move);
      const { code } = await hasty.closed;
      assert.equal(code, 4002);
      assert.ok(calm.isOpen);
      calm.close();
    });

    it('[RM1] a frame beyond 16 KB closes the client, one below it does not', async () => {
      const fits = await rawZone(players[0]?.token ?? '');
      fits.send([FRAME.PING, ...new Uint8Array(16 * 1024 - 1)]);
      await fits.frame(FRAME.PING);
      fits.send(new Uint8Array(16 * 1024 + 1));
      assert.equal((await fits.closed).code, 1009);
    });

    // Guards the kick's memory: a frame that is too large ends with the same code as a failed network.
    it('[RM4] a client that was kicked has no seat left, a dropped one has it for the window', async () => {
      const watcher = await joinZone(players[2] as TestPlayer);
      const strangers = await Promise.all([signIn(server.url), signIn(server.url), signIn(server.url)]);
      const [oversized, malformed, dropped] = await Promise.all(strangers.map(async ({ token, id }) => ({ socket: await rawZone(token), id })));
      assert.ok(oversized && malformed && dropped);
      await until(() => [oversized, malformed, dropped].every(({ id }) => sees(watcher, id)));
      oversized.socket.send(new Uint8Array(20_000));
      malformed.socket.send([FRAME.DATA, 0xa4, ...Buffer.from('move'), 0xc1]);
      dropped.socket.close();
      await until(() => !sees(watcher, oversized.id) && !sees(watcher, malformed.id), 1000);
      assert.ok(sees(watcher, dropped.id));
      await until(() => !sees(watcher, dropped.id), RECONNECTION_WINDOW_S * 1000 + 2000);
      await watcher.leave();
    });

    // Guards `checkReconnectionToken`: the framework closes the old connection with the code of a kick.
    for (const [when, lose] of [['after its network failed', drop], ['before the server knows that its network failed', () => Promise.resolve()]] as const) {
      it(`[RM4] a client that comes back ${when} has the same seat`, async () => {
        const { client, id } = await signIn(server.url);
        const zone = await client.joinOrCreate('zone', { zone: 'meadow' });
        zone.reconnection.enabled = false;
        ignoreMessages(zone);
        await until(() => sees(zone, id));
        const watcher = await joinZone(players[2] as TestPlayer);
        await until(() => sees(watcher, id));
        let gone = false;
        watcher.onStateChange(() => (gone ||= !sees(watcher, id)));
        const { sessionId, reconnectionToken } = zone;
        await lose(zone);
        const back = await client.reconnect(reconnectionToken);
        ignoreMessages(back);
        assert.equal(back.sessionId, sessionId);
        await until(() => sees(back, id) && !zone.connection.isOpen);
        await delay(RECONNECTION_WINDOW_S * 1000 + 300);
        assert.ok(!gone && sees(watcher, id), 'it was there all the time');
        await assert.rejects(client.reconnect(reconnectionToken), 'a token is good once');
        await Promise.all([back.leave(), watcher.leave()]);
      });
    }

    it('[RM4] a client that was kicked does not come back by its token, also while its socket still closes', async () => {
      const { token, client } = await signIn(server.url);
      const seat = await reserveSeat(server.url, token, 'zone');
      const socket = await sit(server.url, seat);
      const join = await socket.frame(FRAME.JOIN);
      const reconnectionToken = join?.subarray(2, 2 + (join[1] ?? 0)).toString() ?? '';
      socket.send([FRAME.DATA, 0xa4, ...Buffer.from('move'), 0xc1]);
      await assert.rejects(client.reconnect(`${seat.roomId}:${reconnectionToken}`), /expired|disposed/);
      await socket.closed;
      await assert.rejects(client.reconnect(`${seat.roomId}:${reconnectionToken}`), /expired|disposed/);
    });
  });

  describe('options', () => {
    const FORGED = (victim: TestPlayer) => [
      { playerId: victim.id },
      { playerId: [victim.id] },
      { roomId: victim.room.roomId },
      { sessionId: victim.room.sessionId },
      { auth: { playerId: victim.id }, playerId: victim.id, token: victim.token },
      { clients: 0, locked: false, maxClients: 9, private: false, processId: 'x', name: 'player', metadata: { playerId: victim.id } },
    ];

    it('[RM2] no option of joinOrCreate, create or join leads into the player room of another', async () => {
      const [victim] = players as [TestPlayer];
      const thief = await signIn(server.url, 'Thief');
      for (const options of FORGED(victim)) {
        for (const method of ['joinOrCreate', 'create'] as const) {
          const room = await thief.client[method]('player', options);
          ignoreMessages(room);
          await until(() => Boolean((room.state as { playerId?: string }).playerId));
          assert.equal((room.state as { playerId: string }).playerId, thief.id, JSON.stringify(options));
          assert.notEqual(room.roomId, victim.room.roomId);
          await room.leave();
        }
        await assert.rejects(thief.client.join('player', options), JSON.stringify(options));
      }
      assert.ok(victim.room.connection.isOpen, 'the victim was not disturbed');
    });

    it('[RM2] joinById of the player room of another is refused, while it sits there and after it dropped', async () => {
      const thief = await signIn(server.url, 'Thief');
      const victim = await signIn(server.url, 'Victim');
      const seat = await reserveSeat(server.url, victim.token, 'player');
      await assert.rejects(thief.client.joinById(seat.roomId), 'a reserved room');
      const socket = await sit(server.url, seat);
      await assert.rejects(thief.client.joinById(seat.roomId), 'an occupied room');
      const wrong = new RawSocket(seatUrl(server.url, seat));
      assert.equal((await wrong.closed).code, 4002, 'a session id is good once');
      socket.close();
      await socket.closed;
      await assert.rejects(thief.client.joinById(seat.roomId), 'a kept seat');
      const claimed = new RawSocket(`${seatUrl(server.url, seat)}&reconnectionToken=guess`);
      assert.equal((await claimed.closed).code, 4003, 'a kept seat without its token');
    });

    it('[RM2] a client cannot create a trade, whatever its options say', async () => {
      const [one, two] = players as [TestPlayer, TestPlayer];
      const tradeId = commandId();
      for (const options of [{}, { tradeId, players: [one.id, two.id] }, { tradeId, players: [one.id, one.id], byClient: false }, { byClient: undefined, tradeId }]) {
        for (const method of ['create', 'joinOrCreate', 'join'] as const) await assert.rejects(one.client[method]('trade', options), `${method} ${JSON.stringify(options)}`);
      }
      await assert.rejects(one.client.joinById(tradeId));
    });

    it('[RM2] a zone is one of the catalogue', async () => {
      const { client } = players[0] as TestPlayer;
      for (const zone of ['nowhere', '', 'Meadow', '../meadow', 1, null, ['meadow'], { $ne: 1 }, '__proto__', 'constructor', 'x'.repeat(1000)]) {
        await assert.rejects(client.joinOrCreate('zone', { zone }), { message: 'BAD_REQUEST' }, String(zone));
      }
    });

    it('[RM2] options that are no object are refused, and methods and rooms are those of the contract', async () => {
      const { token } = players[0] as TestPlayer;
      for (const body of ['null', '[]', '[{"zone":"meadow"}]', '"meadow"', '1', 'true']) {
        for (const path of ['joinOrCreate/zone', 'create/player', 'joinById/x', 'reconnect/x', 'join/zone']) {
          const { status, body: reply, text } = await post(`${server.url}/matchmake/${path}`, body, bearer(token));
          assert.ok(status >= 400, `${path} ${body}: ${status}`);
          assert.equal(reply['error'], 'BAD_REQUEST', `${path} ${body}: ${text}`);
        }
      }
      for (const path of ['remoteRoomCall/zone', 'createRoom/trade', 'constructor/zone', '__proto__/zone', 'joinOrCreate/__proto__', 'joinOrCreate/constructor', 'joinOrCreate/nothing', 'getAllRooms/zone']) {
        const { status, text } = await post(`${server.url}/matchmake/${path}`, {}, bearer(token));
        assert.ok(status >= 400, path);
        assert.doesNotMatch(text, /is not a function|Cannot read|undefined/, `${path}: ${text}`);
      }
    });
  });

  it('[RM2] a second room of one player closes the first, and the shared rooms of the older session too', async () => {
    const first = await join(server.url);
    const zone = await joinZone(first);
    const codes = Promise.all([first.room, zone].map(async (room) => await new Promise<number>((resolve) => room.onLeave((code) => resolve(code)))));
    const second = await joinPlayer(first.client);
    assert.deepEqual(await codes, [4100, 4100]);
    await second.leave();
  });

  it('[RM2] a player sits once in a trade: the newer connection has the seat', async () => {
    const [one, two] = players as [TestPlayer, TestPlayer];
    const table = await sitDown(one, two);
    const closed = new Promise<number>((resolve) => table.first.onLeave((code) => resolve(code)));
    const again = await joinTrade(one, table.id);
    assert.equal(await closed, 4100);
    assert.deepEqual(await again.request('trade:offer', { items: [], fungibles: {} }), { revision: 1 });
    assert.equal((await refusalOf(table.second.request('trade:accept', { commandId: commandId(), revision: 0 }))).code, 'TRADE_STALE');
    await Promise.all([again.leave(), table.second.leave()]);
  });
});
