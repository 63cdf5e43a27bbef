import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Room } from '@colyseus/sdk';
import fc from 'fast-check';
import { REFUSALS, type RefusalReply } from '../../schema/refusals.ts';
import { join, service, signIn, until, type TestPlayer } from '../kit/player.ts';
import { anyZone, assertServes, FLOODED, inParallel, inventories, MemoryWatch, REQUESTS } from '../kit/onslaught.ts';
import { bearer, post } from '../kit/raw.ts';
import { startServer, type TestServer } from '../kit/server.ts';
import { sitDown } from '../kit/trade.ts';
import { isFull } from '../share.ts';

const SEED = Number(process.env['SEED'] ?? 20261122);
const [REQUESTS_SENT, SENDS, POSTS] = isFull() ? [70_000, 400, 2_000] : [15_000, 200, 500];
const [PAIRS, BATCH, WIDTH] = [3, isFull() ? 250 : 50, 12];

/** What no field of ours takes, whichever it is. */
const garbage = fc.constantFrom<unknown>(null, true, Number.NaN, Infinity, -Infinity, [[1]], { a: { b: 1 } }, new Uint8Array(64), new Date(0), -1n, 2n ** 63n - 1n, '\u0000', '\uD800', new Map([['a', [1]]]), new Set([1]), /x/, new Error('x'));
const POLLUTING = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then', 'valueOf', 'toJSON', ''];
const wild = fc.oneof(
  garbage,
  fc.anything({ withDate: true, withTypedArray: true, withMap: true, withSet: true, withNullPrototype: true, maxDepth: 4, maxKeys: 6 }),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.integer({ min: 0, max: 9_000 }).map((length) => 'x'.repeat(length)),
  fc.integer({ min: 1, max: 1_500 }).map((depth) => nested(depth)),
  fc.dictionary(fc.constantFrom(...POLLUTING), fc.oneof(fc.boolean(), fc.constant({ isAdmin: true })), { noNullPrototype: false }),
  fc.array(fc.integer(), { maxLength: 2_000 }),
);
const nested = (depth: number) => {
  let value: unknown = 1;
  for (let at = 0; at < depth; at++) value = at % 2 ? [value] : { a: value };
  return value;
};

/** A valid body with one thing wrong: a field replaced, left out or added. */
const nearlyRight = (valid: () => Record<string, unknown>) =>
  fc.record({ at: fc.nat(9), bad: garbage, extra: fc.constantFrom('extra', ...POLLUTING), how: fc.constantFrom('replace', 'drop', 'add') }).map(({ at, bad, extra, how }) => {
    const body: Record<string, unknown> = { ...valid() };
    const keys = Object.keys(body);
    const key = keys[at % Math.max(keys.length, 1)];
    if (key === undefined || how === 'add') Object.defineProperty(body, `${extra}!`, { value: bad, enumerable: true });
    else if (how === 'drop') delete body[key];
    else body[key] = bad;
    return body;
  });

/** An object with nothing in it is what they take. */
const EMPTY: ReadonlySet<string> = new Set(['trade:cancel', 'guild:invitations']);

const unknownType = fc.oneof(fc.constantFrom(...POLLUTING, 'trade:settle', 'player:grant', '*', 'onJoin', '_$bmove'), fc.string({ unit: 'grapheme', maxLength: 60 }));

