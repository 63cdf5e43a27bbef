import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { bearer, get, post } from '../kit/raw.ts';
import { joinPlayer, newClient, signIn } from '../kit/player.ts';
import { startServer, type TestServer } from '../kit/server.ts';

const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
const now = () => Math.floor(Date.now() / 1000);

function signToken(claims: object, secret: string, header: object = { alg: 'HS256', typ: 'JWT' }): string {
  const text = `${encode(header)}.${encode(claims)}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

describe('tokens', () => {
  let server: TestServer;
  let secret: string;
  let victim: { id: string; token: string };
  let forgeries: Record<string, string>;
  before(async () => {
    server = await startServer();
    secret = (JSON.parse(readFileSync(path.join(server.dataDir, 'secrets.json'), 'utf8')) as { jwtSecret: string }).jwtSecret;
    victim = await signIn(server.url);
    const claims = { playerId: victim.id, anonymous: true, iat: now(), exp: now() + 600 };
    const [head = '', body = '', signature = ''] = victim.token.split('.');
    forgeries = {
      none: '',
      garbage: 'garbage',
      'three dots': '...',
      'another key': signToken(claims, 'another key, as long as a real one is'),
      'an empty key': signToken(claims, ''),
      expired: signToken({ ...claims, iat: now() - 7200, exp: now() - 3600 }, secret),
      'not yet in time': signToken({ ...claims, nbf: now() + 3600 }, secret),
      'alg none': `${encode({ alg: 'none', typ: 'JWT' })}.${body}.`,
      'alg none with the signature left': `${encode({ alg: 'none', typ: 'JWT' })}.${body}.${signature}`,
      'alg RS256 with our secret as the key': signToken(claims, secret, { alg: 'RS256', typ: 'JWT' }),
      'other claims under a good signature': `${head}.${encode({ ...claims, playerId: randomUUID() })}.${signature}`,
      'no signature': `${head}.${body}.`,
      'no player': signToken({ anonymous: true, exp: now() + 600 }, secret),
      'a player that is no id': signToken({ ...claims, playerId: 'everybody' }, secret),
      'a player that does not exist': signToken({ ...claims, playerId: randomUUID() }, secret),
    };
  });
  after(() => server.stop());

  it('[AC3] the forging is sound: the same way of signing, with the right claims, lets in', async () => {
    const token = signToken({ playerId: victim.id, anonymous: true, exp: now() + 600 }, secret);
    const { leave, room } = await joinPlayer(newClient(server.url, token));
    assert.equal((room.state as { playerId: string }).playerId, victim.id);
    await leave();
  });

  for (const [room, options] of [['player', {}], ['zone', { zone: 'meadow' }], ['trade', {}]] as const) {
    for (const method of ['joinOrCreate', 'create', 'join'] as const) {
      it(`[AC3] no forged token gets a seat by ${method}("${room}")`, async () => {
        for (const [what, token] of Object.entries(forgeries)) {
          if (what === 'a player that does not exist') continue;
          const { status, body, text } = await post(`${server.url}/matchmake/${method}/${room}`, options, token ? bearer(token) : {});
          assert.equal(body['error'], 'UNAUTHENTICATED', `${what}: ${status} ${text}`);
        }
      });
    }
  }

  it('[AC3] a token in the query or the body is no token', async () => {
    const inQuery = await post(`${server.url}/matchmake/joinOrCreate/zone?_authToken=${victim.token}`, { token: victim.token, _authToken: victim.token, auth: { playerId: victim.id } });
    assert.equal(inQuery.body['error'], 'UNAUTHENTICATED');
  });

  it('[AC3] a good signature for a player that does not exist joins no room', async () => {
    const token = forgeries['a player that does not exist'] ?? '';
    for (const room of ['player', 'zone']) {
      await assert.rejects(newClient(server.url, token).joinOrCreate(room), { message: 'UNAUTHENTICATED' }, room);
    }
  });

  it('[AC3] /auth/userdata and an upgrade demand the same', async () => {
    for (const [what, token] of Object.entries(forgeries)) {
      if (what === 'a player that does not exist') continue;
      const headers: Record<string, string> = token ? bearer(token) : {};
      const userdata = await get(`${server.url}/auth/userdata`, headers);
      assert.equal(userdata.status, 401, `${what}: ${userdata.text}`);
      if (!token) continue;
      const upgrade = await post(`${server.url}/auth/register`, { email: `${randomUUID()}@example.com`, password: 'correct horse' }, headers);
      assert.equal(upgrade.status, 401, `${what}: ${upgrade.text}`);
    }
  });

  it('[AC3] the service key and the admin password are no tokens of a player', async () => {
    const { body } = await post(`${server.url}/matchmake/joinOrCreate/zone`, {}, bearer(server.serviceKey));
    assert.equal(body['error'], 'UNAUTHENTICATED');
  });
});
