import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { assertGoesRed, withMutant } from '../kit/mutant.ts';
import { adminPasswordOf, basic, ops } from '../kit/ops.ts';
import { join, newClient, signIn } from '../kit/player.ts';
import { ask, bearer, exchange } from '../kit/raw.ts';
import { startServer, type TestServer } from '../kit/server.ts';

const DIST = path.resolve(import.meta.dirname, '../../web/dist');
const EVIL = 'https://evil.example';
const GAME = 'https://game.example';

/** One answer of every kind: what a page, a client, a stranger and a fault are told. */
const ANSWERS: Record<string, readonly [route: string, init?: RequestInit]> = {
  'the page': ['/'], 'the page asked for its head': ['/', { method: 'HEAD' }], 'what is not there': ['/nothing.html'], 'JSON for anyone': ['/catalog'], 'a leaderboard': ['/leaderboards'], 'a refusal of ours': ['/service/players'], 'a path that cannot be read': ['/%ff'],
  metrics: ['/metrics'], health: ['/readyz'], "the framework's own health": ['/__healthcheck'], 'the operations page to a stranger': ['/ops'], 'the monitor to a stranger': ['/monitor/'], 'what is not there of the monitor': ['/monitor/nothing'], 'the playground to a stranger': ['/playground/rooms'],
  'a seat': ['/matchmake/joinOrCreate/zone', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }], 'an unknown method of the matchmaker': ['/matchmake/nothing/zone', { method: 'POST' }], 'what the front door refuses': ['/catalog', { method: 'PUT' }], 'a failed login': ['/auth/login', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"email":"a@example.com","password":"guess"}' }],
  'a request that another origin asks before': ['/catalog', { method: 'OPTIONS', headers: { origin: EVIL } }], 'one that may not be asked': ['/ops/api/state', { method: 'OPTIONS', headers: { origin: EVIL } }],
};

