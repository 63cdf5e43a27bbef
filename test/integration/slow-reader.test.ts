import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { ClientState, SchemaSerializer, type Client } from '@colyseus/core';
import { Decoder, schema, t } from '@colyseus/schema';
import { WebSocketClient } from '@colyseus/ws-transport';
import { WebSocket, WebSocketServer } from 'ws';
import { guardClient } from '../../rooms/kit/client-guard.ts';

const Board = schema({ text: t.string() });
/** Together more than the kernel takes for a reader who does not read. */
const BYTES = 2 ** 20;
const PATCHES = 24;

describe('a client that reads slowly', () => {
  let sockets: WebSocketServer;
  beforeEach(async () => {
    sockets = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(sockets, 'listening');
  });
  afterEach(async () => {
    for (const socket of sockets.clients) socket.terminate();
    await new Promise((resolve) => sockets.close(resolve));
  });

  it('[RM5] is sent what was encoded for it, though the encoder went on meanwhile', async () => {
    assert.deepEqual(await seenBySlowReader(guardClient), told());
  });

  it('sees what was encoded later, twice and more, where frames are not kept: goes red without the guard', async () => {
    assert.notDeepEqual(await seenBySlowReader(() => undefined), told());
  });

  const letter = (nth: number) => String.fromCodePoint(97 + nth);
  const told = () => Array.from({ length: PATCHES }, (_, nth) => letter(nth).repeat(3));

  /** The framework's own serialiser and client, on a socket whose other end rests until all was sent. */
  async function seenBySlowReader(guard: (client: Client, onKicked: () => void) => void): Promise<string[]> {
    const connected = once(sockets, 'connection') as Promise<[WebSocket]>;
    const reader = new WebSocket(`ws://127.0.0.1:${(sockets.address() as AddressInfo).port}`);
    const [socket] = await connected;
    await once(reader, 'open');
    reader.pause();

    const client = new WebSocketClient('reader', socket as never) as unknown as Client;
    guard(client, () => undefined);
    client.state = ClientState.JOINED;
    const board = new Board();
    const serializer = new SchemaSerializer<InstanceType<typeof Board>>();
    serializer.reset(board);
    for (let nth = 0; nth < PATCHES; nth++) {
      board.text = letter(nth).repeat(BYTES);
      serializer.applyPatches([client], board);
      await new Promise((resolve) => setImmediate(resolve));
    }

    const seen: string[] = [];
    const decoder = new Decoder(new Board());
    const all = new Promise<void>((resolve) =>
      reader.on('message', (frame: Buffer) => {
        decoder.decode(frame, { offset: 1 });
        seen.push((decoder.state.text ?? '').slice(0, 3));
        if (seen.length === PATCHES) resolve();
      }),
    );
    reader.resume();
    await all;
    return seen;
  }
});
