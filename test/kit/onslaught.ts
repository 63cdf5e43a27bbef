import assert from 'node:assert/strict';
import { assertAuditGreen, type Belongings } from './economy.ts';
import { commandId, ignoreMessages, join, service, until, type TestPlayer } from './player.ts';
import type { StartOptions, TestServer } from './server.ts';
import { attempt, sitDown } from './trade.ts';

const MB = 1024 * 1024;

/** A server for floods: no rate limit of its own, little heap so that a leak shows, and quiet. */
export const FLOODED: StartOptions = { env: { MESSAGES_PER_SECOND_MAX: '100000', RECONNECTION_WINDOW_S: '0', LOG_LEVEL: 'fatal', NODE_OPTIONS: '--max-old-space-size=200' } };

/** The server's resident memory over a flood; what the first fifth of the samples shows is the warm-up. */
export class MemoryWatch {
  readonly #server: TestServer;
  readonly #samples: number[] = [];

  constructor(server: TestServer) {
    this.#server = server;
  }

  async sample(): Promise<void> {
    const text = await (await fetch(`${this.#server.url}/metrics`)).text();
    this.#samples.push(Number(/^process_resident_memory_bytes (\d+)/m.exec(text)?.[1]) / MB);
  }

  /** @returns the medians of both halves in MB, as text. Fails when the later half has clearly more. */
  assertFlat(): string {
    const warm = this.#samples.slice(Math.ceil(this.#samples.length / 5));
    assert.ok(warm.length >= 10 && warm.every(Number.isFinite), `${warm.length} samples`);
    const middle = Math.floor(warm.length / 2);
    const [early, late] = [median(warm.slice(0, middle)), median(warm.slice(middle))];
    const shown = `${early.toFixed(0)} MB, then ${late.toFixed(0)} MB in ${warm.length} samples`;
    // A message that was kept would weigh 1 KB or so, and a half has tens of thousands of them.
    assert.ok(late <= early * 1.1 + 16, `the memory grows: ${shown}`);
    return shown;
  }
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

/** What these players have, with the versions that any movement would raise. */
export async function inventories(server: TestServer, players: readonly { id: string }[]): Promise<(Belongings & { version: number })[]> {
  const records = await Promise.all(players.map(({ id }) => service(server).player(id)));
  return records.map(({ fungibles, items, inventoryVersion }) => ({ fungibles, items: items.map(({ id }) => id).toSorted(), version: inventoryVersion }));
}

/** The same process still answers, strangers can join and trade, and the books are right. */
export async function assertServes(server: TestServer): Promise<void> {
  const ended = await Promise.race([server.exited, fetch(`${server.url}/healthz`).then(({ ok }) => (ok ? 'serves' : 'sick'))]);
  assert.equal(ended, 'serves', `the process ended: ${JSON.stringify(ended)} ${server.log().slice(-2000)}`);
  const [one, two] = await Promise.all([join(server.url), join(server.url)]);
  await service(server).grant(one.id, { fungibles: { gold: 1 } });
  await until(() => (one.room.state as { inventoryVersion: number }).inventoryVersion === 1);
  assert.equal(await attempt(await sitDown(one, two), { fungibles: { gold: 1 } }), 'settled');
  await Promise.all([one.leave(), two.leave()]);
  await assertAuditGreen(server);
}

/** Runs the work over all inputs, so many at a time. */
export async function inParallel<Input>(inputs: Iterable<Input>, width: number, work: (input: Input) => Promise<void>): Promise<void> {
  const iterator = inputs[Symbol.iterator]();
  const lane = async () => {
    for (let next = iterator.next(); !next.done; next = iterator.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: width }, lane));
}

/** A zone that malformed messages close again and again. */
export async function anyZone(player: Pick<TestPlayer, 'client'>) {
  const room = await player.client.joinOrCreate('zone', { zone: 'meadow' });
  room.reconnection.enabled = false;
  ignoreMessages(room);
  return room;
}

/** Valid requests, to be broken: type and body. */
export const REQUESTS: Record<'player' | 'zone' | 'trade' | 'guild', Record<string, () => Record<string, unknown>>> = {
  player: {
    'player:rename': () => ({ commandId: commandId(), name: 'Renamed' }),
    'command:outcome': () => ({ commandId: commandId() }),
    'trade:invite': () => ({ playerId: commandId() }),
    'guild:create': () => ({ commandId: commandId(), name: 'A guild', tag: 'TAG' }),
    'guild:accept': () => ({ commandId: commandId(), guildId: commandId() }),
    'guild:decline': () => ({ guildId: commandId() }),
    'guild:invitations': () => ({}),
  },
  guild: {
    'guild:invite': () => ({ commandId: commandId(), playerId: commandId() }),
    'guild:kick': () => ({ commandId: commandId(), playerId: commandId() }),
    'guild:rank': () => ({ commandId: commandId(), playerId: commandId(), rank: 'officer' }),
    'guild:leave': () => ({ commandId: commandId() }),
    'guild:disband': () => ({ commandId: commandId() }),
    'guild:deposit': () => ({ commandId: commandId(), items: [commandId()] }),
    'guild:withdraw': () => ({ commandId: commandId(), fungibles: { gold: 5 } }),
  },
  zone: { move: () => ({ x: 1, y: 2 }), gather: () => ({ commandId: commandId(), nodeId: 'gem-1' }) },
  trade: {
    'trade:offer': () => ({ items: [commandId()], fungibles: { gold: 5 } }),
    'trade:accept': () => ({ commandId: commandId(), revision: 0 }),
    'trade:cancel': () => ({}),
  },
};
