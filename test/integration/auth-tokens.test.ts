import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { bearer, get, post } from '../kit/raw.ts';
import { joinPlayer, newClient, signIn } from '../kit/player.ts';
import { startServer, type TestServer } from '../kit/server.ts';
import { forgeries, secretsOf, signToken } from '../kit/tokens.ts';

describe('tokens', () => {
  let server: TestServer;
  let secret: string;
  let victim: { id: string; token: string };
  let forged: Record<string, string>;
  /** Well signed, for a player that does not exist. */
  let nobody: string;
  before(async () => {
    server = await startServer();
    const secrets = secretsOf(server);
    secret = secrets.jwtSecret;
    victim = await signIn(server.url);
    forged = forgeries(victim, secrets);
    nobody = signToken({ playerId: randomUUID(), anonymous: true, exp: Math.floor(Date.now() / 1000) + 600 }, secret);
  });
  after(() => server.stop());

  it('[AC3] the forging is sound: the same way of signing, with the right claims, lets in', async () => {
    const token = signToken({ playerId: victim.id, anonymous: true, exp: Math.floor(Date.now() / 1000) + 600 }, secret);
    const { leave, room } = await joinPlayer(newClient(server.url, token));
    assert.equal((room.state as { playerId: string }).playerId, victim.id);
    await leave();
  });

  for (const [room, options] of [['player', {}], ['zone', { zone: 'meadow' }], ['trade', {}]] as const) {
    for (const method of ['joinOrCreate', 'create', 'join'] as const) {
      it(`[AC3] no forged token gets a seat by ${method}("${room}")`, async () => {
        for (const [what, token] of Object.entries(forged)) {
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
    for (const [room, options] of [['player', {}], ['zone', {}], ['leaderboard', { board: 'wealth' }]] as const) {
      await assert.rejects(newClient(server.url, nobody).joinOrCreate(room, options), { message: 'UNAUTHENTICATED' }, room);
    }
  });

  it('[AC3] /auth/userdata and an upgrade demand the same', async () => {
    for (const [what, token] of Object.entries(forged)) {
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
