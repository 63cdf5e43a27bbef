import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { endpoints, JWT } from '@colyseus/auth';
import { LIBRARY, listRoutes, PASSED, requestFor, ROOMS, ROUTES, type Known, type Who } from '../kit/doors.ts';
import { foundGuild, type TestGuild } from '../kit/guild.ts';
import { assertGoesRed, withMutant } from '../kit/mutant.ts';
import { basic, ops } from '../kit/ops.ts';
import { join, newClient, service, signIn, until, type TestPlayer } from '../kit/player.ts';
import { bearer, get, post } from '../kit/raw.ts';
import { startServer, type TestServer } from '../kit/server.ts';
import { forgeries, secretsOf } from '../kit/tokens.ts';
import { sitDown, type Table } from '../kit/trade.ts';

/** Guesses are what these tests are made of. */
const env = { LOGIN_FAILURES_MAX: '100000' };
type Headers = Record<string, string>;

describe('every door', () => {
  let server: TestServer;
  let player: TestPlayer;
  let partner: TestPlayer;
  let guild: TestGuild;
  let table: Table;
  let known: Known;
  let wrong: Record<Who, Headers[]>;
  let right: Record<Who, Headers>;

  before(async () => {
    server = await startServer({ env });
    [player, partner] = [await join(server.url), await join(server.url)];
    guild = await foundGuild(player);
    const [item = ''] = await service(server).grant(player.id, { items: [{ kind: 'sword' }] });
    table = await sitDown(player, partner);
    known = { player: player.id, guild: guild.id, item };
    const { serviceKey, adminPassword } = secretsOf(server);
    const nobody: Headers[] = [{}, bearer(''), bearer('garbage'), { authorization: 'garbage' }, basic('', ''), { cookie: `token=${player.token}; authorization=${serviceKey}` }];
    const tokens = Object.values(forgeries(player, secretsOf(server))).filter(Boolean).map(bearer);
    const keys = [bearer(serviceKey), basic('service', serviceKey)];
    const nearKeys = [bearer(`${serviceKey}x`), bearer(serviceKey.slice(0, -1)), bearer(serviceKey.toUpperCase()), { authorization: serviceKey }, basic('admin', serviceKey), { 'x-service-key': serviceKey }];
    const admins = [basic('admin', adminPassword), bearer(adminPassword)];
    const nearAdmins = [basic('admin', ''), basic('admin', `${adminPassword}x`), basic('root', adminPassword), basic('', adminPassword), basic('__proto__', adminPassword), bearer(adminPassword), { authorization: `Basic ${adminPassword}` }];
    const asService = [...nobody, ...tokens, bearer(player.token), ...nearKeys, basic('service', serviceKey), ...admins];
    wrong = {
      anyone: [], player: [...nobody, ...tokens, ...keys, ...admins], service: asService, admin: [...nobody, bearer(player.token), ...keys, ...nearKeys, ...nearAdmins],
      'service or loopback': asService.map((headers) => ({ ...headers, 'x-forwarded-for': '203.0.113.7' })),
    };
    right = { anyone: {}, player: bearer(player.token), service: bearer(serviceKey), admin: basic('admin', adminPassword), 'service or loopback': { ...bearer(serviceKey), 'x-forwarded-for': '203.0.113.7' } };
  });
  after(() => server.stop());

  async function knock(route: string, headers: Headers, { url = server.url, about = known } = {}): Promise<{ status: number; code?: string }> {
    const { method, target, body } = requestFor(route, about);
    const response = await fetch(url + target, { method, headers: { 'content-type': 'application/json', ...headers }, redirect: 'manual', ...(body && { body: JSON.stringify(body) }) });
    const text = await response.text();
    const code = /^\{"code":"(\w+)"/.exec(text)?.[1];
    return { status: response.status, ...(code !== undefined && { code }) };
  }

  async function assertClosed(route: string, who: Who, url = server.url): Promise<void> {
    for (const headers of wrong[who]) {
      const { status, code } = await knock(route, headers, { url });
      assert.equal(status, 401, `${route} lets in ${JSON.stringify(headers)}`);
      assert.equal(code, 'UNAUTHENTICATED', `${route} ${JSON.stringify(headers)}`);
    }
  }

  /** What any of the requests would change if it were let in. */
  async function world(): Promise<unknown> {
    const admin = ops(server);
    const [record, { pauses }, file, rooms, { body: score }] = [await service(server).player(player.id), await admin.must<{ pauses: unknown[] }>('GET', '/pauses'), await admin.file(player.id), await get(`${server.url}/monitor/api`, right.admin), await get(`${server.url}/leaderboards/arena/players/${player.id}`)];
    const { rooms: listed } = rooms.body as { rooms: { roomId: string; clients: number }[] };
    return { record, pauses, entries: await admin.entries(), frozen: file.frozen, rooms: listed.map(({ roomId, clients }) => `${roomId} ${clients}`).toSorted(), score: score['score'] };
  }

  it('[SC2] there is no route, no room and nothing on the way that is not in the table of who may', () => {
    const { rooms, routes } = listRoutes();
    assert.deepEqual(routes.filter((route) => !route.startsWith('USE ')), Object.keys(ROUTES).toSorted());
    assert.deepEqual(routes.filter((route) => route.startsWith('USE ')), PASSED);
    assert.deepEqual(rooms, ROOMS);
  });

  it('[SC2] in production there are the same, without the playground', () => {
    const { rooms, routes } = listRoutes({ env: 'production' });
    assert.deepEqual(routes.filter((route) => !route.startsWith('USE ')), Object.keys(ROUTES).filter((route) => !route.includes('/playground')).toSorted());
    assert.deepEqual(rooms, ROOMS);
  });

  it('[SC2] a route that nobody wrote down goes red', async () => {
    await withMutant('route-unlisted', async (root) => {
      const { routes } = listRoutes({ root });
      assert.deepEqual(routes.filter((route) => !(route in ROUTES) && !PASSED.includes(route)), ['GET /backdoor']);
    });
  });

  for (const who of ['player', 'service', 'admin', 'service or loopback'] as const) {
    it(`[SC2] what is for the ${who} is closed to everyone else, and none of it happens`, async () => {
      const before = await world();
      for (const [route, may] of Object.entries(ROUTES)) if (may === who) await assertClosed(route, who);
      assert.deepEqual(await world(), before);
    });
  }

  it('[SC2] and whoever may is let in: the test of the others can fail', async () => {
    // Who is frozen loses every seat.
    const other = await signIn(server.url);
    for (const [route, may] of Object.entries(ROUTES)) {
      if (route.startsWith('DELETE') || route.includes('/profiling/')) continue;
      const { status } = await knock(route, right[may], { about: { ...known, player: other.id } });
      // Only the matchmaker knows nobody here.
      assert.equal([401, 403].includes(status), false, `${route}: ${status}`);
      if (route === 'POST /ops/api/pauses') await ops(server).pause('*', false);
    }
  });

  it('[SC2] of what @colyseus/auth offers there is what the table says, and nothing else', async () => {
    JWT.settings.secret ??= 'the library will not speak of its routes without one';
    const offered = Object.values(endpoints({ oauth: {} as never })).flatMap((endpoint) => [endpoint.options.method].flat().map((method) => `${String(method)} ${endpoint.path}`));
    assert.deepEqual(offered.toSorted(), Object.keys(LIBRARY).toSorted());
    for (const [route, who] of Object.entries(LIBRARY)) {
      const { status } = await knock(route, right.player);
      assert.equal(status === 404, who === 'nobody', `${route}: ${status}`);
      if (who === 'player') for (const headers of wrong.player) assert.equal((await knock(route, headers)).status, 401, route);
    }
  });

  it('[SC2] no room is joined without a token of ours, by any method, new or there already', async () => {
    const ids: Record<string, string> = { player: player.room.roomId, guild: guild.leader.seat.roomId, trade: table.first.roomId };
    for (const name of ['zone', 'leaderboard']) ids[name] = (await player.client.joinOrCreate(name, name === 'zone' ? { zone: 'meadow' } : { board: 'wealth' })).roomId;
    const options = { zone: 'meadow', guildId: guild.id, board: 'wealth', playerId: player.id };
    const before = await world();
    for (const name of ROOMS) {
      for (const headers of wrong.player) {
        for (const [method, at] of [['joinOrCreate', name], ['create', name], ['join', name], ['joinById', ids[name] ?? '']]) {
          const { status, body } = await post(`${server.url}/matchmake/${method}/${at}`, options, headers);
          // The player's own room is full: that is said first.
          const said = method === 'joinById' && name === 'player' ? `room "${at}" is locked` : 'UNAUTHENTICATED';
          assert.equal(body['error'], said, `${method} ${name} ${JSON.stringify(headers)}: ${status}`);
        }
        const { body } = await post(`${server.url}/matchmake/reconnect/${ids[name]}`, { reconnectionToken: 'guess' }, headers);
        assert.equal(body['error'] !== undefined && body['sessionId'] === undefined, true, JSON.stringify(body));
      }
    }
    assert.deepEqual(await world(), before);
  });

  it('[SC5] no forged token opens a door of HTTP', async () => {
    for (const [what, token] of Object.entries(forgeries(player, secretsOf(server)))) {
      for (const route of ['/auth/userdata', `/guilds/${guild.id}`, `/guilds/${guild.id}/log`]) assert.equal((await get(server.url + route, token ? bearer(token) : {})).status, 401, `${what} ${route}`);
    }
    assert.equal((await get(`${server.url}/guilds/${guild.id}`, bearer(player.token))).status, 200, 'the right one does');
  });

  it('[SC5] the token of a player who was erased opens nothing any more, not even a trade that was begun', async () => {
    await erasedStaysOut(server);
  });

  // Guards `sessions.follow`, which knows who is no player any more; zones and leaderboards ask by themselves.
  it('[SC5] a seat that asks nobody who is left goes red', async () => {
    await withMutant('erased-sit-down', async (root) => {
      const mutant = await startServer({ root });
      try {
        await assertGoesRed(erasedStaysOut(mutant), /trade lets in/);
      } finally {
        await mutant.stop();
      }
    });
  });

  for (const [name, route, who] of [['service-unguarded', 'POST /service/grants', 'service'], ['admin-unguarded', 'POST /ops/api/pauses', 'admin'], ['guilds-unguarded', 'GET /guilds/:guildId', 'player']] as const) {
    it(`[SC2] "${name}" goes red`, async () => {
      await withMutant(name, async (root) => {
        const mutant = await startServer({ root, env });
        try {
          await assertGoesRed(assertClosed(route, who, mutant.url), /lets in/);
        } finally {
          await mutant.stop();
        }
      });
    });
  }
});

async function erasedStaysOut(server: TestServer): Promise<void> {
  const [staying, leaving] = [await join(server.url), await join(server.url)];
  const guild = await foundGuild(leaving);
  await service(server).grant(leaving.id, { fungibles: { gold: 5 } });
  // There is something in the bank, so the guild keeps its last member's id.
  await guild.leader.seat.request('guild:deposit', { commandId: randomUUID(), items: [], fungibles: { gold: 5 } });
  const { tradeId } = await staying.room.request<unknown, { tradeId: string }>('trade:invite', { playerId: leaving.id });
  const { status } = await service(server).call('DELETE', `/players/${leaving.id}`, { reason: 'asked for by a test' });
  assert.equal(status, 200);
  for (const route of ['/auth/userdata', `/guilds/${guild.id}`, `/guilds/${guild.id}/log`]) assert.equal((await get(server.url + route, bearer(leaving.token))).status, 401, route);
  const upgrade = await post(`${server.url}/auth/register`, { email: `${randomUUID()}@example.com`, password: 'correct horse' }, bearer(leaving.token));
  assert.equal(upgrade.status, 401);
  const client = newClient(server.url, leaving.token);
  const joins: Record<string, () => Promise<unknown>> = {
    player: () => client.joinOrCreate('player'), zone: () => client.joinOrCreate('zone', { zone: 'meadow' }), leaderboard: () => client.joinOrCreate('leaderboard', { board: 'wealth' }), trade: () => client.joinById(tradeId), guild: () => client.joinOrCreate('guild', { guildId: guild.id }),
  };
  for (const [name, joining] of Object.entries(joins)) {
    const outcome = await joining().then(() => 'in', (error: Error) => error.message);
    assert.equal(outcome, 'UNAUTHENTICATED', `${name} lets in, or says otherwise: ${outcome}`);
  }
  await until(() => staying.room.connection.isOpen);
  await staying.leave();
  assert.equal((await get(`${server.url}/auth/userdata`, bearer((await signIn(server.url)).token))).status, 200, 'others are let in');
}
