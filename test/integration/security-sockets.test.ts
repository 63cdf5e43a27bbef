import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { globSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { assertServes, inParallel } from '../kit/onslaught.ts';
import { assertGoesRed, withMutant } from '../kit/mutant.ts';
import { adminPasswordOf, basic } from '../kit/ops.ts';
import { assertSoon, patient } from '../kit/patience.ts';
import { join, service, signIn } from '../kit/player.ts';
import { ask, bearer, reserveSeat } from '../kit/raw.ts';
import { startServer, type TestServer } from '../kit/server.ts';
import { isFull } from '../share.ts';

const DIST = path.resolve(import.meta.dirname, '../../web/dist');
const [IDLE, UPGRADED] = isFull() ? [5_000, 1_000] : [2_000, 500];
const MB = 1024 * 1024;
/** Headers within 10 s and a request within 30 s, looked after every 2 s; an answer that nobody reads within 60 s. */
const [HEADERS_MAX_MS, REQUEST_MAX_MS, SEATLESS_MAX_MS, UNREAD_MAX_MS] = [12_500, 32_500, 12_500, 66_000];

/** A client that does no more than these bytes. */
class Stubborn {
  readonly socket: Socket;
  readonly closed: Promise<number>;
  answer = '';

  constructor(port: number, bytes: string, { reads = true, since = performance.now() } = {}) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('error', () => undefined);
    if (reads) this.socket.on('data', (chunk: Buffer) => void (this.answer += chunk.toString('latin1')));
    else this.socket.pause();
    this.closed = new Promise((resolve) => this.socket.on('close', () => resolve(performance.now() - since)));
    if (bytes) this.socket.write(bytes);
  }

  /** How long it was held, in ms; undefined when it is held still. */
  async heldFor(maxMs: number): Promise<number | undefined> {
    return await Promise.race([this.closed, delay(patient(maxMs), undefined, { ref: false })]);
  }
}

