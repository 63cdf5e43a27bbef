import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { commandId, join, service, signIn, type TestPlayer } from '../kit/player.ts';
import { assertServes, FLOODED, inParallel, inventories, MemoryWatch } from '../kit/onslaught.ts';
import { exchange, FRAME, RawSocket, reserveSeat, seatUrl, sit, type ReservedSeat } from '../kit/raw.ts';
import { startServer, type TestServer } from '../kit/server.ts';
import { isFull } from '../share.ts';

const SEED = Number(process.env['SEED'] ?? 20261122);
const [STRANGE_SOCKETS, UNACKNOWLEDGED, FLIPPED, TYPED, STREAMS] = isFull() ? [900, 120, 6_000, 250, 700] : [300, 60, 2_000, 100, 250];
const FRAMES_PER_SOCKET = 10;
const WIDTH = 12;
const UPGRADE = 'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

const text = (value: string) => [...Buffer.from(value)];
/** Short strings and whole numbers as the framework's own encoding has them. */
const packed = (value: string) => (value.length < 32 ? [0xa0 + value.length, ...text(value)] : [0xd9, value.length, ...text(value)]);
const map = (...entries: [string, number[]][]) => [0x80 + entries.length, ...entries.flatMap(([key, value]) => [...packed(key), ...value])];
const request = (id: number, type: string, body: number[]) => [FRAME.REQUEST, id, ...packed(type), ...body];

/** Frames that are right, to be cut and flipped. None of them moves anything by itself. */
const rightFrames = (): number[][] => [
  request(1, 'command:outcome', map(['commandId', packed(commandId())])),
  request(2, 'trade:invite', map(['playerId', packed(randomUUID())])),
  request(3, 'gather', map(['commandId', packed(commandId())], ['nodeId', packed('gem-1')])),
  request(4, 'trade:offer', map(['items', [0x90]], ['fungibles', map(['gold', [5]])])),
  request(5, 'trade:accept', map(['commandId', packed(commandId())], ['revision', [0x7f]])),
  [FRAME.DATA, ...packed('move'), ...map(['x', [5]], ['y', [0xcb, 0x40, 0x59, 0, 0, 0, 0, 0, 0]])],
  [FRAME.PING],
];

/** Bytes of any kind, more often beginning as a frame does. */
const anyFrame = fc.oneof(
  fc.uint8Array({ maxLength: 400 }),
  fc.tuple(fc.constantFrom(...Object.values(FRAME), 16, 20, 0x2d, 0x8d, 0xff), fc.uint8Array({ maxLength: 60 })).map(([code, rest]) => Uint8Array.from([code, ...rest])),
  fc.tuple(fc.constantFrom(FRAME.DATA, FRAME.REQUEST, FRAME.DATA_BYTES), fc.constantFrom(0xc1, 0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xc6, 0xc9), fc.uint8Array({ maxLength: 40 })).map((parts) => Uint8Array.from(parts.flatMap((part) => (typeof part === 'number' ? [part] : [...part])))),
);
const damaged = fc.record({ at: fc.nat(6), cut: fc.option(fc.nat(80), { freq: 3 }), flips: fc.array(fc.tuple(fc.nat(200), fc.nat(7)), { minLength: 1, maxLength: 4 }), tail: fc.uint8Array({ maxLength: 8 }) }).map(({ at, cut, flips, tail }) => {
  const bytes = Uint8Array.from([...(rightFrames()[at] ?? []), ...tail]);
  for (const [index, bit] of flips) {
    const place = index % bytes.length;
    bytes[place] = (bytes[place] ?? 0) ^ (1 << bit);
  }
  return cut === null ? bytes : bytes.subarray(0, cut);
});
const sample = <Value>(arbitrary: fc.Arbitrary<Value>, numRuns: number) => fc.sample(arbitrary, { seed: SEED, numRuns });

