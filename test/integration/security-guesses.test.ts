import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { assertGoesRed, withMutant } from '../kit/mutant.ts';
import { adminPasswordOf, basic } from '../kit/ops.ts';
import { ask, post } from '../kit/raw.ts';
import { startServer, type TestServer } from '../kit/server.ts';

const FAILURES_MAX = 4;
/** As many guesses as each person's, for the few who sign in as admin. */
const ADMIN_FAILURES_MAX = 3 * FAILURES_MAX;
const PASSWORD = 'correct horse';
const env = { LOGIN_FAILURES_MAX: String(FAILURES_MAX) };
const PAGES = ['/ops/api/state', '/monitor/api', '/playground/rooms', '/ops', '/OPS/api/state', '/ops/nothing', '/monitor/'];

/** Every way to write the address of the login that any part of the server could take for it. */
const SPELLINGS = ['/auth/login', '/auth/login/', '/AUTH/login', '/auth/Login', '/auth/./login', '/auth/x/../login', '/auth/x/%2e%2e/login', '/auth/%2E/login', '/auth//login', '//auth/login', '/auth\\login', '/auth/x\\..\\login', '/auth/%6cogin', '/auth/login?x=1', '/auth/login#x', '/auth/login%20', '/auth/login;x', '/auth/log%69n', '/x/../auth/login'];

async function oneAccount(server: TestServer): Promise<string> {
  const email = `${randomUUID()}@example.com`;
  assert.equal((await post(`${server.url}/auth/register`, { email, password: PASSWORD })).status, 200);
  return email;
}

/** However the address is written, and the e-mail, there are so many tries in all. */
async function guessesAreCounted(server: TestServer): Promise<void> {
  const email = await oneAccount(server);
  let tries = 0;
  for (const target of SPELLINGS) {
    for (const spelt of [email, email.toUpperCase(), ` ${email}`]) {
      const { status } = await ask(server.port, target, { method: 'POST', body: JSON.stringify({ email: spelt, password: 'guess' }) });
      if (status === 401 && spelt !== ` ${email}`) tries++;
    }
  }
  assert.ok(tries > 0 && tries <= FAILURES_MAX, `${tries} guesses were compared`);
}

describe('guesses', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await startServer({ env });
  });
  afterEach(() => server.stop());

  const knock = (target: string, password: string) => ask(server.port, target, { headers: basic('admin', password) });

  it('[SC4] a login is tried so many times a minute, however its address is written', async () => {
    await guessesAreCounted(server);
  });

  it("[SC4] guesses at the admin's password are counted over all its pages, and then the right one waits too", async () => {
    const right = adminPasswordOf(server);
    for (let at = 0; at < ADMIN_FAILURES_MAX; at++) assert.equal((await knock(PAGES[at % PAGES.length] ?? '', `guess ${at}`)).status, 401);
    for (const page of PAGES) {
      const guess = await knock(page, 'guess');
      assert.equal(guess.status, 429, page);
      assert.match(guess.text, /"code":"RATE_LIMITED"/);
      assert.equal((await knock(page, right)).status, 429, `${page}: the guess that is right would be let in`);
    }
    const forwarded = await ask(server.port, '/ops/api/state', { headers: { ...basic('admin', 'guess'), 'x-forwarded-for': '203.0.113.9', forwarded: 'for=203.0.113.9', 'x-real-ip': '203.0.113.9' } });
    assert.equal(forwarded.status, 429, 'an address that a client makes up is not believed');
    assert.equal((await ask(server.port, '/ops/api/state')).status, 401, 'who brings no password guesses none');
    assert.equal((await ask(server.port, '/healthz')).status, 200, 'all else is open');
  });

  it('[SC4] who knows the password is never slowed, however much is asked for at once, nor by the guesses of a few', async () => {
    const right = adminPasswordOf(server);
    for (let at = 0; at < ADMIN_FAILURES_MAX - 1; at++) assert.equal((await knock('/ops/api/state', 'guess')).status, 401);
    for (let round = 0; round < 4; round++) {
      const answers = await Promise.all(Array.from({ length: 5 * ADMIN_FAILURES_MAX }, () => knock('/ops/api/pauses', right)));
      assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    }
  });

  it('[SC4] guesses that are made at once are not more', async () => {
    const answers = await Promise.all(Array.from({ length: 5 * ADMIN_FAILURES_MAX }, (_, at) => knock('/ops/api/state', `guess ${at}`)));
    assert.equal(answers.filter(({ status }) => status === 401).length, ADMIN_FAILURES_MAX);
    const email = await oneAccount(server);
    const logins = await Promise.all(Array.from({ length: 5 * FAILURES_MAX }, () => post(`${server.url}/auth/login`, { email, password: 'guess' })));
    assert.equal(logins.filter(({ status }) => status === 401).length, FAILURES_MAX);
  });

  it('[SC4] "paths-by-readers" goes red: an address that only some resolve is not counted', async () => {
    await withMutant('paths-by-readers', async (root) => {
      const mutant = await startServer({ root, env });
      try {
        await assertGoesRed(guessesAreCounted(mutant), /guesses were compared/);
      } finally {
        await mutant.stop();
      }
    });
  });
});
