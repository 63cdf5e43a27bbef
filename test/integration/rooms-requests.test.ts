import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Room } from '@colyseus/sdk';
import { Client as PostgresClient } from 'pg';
import { findEmbeddedPostgres } from '../../persistence/index.ts';
import type { RefusalReply } from '../../schema/refusals.ts';
import { assertAuditGreen, assertHolds } from '../kit/economy.ts';
import { commandId, join, newClient, refusalOf, service, signIn, until, type TestPlayer } from '../kit/player.ts';
import { FRAME, reserveSeat, sit } from '../kit/raw.ts';
import { startServer, type TestServer } from '../kit/server.ts';
import { joinZone, sitDown } from '../kit/trade.ts';

const SHARDS = [0, 1, 2, 3].map((index) => `strongroom_${index}`);
/** What would betray a driver, a query, a library or a stack. */
const BETRAYAL = /relation|column|does not exist|select|insert|update |duplicate|ECONN|pg_|node_modules|\bat \/|\.ts\b|handler to answer|onMessage|is not a function|Cannot read|MessagePack/i;

function assertReply(reply: RefusalReply, code: string, what: string): void {
  assert.deepEqual(Object.keys(reply).toSorted(), ['code', 'details', 'ref'], what);
  assert.equal(reply.code, code, `${what}: ${JSON.stringify(reply)}`);
  assert.match(reply.ref, /^[\da-f]{8}-[\da-f-]{27}$/, what);
  assert.doesNotMatch(JSON.stringify(reply), BETRAYAL, what);
}

