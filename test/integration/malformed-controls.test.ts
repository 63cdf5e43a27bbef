import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { Client as PostgresClient } from 'pg';
import { findEmbeddedPostgres } from '../../persistence/index.ts';
import { assertGoesRed, withMutant } from '../kit/mutant.ts';
import type { MutationName } from '../kit/mutations.ts';
import { join, newClient, refusalOf, signIn, until } from '../kit/player.ts';
import { exchange, FRAME, reserveSeat, sit } from '../kit/raw.ts';
import { startServer, type TestServer } from '../kit/server.ts';
import { joinZone } from '../kit/trade.ts';

/** Each guard of the boundary is one that matters: what it guards against happens without it, and only without it. */
const CONTROLS: [name: MutationName, what: string, scenario: (server: TestServer) => Promise<void>, symptom: RegExp][] = [
  ['no-front-door', 'one request of a stranger ends the process', badHost, /the process ended/],
  ['no-front-door', 'one handshake of a stranger ends the process', badTarget, /the process ended/],
  ['frames-unguarded', 'one frame ends the process', longType, /the process ended/],
  ['framework-speaks', 'a request of an unknown type is answered by the framework', unknownType, /no onMessage/],
  ['framework-speaks', 'a join that breaks inside tells of the table', brokenJoin, /relation/],
  ['kicked-keeps-seat', 'who sent too much has a seat left', oversized, /the seat is gone/],
];

async function assertAlive(server: TestServer): Promise<void> {
  const ended = await Promise.race([server.exited, delay(1000)]);
  assert.equal(ended, undefined, `the process ended: ${JSON.stringify(ended)}`);
}

async function badHost(server: TestServer): Promise<void> {
  await exchange(server.port, 'POST /matchmake/joinOrCreate/zone HTTP/1.1\r\nHost: [\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}');
  await assertAlive(server);
}

async function badTarget(server: TestServer): Promise<void> {
  await exchange(server.port, 'GET *[ HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
  await assertAlive(server);
}

/** The framework puts the type into a close reason, which may have 123 bytes. */
async function longType(server: TestServer): Promise<void> {
  const socket = await sit(server.url, await reserveSeat(server.url, (await signIn(server.url)).token, 'zone'));
  socket.send([FRAME.DATA, 0xda, 200, 0, ...new Uint8Array(200).fill(65)]);
  await socket.closed;
  await assertAlive(server);
}

async function unknownType(server: TestServer): Promise<void> {
  const { room, leave } = await join(server.url);
  try {
    assert.equal((await refusalOf(room.request('nothing', {}))).code, 'BAD_REQUEST');
  } finally {
    await leave();
  }
}

async function brokenJoin(server: TestServer): Promise<void> {
  const { token } = await signIn(server.url);
  const databases: PostgresClient[] = [];
  for (const connectionString of findEmbeddedPostgres({ dir: server.dataDir, databases: [0, 1, 2, 3].map((index) => `strongroom_${index}`) }) ?? []) {
    const database = new PostgresClient({ connectionString });
    await database.connect();
    await database.query('alter table player rename to player_gone');
    databases.push(database);
  }
  try {
    const failure = await newClient(server.url, token).joinOrCreate('zone').then(() => undefined, (error: unknown) => error as Error);
    assert.equal(failure?.message, 'INTERNAL');
  } finally {
    for (const database of databases) {
      await database.query('alter table player_gone rename to player');
      await database.end();
    }
  }
}

async function oversized(server: TestServer): Promise<void> {
  const watcher = await join(server.url);
  const zone = await joinZone(watcher);
  const { id, token } = await signIn(server.url);
  const shown = () => (zone.state as { players?: Map<string, unknown> }).players?.has(id) === true;
  const socket = await sit(server.url, await reserveSeat(server.url, token, 'zone', { zone: 'meadow' }));
  try {
    await until(shown);
    socket.send(new Uint8Array(20_000));
    await until(() => !shown(), 1500, 'the seat is gone');
  } finally {
    await Promise.all([zone.leave(), watcher.leave()]);
  }
}

describe('the guards of the boundary', () => {
  it('[RM3] with all of them, every one of these scenarios passes', async () => {
    const server = await startServer();
    try {
      for (const [, , scenario] of CONTROLS) await scenario(server);
    } finally {
      await server.stop();
    }
  });

  for (const [name, what, scenario, symptom] of CONTROLS) {
    it(`"${name}": ${what}`, async () => {
      await withMutant(name, async (root) => {
        const server = await startServer({ root });
        try {
          await assertGoesRed(scenario(server), symptom);
        } finally {
          await server.stop();
        }
      });
    });
  }
});