/** A frame that is right, and is no answer to the server's own. */
const PING = Buffer.from([0x89, 0x80, 0, 0, 0, 0]);
const upgrade = (target: string) => `GET ${target} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;

async function residentMb(server: TestServer): Promise<number> {
  return Number(/^process_resident_memory_bytes (\d+)/m.exec(await (await fetch(`${server.url}/metrics`)).text())?.[1]) / MB;
}

async function headersAreAwaited(server: TestServer): Promise<void> {
  const clients = ['', 'G', 'GET / HTTP/1.1\r\nHost: a\r\n', `GET / HTTP/1.1\r\nX: ${'x'.repeat(4_000)}`].map((bytes) => new Stubborn(server.port, bytes));
  // One that says another word now and then is as slow as one that says nothing.
  const drip = setInterval(() => clients[2]?.socket.write('X: y\r\n'), 500);
  try {
    for (const [at, client] of clients.entries()) assert.ok(await client.heldFor(HEADERS_MAX_MS), `client ${at} is held although its headers never end`);
  } finally {
    clearInterval(drip);
    for (const { socket } of clients) socket.destroy();
  }
}

describe('sockets and bodies', () => {
  let server: TestServer;
  before(async () => {
    server = await startServer({ env: { LOG_LEVEL: 'fatal' } });
  });
  after(() => server.stop());

  it("[SC6] no path leads out of the client's folder, and none of a parameter is a path", async () => {
    const [word, name] = [randomUUID(), `canary-${process.pid}.txt`];
    const beside = path.join(path.dirname(DIST), name);
    const hidden = path.join(DIST, `.${name}`);
    writeFileSync(beside, word);
    writeFileSync(hidden, word);
    try {
      const dots = ['..', '%2e%2e', '%2E.', '.%2e', '%252e%252e', '..%00', '%c0%ae%c0%ae', '%uff0e%uff0e', '....', '..;', '．．'.normalize('NFD')];
      const slashes = ['/', '%2f', '%5c', '\\', '//', '%252f', '/./', '%c0%af'];
      const climbs = dots.flatMap((dot) => slashes.flatMap((slash) => [`/${dot}${slash}${name}`, `/assets${slash}${dot}${slash}${dot}${slash}${name}`, `/assets/${dot}${slash}${dot}${slash}package.json`]));
      const others = [`/${beside}`, `/${encodeURIComponent(beside)}`, `/.${name}`, `/%2e${name}`, `/${name}%00.html`, `/index.html%00/../../${name}`, `/file:${beside}`, `//${name}`];
      const behind = ['/leaderboards/', '/guilds/', '/service/players/', '/service/items/', '/ops/api/players/', '/ops/', '/monitor/', '/playground/'].flatMap((route) => climbs.map((climb) => route + climb.slice(1)));
      const headers = [bearer(server.serviceKey), basic('admin', adminPasswordOf(server))];
      let asked = 0;
      await inParallel([...climbs, ...others, ...behind], 16, async (target) => {
        const { status, text } = await ask(server.port, Buffer.from(target).toString('latin1'), { headers: headers[Number(/^\/(?:ops|monitor|playground)/.test(target))] ?? {} });
        assert.equal(text.includes(word) || text.includes('"strongroom"'), false, `${target} shows what is outside`);
        assert.ok(status >= 400 && status < 500 || /<!doctype html>/i.test(text) || status === 302, `${target}: ${status}`);
        asked++;
      });
      assert.ok(asked > 1_000);
      assert.match((await ask(server.port, '/index.html')).text, /<!doctype html>/i, 'what is inside is shown');
    } finally {
      rmSync(beside);
      rmSync(hidden);
    }
  });

  it('[SC6] a body that is too large, or whose length nobody knows, is refused, and is not kept', async () => {
    const { token } = await signIn(server.url);
    const before = await residentMb(server);
    const large = (bytes: number) => JSON.stringify({ commandId: randomUUID(), text: 'x'.repeat(bytes) });
    const limits: [string, number, Record<string, string>][] = [['/auth/anonymous', 16_384, {}], ['/matchmake/joinOrCreate/zone', 16_384, bearer(token)], ['/ops/api/pauses', 16_384, basic('admin', adminPasswordOf(server))], ['/service/grants', MB, bearer(server.serviceKey)]];
    for (const [target, max, headers] of limits) {
      await inParallel(Array.from({ length: 60 }), 8, async () => {
        const { status, text } = await ask(server.port, target, { method: 'POST', body: large(max + 1), headers, waitMs: 5_000 });
        // The connection may be gone before the answer is read: what is left of the body is not.
        assert.ok(status === 400 || status === 0, `${target}: ${status} ${text.slice(-300)}`);
      });
    }
    for (const [target, , headers] of limits.slice(0, 3)) {
      const chunked = await ask(server.port, target, { method: 'POST', headers: { ...headers, 'content-type': 'application/json', 'transfer-encoding': 'chunked' } });
      assert.equal(chunked.status, 400, target);
    }
    for (const [target, , headers] of limits) {
      for (const length of ['9'.repeat(30), '-1', '1e3', '0x10', '5, 5', '+5', '']) {
        const { status } = await ask(server.port, target, { method: 'POST', headers: { ...headers, 'content-type': 'application/json', 'content-length': length } });
        assert.equal(status, 400, `${target} of ${length} bytes`);
      }
      // Two lengths, or a length beside chunks, are how one request is hidden in another.
      const both = await ask(server.port, target, { method: 'POST', body: '{}', headers: { ...headers, 'transfer-encoding': 'chunked' } });
      assert.equal(both.status, 400, target);
    }
    const grown = (await residentMb(server)) - before;
    assert.ok(grown < 150, `${Math.round(grown)} MB more`);
  });

  it('[SC6] a request that is hidden behind another is not answered', async () => {
    const hidden = `GET /service/audit HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${server.serviceKey}\r\n\r\n`;
    for (const [extra, body] of [['Transfer-Encoding: chunked\r\nContent-Length: 4\r\n', `0\r\n\r\n${hidden}`], ['Content-Length: 2\r\nContent-Length: 4\r\n', `{}${hidden}`], ['Transfer-Encoding: chunked, identity\r\n', `0\r\n\r\n${hidden}`], ['Transfer-Encoding : chunked\r\n', `0\r\n\r\n${hidden}`], ['Content-Length: 2\r\n Content-Length: 4\r\n', `{}${hidden}`]] as const) {
      const client = new Stubborn(server.port, `POST /auth/anonymous HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n${extra}\r\n${body}`);
      await client.heldFor(2_000);
      client.socket.destroy();
      assert.doesNotMatch(client.answer, /invariants/, extra);
      assert.match(client.answer, /^HTTP\/1\.1 400/, extra);
    }
  });

  it('[SC6] headers that never end, and a body that never ends, end their connection in time; others are served meanwhile', async function () {
    this.timeout(patient(90_000));
    const body = new Stubborn(server.port, 'POST /auth/anonymous HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"a":');
    const large = new Stubborn(server.port, `POST /service/grants HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${server.serviceKey}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n`);
    const [, begun] = await Promise.all([headersAreAwaited(server), performance.now()]);
    const player = await join(server.url);
    await player.leave();
    for (const [what, client] of Object.entries({ body, large })) assert.ok(await client.heldFor(REQUEST_MAX_MS - (performance.now() - begun)), `a ${what} that never ends is held`);
  });

  it('[SC6] "waits-unbounded" goes red: headers that never end are held', async function () {
    this.timeout(120_000);
    await withMutant('waits-unbounded', async (root) => {
      const mutant = await startServer({ root });
      try {
        await assertGoesRed(headersAreAwaited(mutant), /is held/);
      } finally {
        await mutant.stop();
      }
    });
  });

  it('[SC6] a socket that upgrades and never reads is closed, with and without a seat', async function () {
    this.timeout(patient(60_000));
    const { token } = await signIn(server.url);
    const seat = await reserveSeat(server.url, token, 'zone', { zone: 'meadow' });
    const seated = new Stubborn(server.port, upgrade(`/${seat.processId}/${seat.roomId}?sessionId=${seat.sessionId}`), { reads: false });
    const strangers = ['/', '/a/b', '/a/b?sessionId=x', `/${seat.processId}/${seat.roomId}`, `/${seat.processId}/${seat.roomId}?sessionId=x`].map((target) => new Stubborn(server.port, upgrade(target), { reads: false }));
    // A socket that is not read does not say that it was closed: the next bytes to it do.
    const nudge = setInterval(() => {
      for (const { socket } of [seated, ...strangers]) if (!socket.destroyed) socket.write(PING);
    }, 1_000);
    try {
      for (const [at, client] of [seated, ...strangers].entries()) assert.ok(await client.heldFor(SEATLESS_MAX_MS), `socket ${at} is held`);
    } finally {
      clearInterval(nudge);
    }
  });

  it(`[SC6] ${IDLE} sockets that say nothing and ${UPGRADED} without a seat keep nobody from joining and trading, and are closed`, async function () {
    this.timeout(patient(60_000));
    const before = await residentMb(server);
    const clients: Stubborn[] = [];
    const began = performance.now();
    await inParallel(Array.from({ length: IDLE + UPGRADED }, (_, at) => at), 200, async (at) => {
      const client = new Stubborn(server.port, at < IDLE ? '' : upgrade(at % 2 ? '/' : '/a/b?sessionId=x'));
      clients.push(client);
      if (!client.socket.pending) return;
      await new Promise((resolve) => client.socket.once('connect', resolve).once('close', resolve));
    });
    try {
      const open = clients.filter(({ socket }) => !socket.destroyed).length;
      assert.ok(open >= IDLE * 0.9, `${open} were open at once`);
      const started = performance.now();
      await assertServes(server);
      assertSoon(performance.now() - started, 5_000, 'two joins and a trade');
      const grown = (await residentMb(server)) - before;
      assert.ok(grown < 40 + open * 0.03, `${Math.round(grown)} MB for ${open} sockets`);
      console.log(`      ${open} open, ${Math.round(grown)} MB more, a trade in ${Math.round(performance.now() - started)} ms`);
      const held = await Promise.all(clients.map((client) => client.heldFor(HEADERS_MAX_MS - (performance.now() - began) + 5_000)));
      assert.equal(held.filter((ms) => ms === undefined).length, 0, 'sockets are held for ever');
    } finally {
      for (const { socket } of clients) socket.destroy();
    }
    assert.equal((await fetch(`${server.url}/healthz`)).status, 200);
    assert.equal((await service(server).audit()).ok, true);
  });

  it('[SC6] an answer that nobody reads is not kept for ever', async function () {
    if (!isFull()) return this.skip(); // it waits for a minute
    this.timeout(patient(100_000));
    const asset = globSync('assets/*.js', { cwd: DIST }).toSorted((a, b) => statSync(path.join(DIST, b)).size - statSync(path.join(DIST, a)).size)[0] ?? '';
    // More than the buffers on both sides take.
    const client = new Stubborn(server.port, `GET /${asset} HTTP/1.1\r\nHost: a\r\n\r\n`.repeat(60), { reads: false });
    assert.equal(await client.heldFor(UNREAD_MAX_MS / patient(1)), undefined);
    // It stands still, and does not say that it was closed until the next bytes go to it.
    for (let word = 0; word < 3 && !client.socket.destroyed; word++) await delay(200).then(() => client.socket.write('x'));
    const held = await client.heldFor(1_000);
    client.socket.destroy();
    assert.ok(held, 'it is held');
  });
});
