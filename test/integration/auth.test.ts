import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { bearer, get, post, type Reply } from '../kit/raw.ts';
import { assertAuditGreen, assertHolds } from '../kit/economy.ts';
import { newClient, service, signIn } from '../kit/player.ts';
import { startServer, type TestServer } from '../kit/server.ts';

const PASSWORD = 'correct horse';

describe('accounts over HTTP', () => {
  let server: TestServer;
  before(async () => {
    server = await startServer();
  });
  after(() => server.stop());

  const email = () => `${randomUUID()}@example.com`;
  const register = (body: object, token?: string) => post(`${server.url}/auth/register`, body, token === undefined ? {} : bearer(token));
  const login = (address: string, password = PASSWORD) => post(`${server.url}/auth/login`, { email: address, password });
  const playerOf = (reply: Reply) => (reply.body['user'] as { playerId?: string } | undefined)?.playerId;
  /** Nobody can log in with it. */
  const assertNoAccount = async (address: string) => assert.equal((await login(address)).status, 401);

  it('[AC1] an anonymous sign-in makes a player with the name it asked for, and a token of that player', async () => {
    const { id, token } = await signIn(server.url, 'Rowan');
    const { name, fungibles, items, level } = await service(server).player(id);
    assert.deepEqual({ name, fungibles, items, level }, { name: 'Rowan', fungibles: {}, items: [], level: 1 });
    const { body } = await get(`${server.url}/auth/userdata`, bearer(token));
    assert.deepEqual(body, { user: { id, playerId: id, anonymous: true } });
  });

  it('[AC1] a name that bends its line is replaced by one of ours', async () => {
    for (const name of ['<b>x</b>', '', ' ', 'a\nb', 'x'.repeat(25), '\u202Eevil']) {
      const { id } = await signIn(server.url, name);
      assert.match((await service(server).player(id)).name, /^[A-Z][a-z]+ \d{1,4}$/, JSON.stringify(name));
    }
  });

  it('[AC1] a registration makes account and player at once, and its password lets in', async () => {
    const address = email();
    const registered = await register({ email: address, password: PASSWORD, options: { name: 'Hazel' } });
    assert.equal(registered.status, 200, registered.text);
    const id = playerOf(registered) ?? '';
    assert.equal((await service(server).player(id)).name, 'Hazel');
    assert.equal(playerOf(await login(address)), id);
    assert.doesNotMatch(registered.text + (await login(address)).text, /scrypt|passwordHash|"password"/, 'no hash leaves the server');
  });

  it('[AC1] a taken e-mail is refused in every spelling of its case, and the first account stays as it was', async () => {
    const address = email();
    const first = playerOf(await register({ email: address, password: PASSWORD }));
    for (const spelling of [address, address.toUpperCase(), address.replace('e', 'E')]) {
      const again = await register({ email: spelling, password: 'another password' });
      assert.equal(again.status, 401, again.text);
      assert.equal(again.body['error'], 'email_already_in_use');
    }
    assert.equal(playerOf(await login(address.toUpperCase())), first);
    assert.equal((await login(address, 'another password')).status, 401);
  });

  it('[AC1] of many registrations of one e-mail at once exactly one succeeds', async () => {
    const address = email();
    const replies = await Promise.all(Array.from({ length: 12 }, (_, at) => register({ email: at % 2 ? address.toUpperCase() : address, password: PASSWORD })));
    assert.equal(replies.filter(({ status }) => status === 200).length, 1);
    for (const { status, text } of replies) assert.doesNotMatch(text, status === 200 ? /never/ : /constraint|unique|duplicate|account_/i);
    await assertAuditGreen(server);
  });

  it('[AC2] an upgrade keeps the player and what it holds, and the old token still names it', async () => {
    const { id, token } = await signIn(server.url, 'Sorrel');
    const [sword = ''] = await service(server).grant(id, { fungibles: { gold: 40 }, items: [{ kind: 'sword' }] });
    const address = email();
    const client = newClient(server.url, token);
    const upgraded = await client.auth.registerWithEmailAndPassword<{ playerId: string }>(address, PASSWORD);
    assert.equal(upgraded.user.playerId, id);
    assert.equal(playerOf(await login(address)), id);
    await assertHolds(server, { id }, { fungibles: { gold: 40 }, items: [sword] });
    assert.equal((await service(server).player(id)).name, 'Sorrel');
    assert.equal(((await get(`${server.url}/auth/userdata`, bearer(token))).body['user'] as { playerId: string }).playerId, id);
  });

  it('[AC2] a second upgrade is refused, also one of many at once', async () => {
    const { token } = await signIn(server.url);
    const addresses = Array.from({ length: 6 }, email);
    const replies = await Promise.all(addresses.map((address) => register({ email: address, password: PASSWORD }, token)));
    assert.equal(replies.filter(({ status }) => status === 200).length, 1, replies.map(({ text }) => text).join(' '));
    for (const [at, { status }] of replies.entries()) if (status !== 200) await assertNoAccount(addresses[at] ?? '');
    const late = email();
    assert.equal((await register({ email: late, password: PASSWORD }, token)).status, 401);
    await assertNoAccount(late);
  });

  it('[AC2] an upgrade to a taken e-mail is refused and leaves both players as they were', async () => {
    const address = email();
    const owner = playerOf(await register({ email: address, password: PASSWORD }));
    const { token } = await signIn(server.url);
    assert.equal((await register({ email: address.toUpperCase(), password: 'mine now' }, token)).status, 401);
    assert.equal(playerOf(await login(address)), owner);
    assert.equal((await register({ email: email(), password: PASSWORD }, token)).status, 200, 'the refused player can still be upgraded');
  });

  // Guards the library's own path, which hands `options` over as they came.
  for (const [how, forged] of Object.entries({
    'claims of the victim': (id: string) => ({ playerId: id, anonymous: true }),
    'the id of the victim': (id: string) => id,
    'an id under another name': (id: string) => ({ id, playerId: id, sub: id }),
  })) {
    it(`[AC2] an upgradingToken in the body upgrades nobody: ${how}`, async () => {
      const victim = await signIn(server.url, 'Victim');
      const attacker = await signIn(server.url, 'Attacker');
      const stolen = { upgradingToken: forged(victim.id), playerId: victim.id, upgrading: victim.id };

      const address = email();
      const without = await register({ email: address, password: PASSWORD, options: stolen });
      assert.equal(without.status, 200);
      assert.notEqual(playerOf(without), victim.id);

      const withOwn = await register({ email: email(), password: PASSWORD, options: stolen }, attacker.token);
      assert.equal(playerOf(withOwn), attacker.id);

      const withGarbage = await register({ email: address.replace('@', '+@'), password: PASSWORD, options: stolen }, 'garbage');
      assert.equal(withGarbage.status, 401);
      await assertNoAccount(address.replace('@', '+@'));

      assert.equal(playerOf(await register({ email: email(), password: PASSWORD }, victim.token)), victim.id, 'the victim is still anonymous');
    });
  }

  it('[AC1] malformed sign-ins are refused without a word of a library', async () => {
    const bodies = ['', 'null', '[]', '{', '{"email":1}', { email: 'no address', password: PASSWORD }, { email: email(), password: '12345' }, { email: { $ne: 1 }, password: PASSWORD }, { email: `${'a'.repeat(400)}@b.co`, password: PASSWORD }];
    for (const body of bodies) {
      for (const route of ['register', 'login']) {
        const { status, text } = await post(`${server.url}/auth/${route}`, body);
        assert.ok(status === 400 || status === 401, `${route} ${JSON.stringify(body)}: ${status}`);
        assert.doesNotMatch(text, / JSON | at |node_modules|select |insert /);
      }
    }
  });

  it('[AC1] only the routes that need no mail are there', async () => {
    for (const route of ['reset-password?token=%22%3E%3Cscript%3E', 'confirm-email?token=a', 'forgot-password', 'provider/github']) {
      assert.equal((await get(`${server.url}/auth/${route}`)).status, 404, route);
      assert.equal((await post(`${server.url}/auth/${route}`, { email: email(), token: 'a', password: PASSWORD })).status, 404, route);
    }
  });
});
