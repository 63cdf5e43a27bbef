import { randomUUID } from 'node:crypto';
import { Client, type Room } from '@colyseus/sdk';

const ITEMS = 20;
const GOLD = 1_000_000;

/** The parts of a trade, in their order, as its two clients go through them. */
export const STEPS = ['invite', 'join', 'offer', 'accept', 'leave'] as const;
export type Step = (typeof STEPS)[number];

/** A real client that is signed in and in its own player room. */
export interface Trader {
  id: string;
  client: Client;
  room: Room;
  items: string[];
}

/** @param serviceKey grants goods; without it nobody signs in, and the goods are made up */
export async function newTrader(url: string, serviceKey?: string): Promise<Trader> {
  if (serviceKey === undefined) {
    const client = newClient(url);
    return { id: randomUUID(), client, room: quiet(await client.joinOrCreate('player')), items: Array.from({ length: ITEMS }, () => randomUUID()) };
  }
  const { id, client } = await signIn(url);
  const items = await grant(url, serviceKey, id);
  return { id, client, room: quiet(await client.joinOrCreate('player')), items };
}

/** A new account that is in no room yet. */
export async function signIn(url: string): Promise<Pick<Trader, 'id' | 'client'>> {
  const client = newClient(url);
  const { user, token } = await client.auth.signInAnonymously<{ playerId: string }>({ name: 'Trader' });
  client.auth.token = token;
  return { id: user.playerId, client };
}

function newClient(url: string): Client {
  const client = new Client(url);
  // The SDK keeps one token per process, so each client is given its own.
  client.auth.token = '';
  return client;
}

/** One item against one item and a gold, from the invitation until both have left. @returns what each step took, in milliseconds */
export async function tradeOnce([a, b]: readonly [Trader, Trader]): Promise<Record<Step, number>> {
  let last = performance.now();
  const lap = () => {
    const since = last;
    last = performance.now();
    return last - since;
  };
  const { tradeId } = await a.room.request<unknown, { tradeId: string }>('trade:invite', { playerId: b.id });
  const invite = lap();
  const [first, second] = (await Promise.all([a, b].map(async ({ client }) => quiet(await client.joinById(tradeId))))) as [Room, Room];
  const join = lap();
  const [given, taken] = [a.items.shift() ?? '', b.items.shift() ?? ''];
  await first.request('trade:offer', { items: [given], fungibles: { gold: 1 } });
  const { revision } = await second.request<unknown, { revision: number }>('trade:offer', { items: [taken], fungibles: {} });
  const offer = lap();
  await first.request('trade:accept', { commandId: randomUUID(), revision });
  const { status } = await second.request<unknown, { status: string }>('trade:accept', { commandId: randomUUID(), revision });
  if (status !== 'settled') throw new Error(`the trade is ${status}`);
  const accept = lap();
  a.items.push(taken);
  b.items.push(given);
  await Promise.all([first.leave(), second.leave()]);
  return { invite, join, offer, accept, leave: lap() };
}

/** A room that is left when it is lost, whatever it says. */
export function quiet(room: Room): Room {
  room.reconnection.enabled = false;
  room.onMessage('*', () => undefined);
  return room;
}

async function grant(url: string, serviceKey: string, playerId: string): Promise<string[]> {
  const response = await fetch(`${url}/service/grants`, {
    method: 'POST',
    headers: { authorization: `Bearer ${serviceKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ commandId: randomUUID(), playerId, fungibles: { gold: GOLD }, items: Array.from({ length: ITEMS }, () => ({ kind: 'sword' })) }),
  });
  if (!response.ok) throw new Error(`the grant was refused: ${await response.text()}`);
  return ((await response.json()) as { items: { id: string }[] }).items.map(({ id }) => id);
}
