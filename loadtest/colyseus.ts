import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { cli, type Options } from '@colyseus/loadtest';
import { Client, type Room } from '@colyseus/sdk';
import type { RefusalCode } from '../schema/refusals.ts';
import { PlayerState } from '../schema/states/player-state.ts';
import { ZoneState } from '../schema/states/zone-state.ts';
import { newCommandId, readFailure, Refused } from '../web/client/index.ts';

/**
 * The framework's own load tool with players of ours: `npm run loadtest:colyseus -- --room zone --numClients 200`. Each one
 * signs in as a guest, enters its own room and then the one that is named (`--zone meadow` says which zone), walks there,
 * and gathers now and then. `q` ends it; `--output file` keeps the summary; `--endpoint` is ws://localhost:2567 unless given.
 *
 * All of them sign in from one address, from which a server takes AUTH_RATE_MAX sign-ins a minute (2,000): for more clients
 * than that, start it with a higher one.
 */
const { values } = parseArgs({ strict: false, options: { zone: { type: 'string', default: 'meadow' } } });

const GATHER_SHARE = 0.4;
const ARRIVAL_LOOK_MS = 200;
const ARRIVAL_LOOKS_MAX = 50;
const REST_MS_MAX = 1_000;
/** What a player meets who shares the nodes with others. */
const EXPECTED: ReadonlySet<RefusalCode> = new Set(['NOT_READY', 'TOO_FAR']);

// Taken before the tool wraps it to count joins: a player's own room is no second client of the room that was asked for.
const joinUncounted = Client.prototype.joinOrCreate;

cli(async ({ endpoint, roomName, roomId }: Options) => {
  const client = new Client(endpoint);
  client.auth.token = ''; // the SDK keeps one for the whole process
  const { user, token } = await client.auth.signInAnonymously<{ playerId: string }>({ name: 'Loadtester' });
  client.auth.token = token;
  const own: Room = await joinUncounted.call(client, 'player', {}, PlayerState);
  const room: Room = roomId ? await client.joinById(roomId) : roomName === 'zone' ? await client.joinOrCreate('zone', { zone: values.zone }, ZoneState) : await client.joinOrCreate(roomName);
  for (const seat of [own, room]) {
    // Who is dropped is counted as gone at once, and not as somebody who may come back.
    seat.reconnection.enabled = false;
    seat.onMessage('*', () => undefined);
  }
  own.onLeave(() => room.connection.isOpen && void room.leave());
  if (room.serializer.getState() instanceof ZoneState) void play(room as Room<unknown, ZoneState>, user.playerId);
});

/** Walks from one place to the next, as long as there is a connection. */
async function play(room: Room<unknown, ZoneState>, playerId: string): Promise<void> {
  await new Promise((resolve) => room.onStateChange.once(resolve));
  while (room.connection.isOpen) {
    const { width, height, nodes } = room.state;
    const node = Math.random() < GATHER_SHARE ? pick([...nodes]) : undefined;
    const target = node ? { x: node[1].x, y: node[1].y } : { x: Math.random() * width, y: Math.random() * height };
    room.send('move', target);
    for (let look = 0; look < ARRIVAL_LOOKS_MAX && !isAt(room.state.players.get(playerId), target); look++) await delay(ARRIVAL_LOOK_MS);
    if (node) await gather(room, node[0]);
    await delay(Math.random() * REST_MS_MAX);
  }
}

async function gather(room: Room<unknown, ZoneState>, nodeId: string): Promise<void> {
  try {
    await room.request('gather', { commandId: newCommandId(), nodeId });
  } catch (error) {
    const failure = readFailure(error);
    // What is an error to the console is one to the tool; a connection that is gone was counted as that.
    if (failure instanceof Refused ? !EXPECTED.has(failure.code) : room.connection.isOpen) console.error(failure.message);
  }
}

const isAt = (place: { x: number; y: number } | undefined, target: { x: number; y: number }): boolean => place !== undefined && Math.hypot(place.x - target.x, place.y - target.y) < 1;

const pick = <Value>(values: readonly Value[]): Value | undefined => values[Math.floor(Math.random() * values.length)];