describe('malformed messages', () => {
  let server: TestServer;
  let players: TestPlayer[];
  let rooms: { room: Room; types: (typeof REQUESTS)['player'] }[];
  before(async () => {
    server = await startServer(FLOODED);
    players = await Promise.all(Array.from({ length: PAIRS * 2 }, () => join(server.url)));
    rooms = [];
    for (const [at, player] of players.entries()) {
      await service(server).grant(player.id, { fungibles: { gold: 50 }, items: [{ kind: 'sword' }] });
      rooms.push({ room: player.room, types: REQUESTS.player }, { room: await anyZone(player), types: REQUESTS.zone });
      if (at === 0) {
        const { guildId } = await player.room.request<unknown, { guildId: string }>('guild:create', { commandId: randomUUID(), name: 'The target', tag: 'TGT' });
        rooms.push({ room: await player.client.joinOrCreate('guild', { guildId }), types: REQUESTS.guild });
      }
      const partner = players[at + 1];
      if (at % 2 || partner === undefined) continue;
      const table = await sitDown(player, partner);
      rooms.push({ room: table.first, types: REQUESTS.trade }, { room: table.second, types: REQUESTS.trade });
    }
  });
  after(() => server.stop());

  it(`[RM3] ${REQUESTS_SENT} requests, ${SENDS} messages and ${POSTS} posts with malformed bodies are refused, or close their client; nothing moves, grows or ends (seed ${SEED})`, async function () {
    this.timeout(300_000);
    const before = await inventories(server, players);
    const memory = new MemoryWatch(server);
    const codes = new Map<string, number>();
    const count = (code: string) => codes.set(code, (codes.get(code) ?? 0) + 1);

    const refused = () => codes.get('BAD_REQUEST') ?? 0;
    for (let seed = SEED, idle = 0; refused() < REQUESTS_SENT && idle < 3; seed++) {
      const already = refused();
      for (const [at, { room, types }] of rooms.entries()) {
        const asked = fc.sample(requestsFor(types), { seed: seed * 100 + at, numRuns: BATCH });
        await Promise.all(asked.map(async ([type, body]) => count(await verdictOn(room, type, body))));
        assert.ok(room.connection.isOpen, 'a request closes nobody');
      }
      await memory.sample();
      idle = refused() > already ? 0 : idle + 1;
    }
    assert.deepEqual([...codes.keys()].filter((code) => code !== 'BAD_REQUEST' && code !== 'unsendable'), [], JSON.stringify([...codes]));
    assert.ok(refused() >= REQUESTS_SENT, JSON.stringify([...codes]));

    await inParallel(fc.sample(fc.tuple(fc.constantFrom('move', 'gather', 'nothing'), wild), { seed: SEED, numRuns: SENDS }), WIDTH, async ([type, body]) => {
      const room = await anyZone(await signIn(server.url));
      const closed = new Promise<number>((resolve) => room.onLeave(resolve));
      try {
        room.send(type, body);
      } catch {
        return await room.leave().then(() => undefined);
      }
      assert.equal(await closed, 4002, `${type}`);
    });
    await memory.sample();

    const { token } = players[0] ?? { token: '' };
    const routes = ['/matchmake/joinOrCreate/zone', '/matchmake/create/trade', '/matchmake/joinById/x', '/matchmake/reconnect/x', '/auth/register', '/auth/login', '/service/grants', '/service/burns', '/service/players'];
    const bodies = fc.tuple(fc.constantFrom(...routes), fc.oneof(fc.json({ maxDepth: 5 }), fc.string({ maxLength: 300 }), fc.constant(`${'['.repeat(6000)}`), fc.dictionary(fc.constantFrom('zone', 'email', 'password', 'commandId', 'ids', ...POLLUTING), fc.jsonValue()).map((body) => JSON.stringify(body))));
    await inParallel(fc.sample(bodies, { seed: SEED, numRuns: POSTS }), WIDTH, async ([route, text]) => {
      const { status, text: reply } = await post(server.url + route, text, bearer(route.startsWith('/service') ? server.serviceKey : token));
      const valid = (route === '/service/players' && status === 200) || (route.endsWith('/zone') && status === 200);
      assert.ok(valid || (status >= 400 && status !== 500), `${route} ${text.slice(0, 200)}: ${status} ${reply}`);
    });
    await memory.sample();

    assert.deepEqual(await inventories(server, players), before, 'nothing changed hands');
    await Promise.all(rooms.map(({ room }) => room.leave()));
    await until(() => rooms.every(({ room }) => !room.connection.isOpen));
    await assertServes(server);
    console.log(`      ${JSON.stringify(Object.fromEntries(codes))}; resident: ${memory.assertFlat()}`);
  });
});

function requestsFor(types: (typeof REQUESTS)['player']): fc.Arbitrary<[string, unknown]> {
  const names = Object.keys(types);
  const known = fc.constantFrom(...names);
  return fc.oneof(
    { arbitrary: known.chain((type) => fc.tuple(fc.constant(type), nearlyRight(types[type] ?? (() => ({}))))), weight: 5 },
    { arbitrary: fc.tuple(known, wild).filter(([type, body]) => !EMPTY.has(type) || typeof body !== 'object' || body === null), weight: 4 },
    { arbitrary: fc.tuple(unknownType.filter((type) => !names.includes(type)), wild), weight: 1 },
  );
}

/** The refusal's code; anything that is none fails. `unsendable` is what the SDK's encoder throws on. */
async function verdictOn(room: Room, type: string, body: unknown): Promise<string> {
  try {
    const answer: unknown = await room.request(type, body);
    return `answered ${type} ${JSON.stringify(answer)}`;
  } catch (error) {
    const { reason, message } = error as Error & { reason?: RefusalReply };
    if (reason === undefined) return /large|long|bounds|type|range|convert|maximum|toJSON/i.test(message) ? 'unsendable' : `failed ${type}: ${message}`;
    assert.deepEqual(Object.keys(reason).toSorted(), ['code', 'details', 'ref']);
    assert.ok(reason.code in REFUSALS);
    return reason.code;
  }
}