describe('raw frames', () => {
  let server: TestServer;
  let holders: TestPlayer[];
  let memory: MemoryWatch;
  before(async () => {
    server = await startServer(FLOODED);
    holders = await Promise.all([join(server.url), join(server.url)]);
    for (const { id } of holders) await service(server).grant(id, { fungibles: { gold: 50 }, items: [{ kind: 'sword' }] });
    memory = new MemoryWatch(server);
  });
  after(() => server.stop());

  let held: Awaited<ReturnType<typeof inventories>>;
  beforeEach(async () => {
    held = await inventories(server, holders);
  });
  afterEach(async () => {
    assert.deepEqual(await inventories(server, holders), held, 'nothing changed hands');
    await assertServes(server);
  });

  it(`[RM3] ${STRANGE_SOCKETS * FRAMES_PER_SOCKET} frames of sockets that have no seat: each socket is closed (seed ${SEED})`, async function () {
    this.timeout(180_000);
    const seat = await reserveSeat(server.url, (await signIn(server.url)).token, 'zone');
    const [victim] = holders as [TestPlayer];
    const { roomId } = victim.room;
    const addresses = ['/', '/?sessionId=', '/a', '/a/b', '/a/b?sessionId=x', `/${seat.processId}/${roomId}`, `/x/${roomId}?sessionId=x`, `/x/${roomId}?sessionId=${victim.room.sessionId}`, `/x/${roomId}?sessionId=__proto__`, '/x/__proto__?sessionId=constructor',
      `/x/${roomId}?sessionId=${victim.room.sessionId}&reconnectionToken=guess`, `/x/${roomId}?sessionId=x&reconnectionToken=__proto__&skipHandshake=1`, `/x/${seat.roomId}?sessionId=x`, '/x/y?sessionId=%00&_authToken=%ff', `/${'x'.repeat(4000)}/y?sessionId=1`, '/%/%?%'];
    let at = 0;
    await inParallel(sample(fc.tuple(fc.constantFrom(...addresses), fc.array(anyFrame, { minLength: FRAMES_PER_SOCKET, maxLength: FRAMES_PER_SOCKET }), fc.boolean()), STRANGE_SOCKETS), 60, async ([address, frames, hasty]) => {
      const socket = new RawSocket(server.url + address);
      await Promise.race([socket.opened, socket.closed]);
      for (const frame of frames) socket.send(frame);
      if (hasty) socket.close();
      await socket.closed;
      if (at++ % 60 === 0) await memory.sample();
    });
    assert.ok(victim.room.connection.isOpen, 'whoever has the seat keeps it');
  });

  it(`[RM3] ${UNACKNOWLEDGED} clients that speak before they acknowledged their join, or go at once, are closed (seed ${SEED})`, async function () {
    this.timeout(120_000);
    const speaking = anyFrame.filter((frame) => ![FRAME.JOIN, FRAME.LEAVE, FRAME.PING].includes((frame[0] ?? 0) as never));
    await inParallel(sample(fc.tuple(fc.constantFrom('player', 'zone'), speaking, fc.constantFrom('speak', 'early', 'gone', 'gone at once')), UNACKNOWLEDGED), WIDTH, async ([room, frame, how]) => {
      const seat = await reserveSeat(server.url, (await signIn(server.url)).token, room);
      if (how === 'gone at once') return new RawSocket(seatUrl(server.url, seat)).close();
      if (how === 'early') {
        const socket = new RawSocket(seatUrl(server.url, seat));
        await socket.opened;
        socket.send(frame);
        await socket.frame(FRAME.JOIN);
        return socket.close();
      }
      const socket = await sit(server.url, seat, false);
      if (how === 'gone') return socket.close();
      socket.send(frame);
      assert.equal((await socket.closed).code, 4002, Buffer.from(frame).toString('hex'));
    });
  });

  it(`[RM3] ${FLIPPED} cut and flipped frames of seated clients are refused or close them (seed ${SEED})`, async function () {
    this.timeout(180_000);
    const [holder, partner] = holders as [TestPlayer, TestPlayer];
    const frames = sample(damaged, FLIPPED);
    let [closed, refused] = [0, 0];
    const seats = ['player', 'zone', 'trade'] as const;
    const lanes = Array.from({ length: WIDTH }, (_, lane) => ({ kind: seats[lane % seats.length] ?? 'zone', mine: frames.filter((_frame, at) => at % WIDTH === lane) }));
    await Promise.all(lanes.map(async ({ kind, mine }, lane) => {
      // Who trades has something: if a flip moved anything, there would be less.
      const { token } = kind === 'trade' ? holder : await signIn(server.url);
      const take = async (): Promise<ReservedSeat> => {
        if (kind !== 'trade') return await reserveSeat(server.url, token, kind);
        const { tradeId } = await holder.room.request<unknown, { tradeId: string }>('trade:invite', { playerId: partner.id });
        return await reserveSeat(server.url, token, tradeId, {}, 'joinById');
      };
      let socket = await sit(server.url, await take());
      while (mine.length > 0) {
        if (!socket.isOpen) socket = await sit(server.url, await take());
        socket.frames.length = 0;
        for (const frame of mine.splice(0, 5)) socket.send(frame);
        // Frames are taken in order: when the ping comes back, the others were.
        socket.send([FRAME.PING]);
        if ((await socket.frame(FRAME.PING)) === undefined) closed++;
        refused += socket.frames.filter(([code]) => code === FRAME.RESPONSE).length;
        if (lane === 0) await memory.sample();
      }
      socket.close();
    }));
    assert.ok(closed > 100 && refused > 500, `${closed} closed, ${refused} refused`);
    console.log(`      ${closed} closed, ${refused} answered`);
  });

  it(`[RM3] ${TYPED} frames of seated clients that are of no kind, too large or cannot be decoded close them (seed ${SEED})`, async function () {
    this.timeout(120_000);
    const closing = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 50 }).filter(([code]) => ![FRAME.JOIN, FRAME.LEAVE, FRAME.PING, FRAME.DATA, FRAME.REQUEST].includes(code as never)),
      fc.constantFrom(Uint8Array.of(), Uint8Array.of(FRAME.DATA), Uint8Array.of(FRAME.JOIN), new Uint8Array(16 * 1024 + 1), new Uint8Array(200_000)),
      fc.tuple(fc.constantFrom('move', 'gather', 'nothing', 'n'.repeat(120)), fc.constantFrom([0xc1], [0xdd, 1, 255, 255, 255], [0xdf, 1, 255, 255, 255], [0xc9, 255, 255, 255, 255, 0x62], [0x81], [0xd9, 200, 65], [0xc6, 255, 255, 255, 255], Array.from({ length: 3000 }, () => 0x91)))
        .map(([type, body]) => Uint8Array.from([FRAME.DATA, ...packed(type), ...body])),
      fc.integer({ min: 1_000, max: 12_000 }).map((length) => Uint8Array.from([FRAME.DATA, 0xda, length & 255, length >> 8, ...new Uint8Array(length).fill(65)])),
    );
    await inParallel(sample(closing, TYPED), WIDTH, async (frame) => {
      const socket = await sit(server.url, await reserveSeat(server.url, (await signIn(server.url)).token, 'zone'));
      socket.send(frame);
      const { code } = await socket.closed;
      assert.ok(code === 4002 || code === 1009 || code === 1006, `${code} for ${Buffer.from(frame).toString('hex').slice(0, 80)}`);
    });
    await memory.sample();
  });

  // Each of these ended the process once: the framework parses them in promises that nobody awaits.
  for (const [what, head] of Object.entries({
    'an upgrade of a target that is no path': `GET *[ HTTP/1.1\r\nHost: a\r\n${UPGRADE}`,
    'an upgrade of an absolute target': `GET http://a:99999999/ HTTP/1.1\r\nHost: a\r\n${UPGRADE}`,
    'a host that is no address': 'POST /matchmake/joinOrCreate/zone HTTP/1.1\r\nHost: [\r\nContent-Type: application/json\r\nContent-Length: 2\r\n',
    'a host with credentials': 'POST /matchmake/joinOrCreate/zone HTTP/1.1\r\nHost: a:b@c\r\nContent-Type: application/json\r\nContent-Length: 2\r\n',
    'a method without a meaning here': 'TRACE /auth/userdata HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n',
    'a body of no announced length': 'POST /auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n',
    'a body that is too long': 'POST /matchmake/create/zone HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n',
    'a body of another type': 'POST /auth/anonymous HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data\r\nContent-Length: 2\r\n',
  })) {
    it(`[RM3] ${what} is refused at the door`, async () => {
      const answer = await exchange(server.port, `${head}\r\n{}`);
      assert.match(answer, /^HTTP\/1\.1 400 [\s\S]*"code":"BAD_REQUEST"/);
    });
  }

  it('[RM3] a scheme that a client or two proxies wrote is no matter', async () => {
    for (const scheme of ['f oo', 'https,http', 'javascript', 'http://x/', '']) {
      const answer = await exchange(server.port, `POST /matchmake/joinOrCreate/zone HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: ${scheme}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`);
      assert.match(answer, /UNAUTHENTICATED/, scheme);
    }
  });

  it(`[RM3] ${STREAMS} streams of bytes that are no HTTP, no handshake or no WebSocket frames end nothing (seed ${SEED})`, async function () {
    this.timeout(120_000);
    const seat = await reserveSeat(server.url, (await signIn(server.url)).token, 'zone');
    const handshake = fc.constantFrom('/', `/${seat.processId}/${seat.roomId}?sessionId=x`, '//', '/\\', '/%', '*').map((target) => Buffer.from(`GET ${target} HTTP/1.1\r\nHost: a\r\n${UPGRADE}\r\n`));
    const line = fc.tuple(fc.constantFrom('GET', 'POST', 'HEAD', 'OPTIONS', 'PUT', 'CONNECT', 'PRI', 'TRACE'), fc.string({ maxLength: 30 }), fc.constantFrom('/matchmake/joinOrCreate/zone', '/auth/login', '/service/grants', '/monitor/api', '/'), fc.string({ maxLength: 40 }))
      .map(([method, junk, path, value]) => Buffer.from(`${method} ${path}${junk} HTTP/1.1\r\nHost: ${value}\r\nAuthorization: ${value}\r\nX-Forwarded-For: ${value}\r\nContent-Length: 9\r\n\r\n{"a":1`, 'latin1'));
    const stream = fc.oneof(fc.uint8Array({ maxLength: 300 }), line, fc.tuple(handshake, fc.uint8Array({ minLength: 1, maxLength: 200 })).map(([head, tail]) => Buffer.concat([head, tail])));
    await inParallel(sample(stream, STREAMS), 40, async (bytes) => {
      await exchange(server.port, bytes, 150);
    });
    await memory.sample();
  });

  it('[RM3] the memory at the end is that after the warm-up', () => {
    console.log(`      resident: ${memory.assertFlat()}`);
  });
});
