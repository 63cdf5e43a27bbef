import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { post } from '../kit/raw.ts';
import { startServer, type TestServer } from '../kit/server.ts';

const PASSWORD = 'correct horse';
const [AUTH_RATE_MAX, LOGIN_FAILURES_MAX] = [60, 4];

describe('the limits of /auth', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await startServer({ env: { AUTH_RATE_MAX: String(AUTH_RATE_MAX), LOGIN_FAILURES_MAX: String(LOGIN_FAILURES_MAX) } });
  });
  afterEach(() => server.stop());

  const login = (email: string, password: string) => post(`${server.url}/auth/login`, { email, password });

  function assertRateLimited({ status, body, text }: Awaited<ReturnType<typeof post>>): void {
    assert.equal(status, 429, text);
    assert.deepEqual(Object.keys(body).toSorted(), ['code', 'details', 'ref']);
    assert.equal(body['code'], 'RATE_LIMITED');
    assert.match(String(body['ref']), /^[\da-f-]{36}$/);
  }

  it('[AC4] an address has as many requests a minute as it was given, and then RATE_LIMITED', async () => {
    const replies = [];
    for (let at = 0; at < AUTH_RATE_MAX + 5; at++) replies.push(await post(`${server.url}/auth/anonymous`, {}));
    assert.deepEqual(replies.slice(0, AUTH_RATE_MAX).filter(({ status }) => status !== 200), []);
    for (const reply of replies.slice(AUTH_RATE_MAX)) assertRateLimited(reply);
    assert.equal((await fetch(`${server.url}/healthz`)).status, 200, 'other routes are open');
    const forwarded = await post(`${server.url}/auth/anonymous`, {}, { 'x-forwarded-for': '203.0.113.7', 'x-real-ip': '203.0.113.7' });
    assert.equal(forwarded.status, 429, 'an address that a client makes up is not believed');
  });

  it('[AC4] failed logins are limited per e-mail, in every spelling, and successful ones are not', async () => {
    const [email, other] = [`${randomUUID()}@example.com`, `${randomUUID()}@example.com`];
    for (const address of [email, other]) assert.equal((await post(`${server.url}/auth/register`, { email: address, password: PASSWORD })).status, 200);
    for (let at = 0; at < LOGIN_FAILURES_MAX * 2; at++) assert.equal((await login(email, PASSWORD)).status, 200, 'a success does not count');

    for (let at = 0; at < LOGIN_FAILURES_MAX; at++) assert.equal((await login(at % 2 ? email.toUpperCase() : email, 'guess')).status, 401);
    assertRateLimited(await login(email, 'guess'));
    assertRateLimited(await login(email.toUpperCase(), 'guess'));
    assertRateLimited(await login(email, PASSWORD));
    assert.equal((await login(other, PASSWORD)).status, 200, 'another account is not locked out');
  });
});