/** An answer that is read to its end, so that its connection is free. */
async function look(url: string, init: RequestInit = {}): Promise<{ status: number; headers: Headers; text: string }> {
  const response = await fetch(url, { ...init, redirect: 'manual' });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

function policyOf(headers: Headers): Map<string, string> {
  return new Map((headers.get('content-security-policy') ?? '').split(';').map((part) => part.trim().split(/ (.*)/s).slice(0, 2) as [string, string]));
}

async function assertHeaders(server: TestServer): Promise<void> {
  const asset = globSync('assets/*.js', { cwd: DIST })[0] ?? '';
  assert.ok(asset, 'the client is built');
  for (const [what, [route, init]] of Object.entries<(typeof ANSWERS)[string]>({ ...ANSWERS, 'a file of the page': [`/${asset}`] })) {
    const { status, headers } = await look(server.url + route, init);
    assert.equal(headers.get('x-content-type-options'), 'nosniff', `${what} (${status}): its type may be guessed`);
    assert.equal(headers.get('x-powered-by'), null, what);
    assert.equal(headers.get('referrer-policy'), 'no-referrer', `${what}: the next page learns of it`);
    assert.equal(headers.get('x-frame-options'), 'SAMEORIGIN', what);
    if (/^\/(?:monitor|playground)/.test(route)) continue;
    const policy = policyOf(headers);
    // Express says of what is not there that nothing at all may be loaded.
    if (policy.get('default-src') === "'none'" && status >= 400) continue;
    assert.equal(policy.get('default-src'), "'self'", what);
    assert.equal(policy.get('frame-ancestors'), "'self'", what);
    for (const [directive, sources] of policy) assert.doesNotMatch(sources ?? '', /https?:|\*|unsafe-eval/, `${what}: ${directive}`);
    assert.doesNotMatch(policy.get('script-src') ?? policy.get('default-src') ?? '', /unsafe/, what);
  }
}

describe('pages', () => {
  let server: TestServer;
  let admin: Record<string, string>;
  before(async () => {
    server = await startServer();
    admin = basic('admin', adminPasswordOf(server));
  });
  after(() => server.stop());

  it('[SC1] every kind of answer says what a browser may do with it', async () => {
    await assertHeaders(server);
  });

  it('[SC1] a refused handshake does too', async () => {
    const answer = await exchange(server.port, 'GET /a/../b HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
    assert.match(answer, /^HTTP\/1.1 400[^]*x-content-type-options: nosniff/);
  });

  it('[SC1] answers without the headers goes red', async () => {
    await withMutant('headers-bare', async (root) => {
      const mutant = await startServer({ root });
      try {
        await assertGoesRed(assertHeaders(mutant), /its type may be guessed|the next page learns of it/);
      } finally {
        await mutant.stop();
      }
    });
  });

  it('[SC1] the built client names no other place that it would load from', () => {
    const files = globSync('**/*.{html,js,css,svg,webmanifest,json}', { cwd: DIST }).map((file) => [file, readFileSync(path.join(DIST, file), 'utf8')] as const);
    assert.ok(files.some(([file]) => file.endsWith('index.html')) && files.some(([file]) => file.endsWith('.js')), 'the client is built');
    // What is only a name, as of a namespace or in a message, is never asked for.
    const loads = /(?:\b(?:src|href|action|poster|srcset|data)\s*=\s*["'`]?|url\(\s*["']?|@import\s+["']|\b(?:fetch|import|importScripts|Worker|EventSource|WebSocket|sendBeacon|open)\(\s*["'`])(?:https?:|wss?:)?\/\/[\w.]+/gi;
    assert.deepEqual(files.flatMap(([file, text]) => (text.match(loads) ?? []).map((found) => `${file}: ${found}`)), []);
    for (const made of ['<script src="https://cdn.example/x.js">', 'a{background:url(//cdn.example/x.png)}', 'fetch("http://cdn.example")']) assert.match(made, new RegExp(loads.source, 'i'), 'the pattern finds what it is for');
  });

  it('[SC3] a game on another origin signs in, joins and reads', async () => {
    for (const route of ['/matchmake/joinOrCreate/zone', '/auth/anonymous', '/guilds/x', '/leaderboards', '/catalog']) {
      const { status, headers } = await look(server.url + route, { method: 'OPTIONS', headers: { origin: GAME, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,content-type' } });
      assert.deepEqual([status, headers.get('access-control-allow-origin'), headers.get('access-control-allow-credentials')], [204, GAME, 'true'], route);
      assert.match(headers.get('access-control-allow-headers') ?? '', /Authorization/);
    }
    const { token } = await signIn(server.url);
    const seat = await look(`${server.url}/matchmake/joinOrCreate/zone`, { method: 'POST', headers: { origin: GAME, 'content-type': 'application/json', ...bearer(token) }, body: '{}' });
    assert.deepEqual([seat.status, seat.headers.get('access-control-allow-origin')], [200, GAME]);
    const boards = await look(`${server.url}/leaderboards`, { headers: { origin: GAME } });
    assert.deepEqual([boards.headers.get('access-control-allow-origin'), boards.headers.get('vary')?.includes('Origin')], [GAME, true], 'and what a cache keeps is not shown to another origin');
  });

  it('[SC3] nothing else is to be had by being in the same browser: no answer sets a cookie, and none is looked at', async () => {
    const { token } = await signIn(server.url);
    for (const cookie of [`token=${token}`, `authorization=Bearer ${token}`, `colyseus-auth-token=${token}`]) {
      const seat = await look(`${server.url}/matchmake/joinOrCreate/zone`, { method: 'POST', headers: { origin: EVIL, cookie, 'content-type': 'application/json' }, body: '{}' });
      assert.equal((JSON.parse(seat.text) as { error: string }).error, 'UNAUTHENTICATED');
    }
    for (const [route, init] of Object.values(ANSWERS)) assert.equal((await look(server.url + route, init)).headers.get('set-cookie'), null, route);
  });

  /** What a browser sends for a page of another origin, with the password that it keeps: a script, a form, an image, a link to more than a page. */
  const asks: Record<string, Record<string, string>> = {
    'a script': { origin: EVIL, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' }, 'a script of a browser that says no more': { origin: EVIL }, 'a sandboxed script': { origin: 'null', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' },
    'an image': { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' }, 'a neighbour under the same site': { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' },
    'a link to more than the page': { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
  };

  async function assertForeign(at: TestServer): Promise<void> {
    const password = basic('admin', adminPasswordOf(at));
    const player = await join(at.url);
    const before = [await ops(at).entries(), (await ops(at).file(player.id)).frozen];
    const body = JSON.stringify({ commandId: crypto.randomUUID(), frozen: true, reason: 'by another page' });
    const routes: [string, { method?: string; body?: string }][] = [
      ['/ops/api/state', {}], [`/ops/api/players/${player.id}`, {}], [`/ops/api/players/${player.id}/freeze`, { method: 'POST', body }], ['/monitor/api', {}], [`/monitor/api/room?roomId=${player.room.roomId}`, {}],
      [`/monitor/api/room/call?roomId=${player.room.roomId}&method=disconnect&args=[]`, {}], ['/playground/rooms', {}], ['/playground/profiling/start', { method: 'POST' }],
    ];
    for (const [what, headers] of Object.entries(asks)) {
      for (const [route, init] of routes) {
        const answer = await ask(at.port, route, { ...init, headers: { ...password, ...headers } });
        assert.equal(answer.status, 400, `${what} asks for ${route} and gets it`);
        assert.doesNotMatch(answer.text, new RegExp(player.id));
      }
    }
    assert.deepEqual([await ops(at).entries(), (await ops(at).file(player.id)).frozen], before);
    assert.ok(player.room.connection.isOpen, 'and the room is still there');
    await player.leave();
  }

  it('[SC3] another page reads and changes nothing with the password that the browser sends along', async () => {
    await assertForeign(server);
  });

  it('[SC3] no answer of the operators\' routes is for another origin, whatever it asks, and no request is allowed before it is made', async () => {
    for (const route of ['/ops', '/ops/api/state', '/OPS/api/state', '/monitor/api', '/playground/rooms', '/service/audit', '/service/grants', '/metrics']) {
      for (const method of ['OPTIONS', 'GET', 'HEAD', 'POST']) {
        const { status, headers } = await look(server.url + route, { method, headers: { origin: EVIL, ...admin, 'access-control-request-method': 'POST' } });
        assert.deepEqual([...headers.keys()].filter((name) => name.startsWith('access-control-')), [], `${method} ${route}`);
        if (method === 'OPTIONS') assert.equal(status, 400, route);
      }
    }
  });

  it('[SC3] the pages themselves ask, and a link to them is followed', async () => {
    const own = { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors', origin: server.url };
    for (const route of ['/ops/api/state', '/monitor/api', '/playground/rooms']) assert.equal((await look(server.url + route, { headers: { ...admin, ...own } })).status, 200, route);
    const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
    for (const route of ['/ops', '/ops/', '/monitor/', '/playground/']) {
      const [followed, typed] = await Promise.all([{ ...admin, ...link }, admin].map((headers) => ask(server.port, route, { headers })));
      assert.equal(followed?.status, typed?.status, route);
      assert.doesNotMatch(followed?.text ?? '', /another page/);
    }
    await assert.rejects(newClient(server.url, 'garbage').joinOrCreate('zone'), { message: 'UNAUTHENTICATED' });
  });

  for (const [name, symptom, scenario] of [['pages-strangers', /and gets it/, assertForeign], ['operators-cors', /allow-origin/, assertUnshared]] as const) {
    it(`[SC3] "${name}" goes red`, async () => {
      await withMutant(name, async (root) => {
        const mutant = await startServer({ root });
        try {
          await assertGoesRed(scenario(mutant), symptom);
        } finally {
          await mutant.stop();
        }
      });
    });
  }
});

async function assertUnshared(server: TestServer): Promise<void> {
  const { headers } = await look(`${server.url}/metrics`, { headers: { origin: EVIL } });
  assert.equal(headers.get('access-control-allow-origin'), null, 'allow-origin: another page on this machine reads the metrics');
}
