import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Client as PostgresClient } from 'pg';
import { findEmbeddedPostgres } from '../../persistence/index.ts';
import { join, until } from '../kit/player.ts';
import { bearer, get } from '../kit/raw.ts';
import { startServer, type TestServer } from '../kit/server.ts';

const SECRETS = { JWT_SECRET: 'a jwt secret of enough characters', SERVICE_KEY: 'a service key of enough characters', ADMIN_PASSWORD: 'an admin password of enough characters' };
const PAGE = path.resolve(import.meta.dirname, '../../web/dist/index.html');
const basic = (user: string, password: string) => ({ authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` });

for (const production of [false, true]) {
  describe(`public and operators' routes${production ? ' in production' : ''}`, () => {
    let server: TestServer;
    let adminPassword: string;
    before(async () => {
      server = await startServer({ env: { LOGIN_FAILURES_MAX: '100000', ...(production && { ...SECRETS, NODE_ENV: 'production' }) } });
      const stored = path.join(server.dataDir, 'secrets.json');
      adminPassword = production ? SECRETS.ADMIN_PASSWORD : (JSON.parse(readFileSync(stored, 'utf8')) as { adminPassword: string }).adminPassword;
    });
    after(() => server.stop());

    const fetched = (route: string, headers?: Record<string, string>) => get(`${server.url}${route}`, headers);

    it('[SV5] the monitor demands the admin password, for its page and for each of its calls', async () => {
      for (const route of ['/monitor/', '/monitor/api', '/monitor/api/room?roomId=x', '/monitor/api/room/call?roomId=x&method=disconnect&args=[]']) {
        for (const headers of [{}, basic('admin', ''), basic('admin', 'guess'), basic('root', adminPassword), basic('', adminPassword), basic('__proto__', adminPassword), bearer(adminPassword), bearer(server.serviceKey)] as Record<string, string>[]) {
          assert.equal((await fetched(route, headers)).status, 401, `${route} ${JSON.stringify(headers)}`);
        }
      }
      assert.equal((await fetched('/monitor/', basic('admin', adminPassword))).status, 200);
    });

    it('[SV5] through the monitor nobody without the password reaches a room', async () => {
      const player = await join(server.url);
      const { status, text } = await fetched(`/monitor/api/room?roomId=${player.room.roomId}`);
      assert.equal(status, 401);
      assert.doesNotMatch(text, new RegExp(player.id));
      const seen = await fetched(`/monitor/api/room?roomId=${player.room.roomId}`, basic('admin', adminPassword));
      assert.equal(seen.status, 200, 'the password does: the test can fail');
      await player.leave();
    });

    it(`[SV5] the playground ${production ? 'is not there' : 'demands the admin password'}`, async () => {
      for (const route of ['/playground/', '/playground/rooms']) {
        assert.equal((await fetched(route)).status, production ? 404 : 401, route);
        if (production) assert.equal((await fetched(route, basic('admin', adminPassword))).status, 404, route);
      }
    });

    it('[SV4] metrics are for the service key or the loopback, and a forwarded request is not from there', async () => {
      const near = await fetched('/metrics');
      assert.equal(near.status, 200);
      assert.ok(near.text.includes('strongroom_refusals_total') && near.text.includes('process_resident_memory_bytes'));
      for (const forwarded of ['203.0.113.7', '127.0.0.1', '']) {
        const far = await fetched('/metrics', { 'x-forwarded-for': forwarded });
        assert.deepEqual([far.status, far.body['code']], [401, 'UNAUTHENTICATED'], forwarded);
        assert.equal((await fetched('/metrics', { 'x-forwarded-for': forwarded, ...bearer(server.serviceKey) })).status, 200);
      }
    });

    it('[SV4] health and the catalogue are for anyone', async () => {
      assert.deepEqual((await fetched('/healthz')).body, { ok: true });
      assert.deepEqual((await fetched('/readyz')).body, { ok: true });
      const { assets } = (await fetched('/catalog')).body as { assets: { name: string; type: string; bound: boolean }[] };
      assert.ok(assets.length >= 12);
      for (const name of ['gold', 'ore', 'wood', 'herb', 'gem']) assert.equal(assets.find((asset) => asset.name === name)?.type, 'fungible', name);
      for (const name of ['sword', 'shield', 'bow', 'amulet', 'relic']) assert.equal(assets.find((asset) => asset.name === name)?.type, 'unique', name);
      assert.equal(assets.find(({ name }) => name === 'relic')?.bound, true);
    });

    it('[SV4] the page is served at / with a policy for its scripts, and nothing above its folder', async function () {
      if (!existsSync(PAGE)) return this.skip();
      const response = await fetch(`${server.url}/`);
      assert.equal(response.status, 200);
      assert.match(response.headers.get('content-security-policy') ?? '', /default-src 'self'/);
      assert.equal(await response.text(), readFileSync(PAGE, 'utf8'));
      for (const route of ['/package.json', '/..%2f..%2fpackage.json', '/%2e%2e/%2e%2e/package.json', '/.env', '/src/main.ts']) assert.equal((await fetched(route)).status, 404, route);
    });

    if (production) {
      it('[CF7] in production no secret is stored', () => {
        assert.equal(existsSync(path.join(server.dataDir, 'secrets.json')), false);
      });
      return;
    }
    it('[RF2] a server that is not ready says so, and its cause is for the log', async () => {
      const [connectionString] = findEmbeddedPostgres({ dir: server.dataDir, databases: ['strongroom_0'] }) ?? [];
      const database = new PostgresClient({ connectionString });
      await database.connect();
      await database.query('alter table migration rename column name to name_gone');
      const { status, text, body } = await fetched('/readyz');
      assert.deepEqual([status, body['ok']], [503, false]);
      assert.doesNotMatch(text, /column|name_gone|127\.0\.0\.1/);
      await until(() => /not ready/.test(server.log()), 2_000, 'the log says why');
      await database.query('alter table migration rename column name_gone to name');
      await database.end();
      assert.equal((await fetched('/readyz')).status, 200);
    });
  });
}
