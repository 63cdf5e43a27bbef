import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { PlayerRecord } from '../../schema/holdings.ts';
import type { RefusalReply } from '../../schema/refusals.ts';
import { assertAuditGreen, assertHolds } from '../kit/economy.ts';
import { commandId, service, signIn } from '../kit/player.ts';
import { bearer, get, post } from '../kit/raw.ts';
import { startServer, type TestServer } from '../kit/server.ts';

const QUANTITY_MAX = 2 ** 53 - 1;
interface Granted {
  commandId: string;
  items: { id: string; kind: string }[];
  inventoryVersion: number;
}

describe('the service API', () => {
  let server: TestServer;
  before(async () => {
    server = await startServer();
  });
  after(async () => {
    await assertAuditGreen(server);
    await server.stop();
  });

  const call = <Body = RefusalReply>(method: string, route: string, body?: unknown) => service(server).call<Body>(method, route, body);
  const newPlayer = async () => (await signIn(server.url)).id;
  async function assertRefused(code: string, status: number, method: string, route: string, body?: unknown): Promise<RefusalReply> {
    const reply = await call(method, route, body);
    assert.equal(reply.body.code, code, `${route} ${JSON.stringify(body)}: ${JSON.stringify(reply.body)}`);
    assert.equal(reply.status, status);
    assert.deepEqual(Object.keys(reply.body).toSorted(), ['code', 'details', 'ref']);
    return reply.body;
  }

  it('[SV1] a grant mints what it names and answers the new ids, in the order asked; bound kinds are bound', async () => {
    const playerId = await newPlayer();
    const id = commandId();
    const items = [{ kind: 'sword', attributes: { edge: 7, runes: ['a', null] } }, { kind: 'relic' }, { kind: 'sword' }];
    const { status, body } = await call<Granted>('POST', '/grants', { commandId: id, playerId, fungibles: { gold: 7, ore: QUANTITY_MAX }, items });
    assert.equal(status, 200);
    assert.deepEqual([body.commandId, body.items.map(({ kind }) => kind), body.inventoryVersion], [id, ['sword', 'relic', 'sword'], 1]);
    assert.equal(new Set(body.items.map((item) => item.id)).size, 3);
    const player = await service(server).player(playerId);
    assert.deepEqual(player.fungibles, { gold: 7, ore: QUANTITY_MAX });
    const held = body.items.map((granted) => player.items.find((item) => item.id === granted.id));
    assert.deepEqual(held.map((item) => [item?.kind, item?.bound, item?.attributes]), [['sword', false, items[0]?.attributes], ['relic', true, {}], ['sword', false, {}]]);
  });

  it('[SV1] the same grant again, at once and later, answers the same ids and mints nothing', async () => {
    const playerId = await newPlayer();
    const grant = { commandId: commandId(), playerId, fungibles: { gold: 5 }, items: [{ kind: 'bow', attributes: { a: 1, b: 2 } }] };
    const sameInOtherWords = { items: [{ attributes: { b: 2, a: 1 }, kind: 'bow' }], fungibles: { gold: 5 }, playerId: playerId.toUpperCase(), commandId: grant.commandId.toUpperCase() };
    const replies = await Promise.all([grant, sameInOtherWords, grant, grant].map((body) => call<Granted>('POST', '/grants', body)));
    replies.push(await call<Granted>('POST', '/grants', sameInOtherWords));
    for (const { status, body } of replies) assert.deepEqual([status, body], [200, replies[0]?.body]);
    await assertHolds(server, { id: playerId }, { fungibles: { gold: 5 }, items: [replies[0]?.body.items[0]?.id ?? ''] });
  });

  it('[KE2] the same command id for another player, payload or route is COMMAND_REUSED, and does nothing', async () => {
    const [playerId, other] = await Promise.all([newPlayer(), newPlayer()]);
    const grant = { commandId: commandId(), playerId, fungibles: { gold: 5 } };
    await call('POST', '/grants', grant);
    for (const changed of [{ ...grant, playerId: other }, { ...grant, fungibles: { gold: 6 } }, { ...grant, items: [{ kind: 'bow' }] }]) await assertRefused('COMMAND_REUSED', 409, 'POST', '/grants', changed);
    await assertRefused('COMMAND_REUSED', 409, 'POST', '/burns', grant);
    await assertHolds(server, { id: playerId }, { fungibles: { gold: 5 } });
    await assertHolds(server, { id: other }, {});
  });

  it('[SV2] a burn takes what is held, or nothing of it', async () => {
    const [playerId, other] = await Promise.all([newPlayer(), newPlayer()]);
    const [sword = '', relic = ''] = await service(server).grant(playerId, { fungibles: { gold: 10, ore: 3 }, items: [{ kind: 'sword' }, { kind: 'relic' }] });
    const [foreign = ''] = await service(server).grant(other, { items: [{ kind: 'bow' }] });
    const burn = (what: object, by = playerId) => ({ commandId: commandId(), playerId: by, ...what });
    await assertRefused('INSUFFICIENT', 409, 'POST', '/burns', burn({ fungibles: { ore: 3, gold: 11 }, items: [sword] }));
    for (const item of [foreign, randomUUID()]) await assertRefused('NOT_OWNER', 409, 'POST', '/burns', burn({ fungibles: { gold: 1 }, items: [sword, item] }));
    await assertHolds(server, { id: playerId }, { fungibles: { gold: 10, ore: 3 }, items: [sword, relic] });

    const right = burn({ fungibles: { gold: 10, ore: 1 }, items: [sword, relic] });
    const first = await call<{ inventoryVersion: number }>('POST', '/burns', right);
    assert.equal(first.status, 200, JSON.stringify(first.body));
    assert.deepEqual(await call('POST', '/burns', right), first, 'a repeat gets the answer though nothing is left');
    await assertHolds(server, { id: playerId }, { fungibles: { ore: 2 } });
  });

  it('[RF1] [SV1] where several refusals hold, the first of the table is answered', async () => {
    const ghost = randomUUID();
    const playerId = await newPlayer();
    const base = { commandId: commandId(), playerId: ghost };
    await assertRefused('UNKNOWN_PLAYER', 404, 'POST', '/grants', { ...base, fungibles: { gold: 1 } });
    await assertRefused('UNKNOWN_ASSET', 404, 'POST', '/grants', { ...base, fungibles: { silver: 1 } });
    await assertRefused('UNKNOWN_ASSET', 404, 'POST', '/grants', { ...base, playerId, items: [{ kind: 'gold' }] });
    await assertRefused('UNKNOWN_ASSET', 404, 'POST', '/burns', { ...base, playerId, fungibles: { sword: 1 }, items: [randomUUID()] });
    await assertRefused('NOT_OWNER', 409, 'POST', '/burns', { ...base, commandId: commandId(), playerId, fungibles: { gold: 1 }, items: [randomUUID()] });
    await service(server).grant(playerId, { fungibles: { gem: QUANTITY_MAX } });
    await assertRefused('BAD_REQUEST', 400, 'POST', '/grants', { commandId: commandId(), playerId, fungibles: { gem: 1 } });
  });

  it('[QU1] [SV1] a quantity, an id, a kind or an attribute that is none is BAD_REQUEST on every route', async () => {
    const playerId = await newPlayer();
    const good = { commandId: commandId(), playerId };
    const bad = [
      ...[0, -1, 1.5, '5', null, 2 ** 53, 1e300, [1], true].map((gold) => ({ ...good, fungibles: { gold } })),
      ...['', 'x', 1, null, [playerId]].flatMap((id) => [{ ...good, commandId: id, fungibles: { gold: 1 } }, { ...good, playerId: id, fungibles: { gold: 1 } }]),
      ...['GOLD', 'gold ', 'x'.repeat(33)].map((name) => ({ ...good, fungibles: { [name]: 1 } })),
      good, { ...good, fungibles: {}, items: [] }, { ...good, fungibles: { gold: 1 }, extra: 1 }, { ...good, fungibles: [] }, { ...good, items: 'sword' },
      { ...good, items: [{ kind: 'sword', bound: true }] }, { ...good, items: [{ kind: 'sword', attributes: [] }] }, { ...good, items: [{ kind: 'sword', attributes: { text: 'x'.repeat(5000) } }] },
      { ...good, items: [{ kind: 'sword', attributes: { nul: 'a\u0000b' } }] }, { ...good, items: Array.from({ length: 101 }, () => ({ kind: 'sword' })) }, [], null, 'text', 5,
    ];
    for (const body of bad) {
      for (const route of ['/grants', '/burns']) await assertRefused('BAD_REQUEST', 400, 'POST', route, body);
    }
    for (const body of [{}, { ids: playerId }, { ids: ['x'] }, { ids: Array.from({ length: 1001 }, randomUUID) }, { ids: [], extra: 1 }]) await assertRefused('BAD_REQUEST', 400, 'POST', '/players', body);
    for (const route of ['/players/x', '/items/x/history', `/players/${playerId}x`, '/players/%00', '/items/%E0%A4%A/history']) await assertRefused('BAD_REQUEST', 400, 'GET', route);
    await assertHolds(server, { id: playerId }, {});
  });

  it('[RF2] malformed JSON, prototype keys, a body beyond 1 MB and one that is too deep are BAD_REQUEST without a word of a parser', async () => {
    const id = await newPlayer();
    const key = bearer(server.serviceKey);
    // Guards the limit of depth: without it the parsers of what is deep run out of stack, and the answer is 500.
    const texts = ['{', '{"commandId":', 'nonsense', '[1,]', '{"a":1}}', `{"__proto__":{"commandId":"${randomUUID()}"},"playerId":"${id}"}`, JSON.stringify({ ids: [], pad: 'x'.repeat(1_100_000) }), `{"items":[{"kind":"sword","attributes":${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}}]}`, '['.repeat(500_000)];
    for (const text of texts) {
      for (const route of ['grants', 'burns', 'players']) {
        const { status, body, text: reply } = await post(`${server.url}/service/${route}`, text, key);
        assert.deepEqual([status, body['code']], [400, 'BAD_REQUEST'], `${route} ${text.slice(0, 40)}`);
        assert.doesNotMatch(reply, /JSON|token|position|entity| at /i);
      }
    }
    for (const [method, route] of [['GET', '/nothing'], ['GET', '/'], ['GET', '/grants'], ['POST', '/audit']] as const) await assertRefused('BAD_REQUEST', 400, method, route);
  });

  it('[SV3] the player routes answer the durable truth, a thousand at once in the order asked, and name who is missing', async () => {
    const players: string[] = [];
    for (let batch = 0; batch < 10; batch++) players.push(...(await Promise.all(Array.from({ length: 100 }, newPlayer))));
    await Promise.all(players.slice(0, 40).map((id, at) => service(server).grant(id, { fungibles: { gold: at + 1 } })));
    const absent = randomUUID();
    const ids = [...players.slice(0, 998).toReversed(), absent, players[0]?.toUpperCase() ?? ''];
    assert.equal(ids.length, 1000);
    const { status, body } = await call<{ players: PlayerRecord[]; missing: string[] }>('POST', '/players', { ids });
    assert.equal(status, 200);
    assert.deepEqual(body.players.map(({ id }) => id), ids.filter((id) => id !== absent).map((id) => id.toLowerCase()));
    assert.deepEqual(body.missing, [absent]);
    assert.deepEqual(new Set(body.players.map(({ shard }) => shard)), new Set([0, 1, 2, 3]), 'over all shards');
    for (const at of [0, 20, 39]) assert.equal(body.players.find(({ id }) => id === players[at])?.fungibles['gold'], at + 1);

    const [one = ''] = players;
    const single = await call<PlayerRecord>('GET', `/players/${one.toUpperCase()}`);
    assert.deepEqual(single.body, body.players.at(-1));
    assert.deepEqual(Object.keys(single.body).toSorted(), ['fungibles', 'guildId', 'id', 'inventoryVersion', 'items', 'level', 'name', 'region', 'shard', 'slot', 'xp']);
    await assertRefused('UNKNOWN_PLAYER', 404, 'GET', `/players/${absent}`);
    assert.deepEqual((await call('POST', '/players', { ids: [] })).body, { players: [], missing: [] });
  });

  it('[SV4] every route demands the service key, and says nothing else first', async () => {
    const playerId = await newPlayer();
    const { token } = await signIn(server.url);
    const routes: [string, string, unknown?][] = [['GET', `/players/${playerId}`], ['GET', '/players/x'], ['POST', '/players', { ids: [] }], ['POST', '/grants', '{'], ['POST', '/burns', {}], ['GET', `/items/${randomUUID()}/history`], ['GET', '/audit'], ['GET', '/nothing']];
    for (const authorization of ['', 'Bearer', 'Bearer ', `Bearer ${server.serviceKey} `.concat('x'), `bearer ${server.serviceKey}`, `Basic ${server.serviceKey}`, server.serviceKey, `Bearer ${server.serviceKey.slice(0, -1)}`, `Bearer ${token}`]) {
      for (const [method, route, body] of routes) {
        const url = `${server.url}/service${route}`;
        const reply = method === 'GET' ? await get(url, { authorization }) : await post(url, body, { authorization });
        assert.deepEqual([reply.status, reply.body['code']], [401, 'UNAUTHENTICATED'], `${authorization} ${route}`);
      }
    }
    assert.equal((await get(`${server.url}/service/audit?key=${server.serviceKey}`)).status, 401);
  });

  it('[AU1] the audit answers every invariant with its counts', async () => {
    const { status, body } = await call<{ ok: boolean; startedAt: number; tookMs: number; invariants: { name: string; ok: boolean; checked: number; violations: unknown[] }[] }>('GET', '/audit');
    assert.deepEqual([status, body.ok], [200, true]);
    assert.ok(body.invariants.length >= 8 && body.invariants.some(({ checked }) => checked > 10));
    for (const invariant of body.invariants) assert.deepEqual([invariant.ok, invariant.violations], [true, []], invariant.name);
    assert.ok(Math.abs(body.startedAt - Date.now()) < 60_000 && body.tookMs >= 0);
  });
});
