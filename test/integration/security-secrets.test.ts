import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { Client as PostgresClient } from 'pg';
import { findEmbeddedPostgres } from '../../persistence/index.ts';
import { assertGoesRed, withMutant } from '../kit/mutant.ts';
import { temporaryDataFolder } from '../kit/data-folder.ts';
import { foundGuild } from '../kit/guild.ts';
import { adminPasswordOf, basic } from '../kit/ops.ts';
import { joinPlayer, newClient, service, signIn, until } from '../kit/player.ts';
import { ask, bearer, get, post } from '../kit/raw.ts';
import { freePort, startServer, type TestServer } from '../kit/server.ts';
import { secretsOf, signToken } from '../kit/tokens.ts';

const PASSWORD = 'the horse is correct 7531';
const GUESS = 'a guess that nobody else makes 8642';
const ROOT = path.resolve(import.meta.dirname, '../..');

describe('secrets', () => {
  let server: TestServer;
  /** What no log, answer or metric may say, by what it is. */
  const secrets = new Map<string, string>();
  const said: [where: string, text: string][] = [];
  before(async () => {
    server = await startServer({ env: { LOG_LEVEL: 'trace', LOGIN_FAILURES_MAX: '1000' } });
    const { jwtSecret, serviceKey, adminPassword } = secretsOf(server);
    for (const [what, secret] of Object.entries({ jwtSecret, serviceKey, adminPassword, password: PASSWORD, guess: GUESS, basic: basic('admin', adminPassword).authorization.slice(6) })) secrets.set(what, secret);
  });
  after(() => server.stop());

  const heard = async <Reply extends { text: string }>(where: string, reply: Promise<Reply>): Promise<Reply> => {
    const { text } = await reply;
    said.push([where, text]);
    return await reply;
  };

  function assertUnsaid(where: string, text: string, known: ReadonlyMap<string, string> = secrets): void {
    for (const [what, secret] of known) {
      for (const form of [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64').replace(/=+$/, ''), JSON.stringify(secret).slice(1, -1)]) {
        const at = text.indexOf(form);
        assert.equal(at, -1, `${where} says the ${what}: …${text.slice(Math.max(0, at - 200), at + 20)}`);
      }
    }
  }

  it('[SC7] whatever is asked, and whatever fails, nothing says a password, a token or a key', async function () {
    this.timeout(180_000);
    const { url, port } = server;
    const email = `${randomUUID()}@example.com`;
    const account = await post(`${url}/auth/register`, { email, password: PASSWORD, options: { name: 'Sworn' } });
    const login = await post(`${url}/auth/login`, { email, password: PASSWORD });
    for (const { status, body } of [account, login]) {
      assert.equal(status, 200);
      const { user } = body as { user: Record<string, unknown> };
      assert.equal('password' in user || 'passwordHash' in user, false);
      assertUnsaid('the answer to a sign-in', JSON.stringify(user));
    }
    const token = String(login.body['token']);
    secrets.set('token', token).set('token of the sign-up', String(account.body['token']));
    const urls = findEmbeddedPostgres({ dir: server.dataDir, databases: [0, 1, 2, 3].map((index) => `strongroom_${index}`) }) ?? [];
    secrets.set("database's password", new URL(urls[0] ?? '').password || 'there is none');

    const guest = await signIn(url);
    secrets.set('token of a guest', guest.token);
    await heard('an upgrade that fails', post(`${url}/auth/register`, { email, password: PASSWORD, options: { upgradingToken: token } }, bearer(guest.token)));
    await heard('a failed login', post(`${url}/auth/login`, { email, password: GUESS }));
    await heard('a login that is no e-mail', post(`${url}/auth/login`, { email: GUESS, password: GUESS }));
    await heard('a short password', post(`${url}/auth/register`, { email: `${randomUUID()}@example.com`, password: { [GUESS]: PASSWORD } }));
    await heard('a taken e-mail', post(`${url}/auth/register`, { email, password: PASSWORD }));
    await heard('userdata', get(`${url}/auth/userdata`, bearer(token)));
    await heard('userdata of nobody', get(`${url}/auth/userdata`, bearer(signToken({ password: PASSWORD }, 'another key'))));

    const { room, leave } = await joinPlayer(newClient(url, token));
    const guild = await foundGuild({ id: String((login.body['user'] as { playerId: string }).playerId), token, client: newClient(url, token), room, leave });
    await heard('a guild', get(`${url}/guilds/${guild.id}`, bearer(token)));
    for (const [name, asked] of [['zone', { zone: token }], ['guild', { guildId: token, password: PASSWORD }], ['nothing', { token }]] as const) await heard(`a join of ${name}`, post(`${url}/matchmake/joinOrCreate/${name}`, asked, bearer(token)));
    await room.request('player:rename', { commandId: randomUUID(), name: 'x'.repeat(9_000), password: PASSWORD, token }).catch(() => undefined);
    await room.request('command:outcome', { commandId: token }).catch(() => undefined);

    const key = secrets.get('serviceKey') ?? '';
    await service(server).grant(guest.id, { fungibles: { gold: 1 } });
    for (const [what, headers] of Object.entries({ 'the key': bearer(key), 'a wrong key': bearer(`${key}x`), 'a key in another place': { 'x-api-key': key }, 'a token': bearer(token) }) as [string, Record<string, string>][]) {
      await heard(`a grant with ${what}`, post(`${url}/service/grants`, { commandId: randomUUID(), playerId: randomUUID(), fungibles: { gold: PASSWORD }, token }, headers));
      await heard(`a body that is none with ${what}`, post(`${url}/service/grants`, `{"token":"${token}","password":"${PASSWORD}"`, headers));
      await heard(`a read with ${what}`, get(`${url}/service/players/${guest.id}?key=${key}`, headers));
      await heard(`an export with ${what}`, get(`${url}/service/players/${String((login.body['user'] as { playerId: string }).playerId)}/export`, headers));
    }
    for (const headers of [basic('admin', adminPasswordOf(server)), basic('admin', GUESS), basic('admin', PASSWORD)]) {
      for (const route of ['/ops/api/state', '/ops/api/entries', `/ops/api/players?q=${encodeURIComponent(PASSWORD)}`, `/ops/api/players/${guest.id}`, '/monitor/api', `/monitor/api/room?roomId=${room.roomId}`, '/playground/rooms', '/playground/__apidocs']) await heard(route, get(url + route, headers));
    }
    for (const target of [`/?token=${token}`, `/service/players?key=${key}`, `/leaderboards/${token}`, `/a/../${token}`, `/a/b?sessionId=${token}&_authToken=${token}&reconnectionToken=${room.reconnectionToken}`]) {
      await ask(port, target, { headers: { authorization: `Bearer ${token}`, cookie: `token=${token}` } });
      await ask(port, target, { headers: { upgrade: 'websocket', connection: 'Upgrade', 'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', authorization: `Bearer ${token}` } });
    }
    await leave();

    // What breaks inside is told by the database, which says what it was given.
    const databases = await Promise.all(urls.map(async (connectionString) => {
      const database = new PostgresClient({ connectionString });
      await database.connect();
      const { rows } = await database.query<{ password_hash: string }>('select password_hash from account');
      for (const [at, row] of rows.entries()) secrets.set(`hash ${at}`, row.password_hash);
      await database.query("alter table account add constraint broken check (login = 'nobody') not valid; alter table player add constraint broken check (name = 'Nobody') not valid");
      return database;
    }));
    assert.ok(secrets.has('hash 0'), 'the hash is known');
    await heard('a sign-up that breaks', post(`${url}/auth/register`, { email: `${randomUUID()}@example.com`, password: PASSWORD }));
    await heard('an upgrade that breaks', post(`${url}/auth/register`, { email: `${randomUUID()}@example.com`, password: PASSWORD }, bearer(guest.token)));
    await heard('an anonymous sign-up that breaks', post(`${url}/auth/anonymous`, { options: { name: 'Other' } }));
    for (const database of databases) await database.query('alter table account rename to account_gone');
    await heard('a login that breaks', post(`${url}/auth/login`, { email, password: PASSWORD }));
    await heard('a sign-up that breaks at once', post(`${url}/auth/register`, { email: `${randomUUID()}@example.com`, password: PASSWORD }));
    for (const database of databases) {
      await database.query('alter table account_gone rename to account; alter table account drop constraint broken; alter table player drop constraint broken');
      await database.end();
    }
    await heard('the metrics', get(`${url}/metrics`));
    await server.kill('SIGTERM');

    const log = server.log();
    assert.match(log, /broken/, 'what broke is in it');
    assertUnsaid('the log', log);
    for (const [where, text] of said) assertUnsaid(`the answer to ${where}`, text);
    assert.doesNotMatch(log, /scrypt\$[\da-f]{8}|Failing row contains \(/, 'a row with its hash');
    assert.equal(log.includes(email), false, 'and whose it is');
    assert.ok(said.length > 40);
  });

  it('[SC7] "rows-in-log" goes red: the database tells whose row it refused, and most of the hash', async () => {
    await withMutant('rows-in-log', async (root) => {
      const mutant = await startServer({ root });
      try {
        await assertGoesRed(rowsStayUnsaid(mutant), /the log says whose row it was/);
      } finally {
        await mutant.stop();
      }
    });
  });

  it('[SC7] without the mutant it does not', async () => {
    const own = await startServer();
    try {
      await rowsStayUnsaid(own);
    } finally {
      await own.stop();
    }
  });

  for (const [what, settings] of Object.entries({
    'a database that cannot be reached': { SHARD_URLS: `postgres://someone:${encodeURIComponent(GUESS)}@127.0.0.1:1/shard0` },
    'a database of no such host': { SHARD_URLS: `postgres://someone:${encodeURIComponent(GUESS)}@no.such.host.invalid/shard0` },
    'a database named twice': { SHARD_URLS: `postgres://a:${encodeURIComponent(GUESS)}@h/d,postgres://a:${encodeURIComponent(GUESS)}@h/d` },
    'no database': { SHARD_URLS: `mysql://a:${encodeURIComponent(GUESS)}@h/d` },
    'a Redis that cannot be reached': { REDIS_URL: `redis://:${encodeURIComponent(GUESS)}@127.0.0.1:1` },
    'no Redis': { REDIS_URL: `http://:${encodeURIComponent(GUESS)}@127.0.0.1:1` },
    "a region's Redis that is none": { LEADERBOARD_URLS: `eu=http://:${encodeURIComponent(GUESS)}@h` },
    'a secret that is short': { NODE_ENV: 'production', JWT_SECRET: 'short-8642', SERVICE_KEY: GUESS, ADMIN_PASSWORD: GUESS },
    'an address with a password': { PUBLIC_ADDRESS: `https://someone:${encodeURIComponent(GUESS)}@h` },
  })) {
    it(`[SC7] ${what} ends the start without its password`, async () => {
      const { folder, remove } = temporaryDataFolder('postgres');
      const { stdout, stderr, status } = spawnSync(process.execPath, ['server/main.ts'], {
        cwd: ROOT, encoding: 'utf8', timeout: 40_000,
        env: { ...process.env, NODE_ENV: 'test', DATA_DIR: folder, PORT: String(await freePort()), LOG_LEVEL: 'trace', DEBUG: 'ioredis:*', ...settings },
      });
      remove();
      assert.equal(status, 1, stderr);
      assert.ok(stderr.trim());
      assertUnsaid('the start', stdout + stderr, new Map([['password', GUESS], ['short secret', 'short-8642']]));
    });
  }
});

async function rowsStayUnsaid(server: TestServer): Promise<void> {
  const urls = findEmbeddedPostgres({ dir: server.dataDir, databases: [0, 1, 2, 3].map((index) => `strongroom_${index}`) }) ?? [];
  for (const connectionString of urls) {
    const database = new PostgresClient({ connectionString });
    await database.connect();
    await database.query("alter table account add constraint broken check (login = 'nobody') not valid");
    await database.end();
  }
  const email = `${randomUUID()}@example.com`;
  assert.equal((await post(`${server.url}/auth/register`, { email, password: PASSWORD })).status, 401);
  await until(() => /violates check constraint/.test(server.log()), 2_000, 'the log says what broke');
  assert.doesNotMatch(server.log(), new RegExp(`${email}|scrypt\\$[\\da-f]{8}`), 'the log says whose row it was');
}
