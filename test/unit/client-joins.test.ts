import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from '@colyseus/sdk';
import { backOffMs, cell, KeptSeats, sleep, type AnswerLost } from '../../web/client/index.ts';
import { becomes } from '../../web/client/cell.ts';
import { joinWithin } from '../../web/client/give-up.ts';
import { readJoinFailure } from '../../web/client/join-failure.ts';

const failure = (code: unknown, message = '') => readJoinFailure(Object.assign(new Error(message), { code }));

describe('client: a join that failed', () => {
  it('[CL1] is tried elsewhere when the server cannot be reached, ends, or is broken', () => {
    for (const code of [undefined, 'ECONNREFUSED', 'ECONNRESET', 500, 502, 503, 504, 523, 1006, 4002]) assert.deepEqual(failure(code), { kind: 'elsewhere' }, String(code));
    assert.deepEqual(failure(525, 'SESSION_REPLACED'), { kind: 'elsewhere' });
    assert.deepEqual(failure(undefined, 'joining took too long'), { kind: 'elsewhere' });
  });

  it('[CL1] is final when every server would say the same', () => {
    assert.deepEqual(failure(525, 'UNAUTHENTICATED'), { kind: 'stranger' });
    assert.deepEqual(failure(525, 'TRADE_NOT_FOUND'), { kind: 'refused', code: 'TRADE_NOT_FOUND' });
    assert.deepEqual(failure(429, 'RATE_LIMITED'), { kind: 'refused', code: 'RATE_LIMITED' });
    assert.deepEqual(failure(401, 'invalid_credentials'), { kind: 'refused', code: undefined });
    assert.deepEqual(failure(524, 'reconnection token invalid or expired.'), { kind: 'expired' });
  });

  it('[CL1] is the end of a room that no server knows', () => {
    assert.deepEqual(failure(522, 'room "x" not found'), { kind: 'missing' });
  });
});

describe('client: a join that takes too long', () => {
  const WITHIN_MS = 100;
  const SEAT = JSON.stringify({ name: 'zone', roomId: 'room', sessionId: 'seat', processId: 'process' });

  /** A server that answers a seat when it is told to, and to a connection says nothing. */
  async function openSlow(answered: Promise<unknown>) {
    const connections: Socket[] = [];
    const server = createServer((_request, response) => void answered.then(() => response.setHeader('content-type', 'application/json').end(SEAT)));
    server.on('upgrade', (_request, socket: Socket) => connections.push(socket.on('error', () => undefined)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const close = async () => {
      for (const socket of connections) socket.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    };
    return { connections, close, join: () => joinWithin(new Client(`http://127.0.0.1:${(server.address() as AddressInfo).port}`), WITHIN_MS, (client) => client.joinOrCreate('zone')) };
  }

  // Guards the look whether it was given up: the seat would be taken, and with it the session from its own client.
  it('[CL1] takes no seat that is answered later', async () => {
    const answered = Promise.withResolvers<void>();
    const { join, connections, close } = await openSlow(answered.promise);
    try {
      await assert.rejects(join(), /joining took too long/);
      answered.resolve();
      await delay(3 * WITHIN_MS);
      assert.deepEqual(connections, []);
    } finally {
      await close();
    }
  });

  // Guards the closing: a server that is behind would find it open when its turn comes.
  it('[CL1] closes the connection that is being made', async () => {
    const { join, connections, close } = await openSlow(Promise.resolve());
    try {
      await assert.rejects(join(), /joining took too long/);
      const [connection] = connections;
      assert.ok(connection !== undefined);
      connection.resume();
      await once(connection, 'end', { signal: AbortSignal.timeout(2_000) });
    } finally {
      await close();
    }
  });
});

describe('client: the package', () => {
  it('is entered as strongroom/client, and typed by what each room answers', async () => {
    const { StrongroomClient } = await import('strongroom/client');
    const client = new StrongroomClient({ endpoints: ['http://127.0.0.1:1', 'http://127.0.0.1:2'] });
    const refused = await Promise.all([
      client.player.request('trade:invite', { playerId: '' }, { deadlineMs: 1 }).then(({ tradeId }) => tradeId, ({ sent }: AnswerLost) => sent),
      client.zone().request('gather', { nodeId: '' }, { deadlineMs: 1 }).then(({ quantity }) => quantity, ({ sent }: AnswerLost) => sent),
      // @ts-expect-error: a zone makes no trades
      client.zone().request('trade:invite', { playerId: '' }, { deadlineMs: 1 }).catch(({ sent }: AnswerLost) => sent),
    ]);
    assert.deepEqual(refused, [false, false, false]);
    client.close();
  });
});

describe('client: waiting', () => {
  it('[CL1] doubles up to its bound, with jitter', () => {
    for (let attempt = 0; attempt < 12; attempt++) {
      const full = Math.min(8000, 400 * 2 ** attempt);
      const waits = Array.from({ length: 200 }, () => backOffMs(attempt));
      assert.ok(waits.every((ms) => ms >= full * 0.7 && ms <= full * 1.3), String(attempt));
      assert.ok(new Set(waits).size > 100, 'no two clients come back together');
    }
  });

  it('ends early when it is called off', async () => {
    const [calledOff, start] = [new AbortController(), performance.now()];
    setTimeout(() => calledOff.abort(), 5);
    await sleep(60_000, calledOff.signal);
    await sleep(60_000, calledOff.signal);
    assert.ok(performance.now() - start < 1_000);
  });

  it('for a value ends when it comes, or with the time', async () => {
    const value = cell(1);
    setTimeout(() => value.set(2), 5);
    assert.equal(await becomes(value, (now) => now === 2, 1_000), true);
    assert.equal(await becomes(value, (now) => now === 3, 5), false);
  });
});

describe('client: a seat that outlives its client', () => {
  function seats() {
    const kept = new Map<string, string>();
    return new KeptSeats({ getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value), removeItem: (key) => kept.delete(key) });
  }

  it('[CL2] is given out once, to whom it belonged', () => {
    const kept = seats();
    kept.put('player', 'room:token', 'a.b.signature-of-ann');
    assert.equal(kept.take('player', 'a.b.signature-of-ann'), 'room:token');
    assert.equal(kept.take('player', 'a.b.signature-of-ann'), undefined);
    kept.put('player', 'room:token', 'a.b.signature-of-ann');
    assert.equal(kept.take('player', 'a.b.signature-of-bob'), undefined);
  });
});