describe('requests at the socket', () => {
  let server: TestServer;
  let one: TestPlayer;
  let two: TestPlayer;
  let rooms: Record<'player' | 'zone' | 'trade', Room>;
  before(async () => {
    server = await startServer({ env: { MESSAGES_PER_SECOND_MAX: '2000' } });
    [one, two] = await Promise.all([join(server.url, 'One'), join(server.url, 'Two')]);
    await service(server).grant(one.id, { fungibles: { gold: 100 } });
    const zone = await joinZone(one);
    await until(() => zone.state !== undefined);
    rooms = { player: one.room, zone, trade: (await sitDown(one, two)).first };
  });
  after(async () => {
    await assertHolds(server, one, { fungibles: { gold: 100 } });
    await assertAuditGreen(server);
    await server.kill('SIGKILL');
    await server.stop();
  });

  const id = randomUUID();
  const NO_IDS = ['', 'x', 1, null, true, [id], { id }, `${id}0`, id.replaceAll('-', '')];
  const ANY = [null, undefined, 0, '', 'text', true, [], [1], { extra: 1 }, 1.5, new Uint8Array([1]), new Date(0)];
  const BAD: [room: 'player' | 'zone' | 'trade', type: string, bodies: unknown[]][] = [
    ['player', 'player:rename', [...NO_IDS.map((commandId) => ({ commandId, name: 'Ok' })), ...['', ' ', 'x'.repeat(25), '<b>', 'a\u0000b', 'a\nb', '\u202Ex', 1, null, ['Ok']].map((name) => ({ commandId: id, name })), { commandId: id }, { name: 'Ok' }, { commandId: id, name: 'Ok', extra: 1 }]],
    ['player', 'command:outcome', [...NO_IDS.map((commandId) => ({ commandId })), { commandId: id, actor: 'service' }]],
    ['player', 'trade:invite', [...NO_IDS.map((playerId) => ({ playerId })), { playerId: id, tradeId: id }]],
    ['zone', 'move', [{ x: 1 }, { x: '1', y: 1 }, { x: Number.NaN, y: 0 }, { x: Infinity, y: 0 }, { x: 1e7, y: 0 }, { x: 1n, y: 1 }, { x: [1], y: 1 }, { x: 1, y: 1, speed: 9 }, { x: null, y: null }]],
    ['zone', 'gather', [...NO_IDS.map((commandId) => ({ commandId, nodeId: 'ore-1' })), ...['', 1, null, ['ore-1'], 'x'.repeat(65), 'nothing', '__proto__'].map((nodeId) => ({ commandId: randomUUID(), nodeId })), { commandId: id, nodeId: 'ore-1', quantity: 9 }]],
    ['trade', 'trade:offer', [
      ...[0, -5, 1.5, '5', null, 1e300, 2 ** 53, Number.NaN, [5], { value: 5 }].map((gold) => ({ items: [], fungibles: { gold } })),
      ...[{ GOLD: 1 }, { '': 1 }, { 'gold ': 1 }, [], null, 'gold', Object.fromEntries(Array.from({ length: 101 }, (_, at) => [`a${at}`, 1]))].map((fungibles) => ({ items: [], fungibles })),
      ...NO_IDS.map((item) => ({ items: [item], fungibles: {} })), { items: [id, id], fungibles: {} }, { items: [id, id.toUpperCase()], fungibles: {} }, { items: Array.from({ length: 101 }, randomUUID), fungibles: {} },
      { items: { length: 1 }, fungibles: {} }, { items: [], fungibles: {}, side: 1 }, { items: [] }, { fungibles: {} },
    ]],
    ['trade', 'trade:accept', [...NO_IDS.map((commandId) => ({ commandId, revision: 0 })), ...[-1, 0.5, '0', null, 2 ** 32, Number.NaN].map((revision) => ({ commandId: randomUUID(), revision })), { commandId: id }, { revision: 0 }]],
    ['trade', 'trade:cancel', [{ reason: 'mine' }, { tradeId: id }]],
  ];

  for (const [room, type, bodies] of BAD) {
    it(`[RM3] ${type} with a bad body is BAD_REQUEST, and the room goes on`, async () => {
      // An object without keys is all that a cancel is: a date is one.
      const empty = type === 'trade:cancel' ? ANY.filter((body) => !(body instanceof Date)) : [{}, ...ANY];
      for (const body of [...bodies, ...empty]) {
        assertReply(await refusalOf(rooms[room].request(type, body)), 'BAD_REQUEST', `${type} ${JSON.stringify(body, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))}`);
      }
      assert.ok(rooms[room].connection.isOpen);
    });
  }

  it('[RM3] a request of an unknown type is BAD_REQUEST, and says nothing of the framework', async () => {
    for (const room of Object.values(rooms)) {
      for (const type of ['nothing', '*', '', '__proto__', 'constructor', 'onJoin', '_$bmove', 'x'.repeat(200), 'trade:settle', 'player:grant', 'guild:deposit', 'leaderboard:around']) {
        assertReply(await refusalOf(room.request(type, {})), 'BAD_REQUEST', type.slice(0, 40));
      }
      assertReply(await refusalOf(room.request(7 as unknown as string, {})), 'BAD_REQUEST', 'a number');
    }
  });

  it('[RM3] a request whose body cannot be decoded is BAD_REQUEST, and says nothing of the decoder', async () => {
    const { token } = await signIn(server.url);
    const socket = await sit(server.url, await reserveSeat(server.url, token, 'player'));
    const head = [FRAME.REQUEST, 1, 0xac, ...Buffer.from('trade:invite')];
    for (const body of [[0xc1], [0xdd, 0xff, 0xff, 0xff, 0xff], [0x81, 0xa1], [0xd6, 0x70, 0, 0, 0, 9], [0xd4, 0x78, 0, 0x92, 0xa1, 0x28, 0xa0]]) {
      socket.frames.length = 0;
      socket.send([...head, ...body]);
      const reply = await socket.frame(FRAME.RESPONSE);
      assert.match(reply?.toString('latin1') ?? '', /BAD_REQUEST/, Buffer.from(body).toString('hex'));
      assert.doesNotMatch(reply?.toString('latin1') ?? '', BETRAYAL);
    }
    socket.close();
  });

  it('[RM3] a message without a reply that is malformed or unknown closes its client, with no word of the framework', async () => {
    for (const [type, body] of [['move', { x: 'far' }], ['player:rename', 5], ['nothing', {}], ['y'.repeat(110), {}]] as const) {
      const { client } = await signIn(server.url);
      const room = await client.joinOrCreate(type === 'player:rename' ? 'player' : 'zone');
      room.reconnection.enabled = false;
      room.onMessage('*', () => undefined);
      const closed = new Promise<[number, string | undefined]>((resolve) => room.onLeave((code, reason) => resolve([code, reason])));
      room.send(type, body);
      assert.deepEqual(await closed, [4002, 'BAD_REQUEST'], type.slice(0, 20));
    }
  });

  describe('with a table gone', () => {
    const broken: PostgresClient[] = [];
    before(async () => {
      for (const connectionString of findEmbeddedPostgres({ dir: server.dataDir, databases: SHARDS }) ?? []) {
        const database = new PostgresClient({ connectionString });
        await database.connect();
        await database.query('alter table command rename to command_gone; alter table player rename to player_gone');
        broken.push(database);
      }
      assert.equal(broken.length, SHARDS.length);
    });
    after(async () => {
      for (const database of broken) {
        await database.query('alter table command_gone rename to command; alter table player_gone rename to player');
        await database.end();
      }
    });

    it('[RM3] a request that breaks inside is INTERNAL, and its ref finds the cause in the log', async () => {
      for (const [room, type, body] of [
        ['player', 'command:outcome', { commandId: commandId() }],
        ['player', 'player:rename', { commandId: commandId(), name: 'Ok' }],
        ['player', 'trade:invite', { playerId: two.id }],
        ['zone', 'gather', { commandId: commandId(), nodeId: 'ore-1' }],
      ] as const) {
        const reply = await refusalOf(rooms[room].request(type, body));
        assertReply(reply, 'INTERNAL', type);
        assert.deepEqual(reply.details, {});
        await until(() => server.log().includes(reply.ref), 1000, `the log names ${type}'s ref`);
        const line = server.log().split('\n').find((text) => text.includes(reply.ref)) ?? '';
        assert.match(line, /does not exist/, 'the log has the cause');
      }
    });

    it('[RM3] a join that breaks inside is INTERNAL and not a matter of the token', async () => {
      const { token } = one;
      for (const room of ['player', 'zone']) {
        await assert.rejects(newClient(server.url, token).joinOrCreate(room), { message: 'INTERNAL' }, room);
      }
    });

    it('[RF2] over HTTP it is INTERNAL with a ref too', async () => {
      const { status, body } = await service(server).call<RefusalReply>('GET', `/players/${one.id}`);
      assert.equal(status, 500);
      assertReply(body, 'INTERNAL', 'GET /players');
      await until(() => server.log().includes(body.ref), 1000);
      const anonymous = await fetch(`${server.url}/auth/anonymous`, { method: 'POST' });
      assert.doesNotMatch(await anonymous.text(), BETRAYAL);
      assert.ok(anonymous.status >= 400);
    });
  });

  it('[RM3] once the table is back everything goes on in the same process', async () => {
    const known = await two.room.request('command:outcome', { commandId: commandId() });
    assert.deepEqual(known, { known: false });
    const fresh = await join(server.url);
    await fresh.leave();
  });
});
