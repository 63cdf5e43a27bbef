import type { Client, Room } from '@colyseus/sdk';
import { ignoreMessages, joinPlayer, newClient, type TestPlayer } from './player.ts';
import type { TestServer } from './server.ts';

/** The same player again, from another machine, through any process. */
export async function login(server: Pick<TestServer, 'url'>, { id, token }: Pick<TestPlayer, 'id' | 'token'>): Promise<TestPlayer> {
  const client = newClient(server.url, token);
  return { id, token, client, ...(await joinPlayer(client)) };
}

/** Back to a seat after a drop, asked for through any process. @returns nothing when there is no such seat any more */
export async function comeBack(server: Pick<TestServer, 'url'>, { token }: Pick<TestPlayer, 'token'>, reconnectionToken: string): Promise<Room | undefined> {
  const room = await newClient(server.url, token).reconnect(reconnectionToken).catch(() => undefined);
  if (room === undefined) return undefined;
  room.reconnection.enabled = false;
  ignoreMessages(room);
  return room;
}

/** With which code a connection ends. */
export function closing(room: Room): Promise<number> {
  return new Promise((resolve) => room.onLeave((code) => resolve(code)));
}

/** The port of the process that a room is in. */
export function portOf(room: Room): number {
  return Number(new URL((room.connection.transport as unknown as { ws: { url: string } }).ws.url).port);
}

/** A client whose connections to some processes go another way, as through a proxy in front of them. */
export function byWayOf(server: Pick<TestServer, 'url'>, token: string, ways: ReadonlyMap<number, string>): Client {
  const client = newClient(server.url, token);
  const build = (url: URL): string => {
    const way = url.protocol.startsWith('ws') ? ways.get(Number(url.port)) : undefined;
    if (way !== undefined) url.port = new URL(way).port;
    return url.href;
  };
  return Object.assign(client, { urlBuilder: build });
}

/** The SDK warns of each connection that is refused; where that is expected, nobody needs to read it. */
export async function quietly<Result>(work: () => Promise<Result>): Promise<Result> {
  const { warn } = console;
  console.warn = () => undefined;
  try {
    return await work();
  } finally {
    console.warn = warn;
  }
}
