import { randomUUID } from 'node:crypto';
import { Client, type Room } from '@colyseus/sdk';
import type { PlayerRecord } from '../../schema/holdings.ts';
import type { RefusalReply } from '../../schema/refusals.ts';
import { patient } from './patience.ts';
import type { TestServer } from './server.ts';

/** A real client through the SDK: signed in, with its own player room. */
export interface TestPlayer {
  id: string;
  client: Client;
  token: string;
  room: Room;
  leave(): Promise<void>;
}

export const commandId = () => randomUUID();

/** The SDK keeps one token per process of ours, so each client is given its own. */
export function newClient(url: string, token = ''): Client {
  const client = new Client(url);
  client.auth.token = token;
  return client;
}

export async function signIn(url: string, name = 'Tester', region?: string): Promise<{ client: Client; id: string; token: string }> {
  const client = newClient(url);
  const { user, token } = await client.auth.signInAnonymously<{ playerId: string }>({ name, ...(region !== undefined && { region }) });
  client.auth.token = token;
  return { client, id: user.playerId, token };
}

export async function join(url: string, name = 'Tester', region?: string): Promise<TestPlayer> {
  const signedIn = await signIn(url, name, region);
  return { ...signedIn, ...(await joinPlayer(signedIn.client)) };
}

/** Joins the client's own player room and waits for its first state. */
export async function joinPlayer(client: Client): Promise<{ room: Room; leave(): Promise<void> }> {
  const room = await client.joinOrCreate('player');
  room.reconnection.enabled = false;
  ignoreMessages(room);
  await until(() => Boolean((room.state as { playerId?: string }).playerId));
  return {
    room,
    async leave() {
      if (room.connection.isOpen) await room.leave();
    },
  };
}

export function ignoreMessages(room: Room): void {
  room.onMessage('*', () => undefined);
}

/** The network fails: the socket closes without the SDK's goodbye. Resolves when both ends know. */
export async function drop(room: Room): Promise<void> {
  room.reconnection.enabled = false;
  const left = new Promise((resolve) => room.onLeave(resolve));
  (room.connection.transport as unknown as { ws: { close(): void } }).ws.close();
  await left;
}

export async function joinTrade(player: { client: Client }, tradeId: string): Promise<Room> {
  const room = await player.client.joinById(tradeId);
  room.reconnection.enabled = false;
  ignoreMessages(room);
  await until(() => (room.state as { sides?: { size: number } }).sides?.size === 2);
  return room;
}

/** Waits for a condition, or fails saying which. */
export async function until(condition: () => boolean | Promise<boolean>, maxMs = 5000, what = String(condition)): Promise<void> {
  const deadline = performance.now() + patient(maxMs);
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within ${patient(maxMs)} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The refusal of a request, or a failure if it was answered. */
export async function refusalOf(request: Promise<unknown>): Promise<RefusalReply> {
  const answer = await request.then(
    (value) => ({ value }),
    (error: Error & { reason?: RefusalReply }) => ({ error }),
  );
  if ('value' in answer) throw new Error(`answered with ${JSON.stringify(answer.value)} instead of a refusal`);
  if (answer.error.reason === undefined) throw answer.error;
  return answer.error.reason;
}

/** The service API of a server. */
export function service(server: Pick<TestServer, 'url' | 'serviceKey'>) {
  async function call<Body>(method: string, route: string, body?: unknown): Promise<{ status: number; body: Body }> {
    const response = await fetch(`${server.url}/service${route}`, {
      method,
      headers: { authorization: `Bearer ${server.serviceKey}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Body };
  }
  return {
    call,
    async grant(playerId: string, what: { fungibles?: Record<string, number>; items?: { kind: string; attributes?: object }[] }): Promise<string[]> {
      const { status, body } = await call<{ items: { id: string }[] }>('POST', '/grants', { commandId: randomUUID(), playerId, fungibles: {}, items: [], ...what });
      if (status !== 200) throw new Error(`the grant was refused: ${JSON.stringify(body)}`);
      return body.items.map(({ id }) => id);
    },
    async player(playerId: string): Promise<PlayerRecord> {
      return (await call<PlayerRecord>('GET', `/players/${playerId}`)).body;
    },
    async audit(): Promise<{ ok: boolean; invariants: { name: string; ok: boolean; violations: string[] }[] }> {
      return (await call<{ ok: boolean; invariants: { name: string; ok: boolean; violations: string[] }[] }>('GET', '/audit')).body;
    },
  };
}
