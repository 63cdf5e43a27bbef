import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Room } from '@colyseus/sdk';
import { assertHolds, assertShown } from './economy.ts';
import { login } from './login.ts';
import { commandId, join, joinTrade, service, until, type TestPlayer } from './player.ts';
import type { TestServer } from './server.ts';
import { accept, offer, outcomeOf } from './trade.ts';

/** So much each has at first; no test trades as often. */
const STOCK = 10_000;
const AGAIN_MS = 50;

/** Two who trade on and on, at home in two processes: a gold for an ore. */
interface Pair {
  servers: readonly [TestServer, TestServer];
  players: [TestPlayer, TestPlayer];
  settled: number;
  /** Acceptances that would have settled, and of which nobody has said what became. */
  unanswered: string[];
}

/** Trades under way at all times, of which every answer is kept, and which go on whatever fails. */
export class Traffic {
  readonly #pairs: readonly Pair[];
  readonly #lanes: Promise<void>[];
  #stopping = false;

  private constructor(pairs: readonly Pair[]) {
    this.#pairs = pairs;
    this.#lanes = pairs.map((pair) => this.#trade(pair));
  }

  static async start(servers: readonly [TestServer, TestServer], pairs: number): Promise<Traffic> {
    const ready = await Promise.all(
      Array.from({ length: pairs }, async (_, at): Promise<Pair> => {
        const [home, away] = at % 2 === 0 ? servers : ([servers[1], servers[0]] as const);
        const players: Pair['players'] = [await join(home.url), await join(away.url)];
        await service(home).grant(players[0].id, { fungibles: { gold: STOCK } });
        await service(away).grant(players[1].id, { fungibles: { ore: STOCK } });
        return { servers: [home, away], players, settled: 0, unanswered: [] };
      }),
    );
    return new Traffic(ready);
  }

  /** Waits until each pair has so many more answered trades than now. */
  async flows(trades: number, withinMs: number, what: string): Promise<void> {
    const before = this.#pairs.map(({ settled }) => settled);
    await until(() => this.#pairs.every(({ settled }, at) => settled >= (before[at] ?? 0) + trades), withinMs, what);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#lanes);
  }

  /** What was answered has moved, what was refused has not, what was not answered has as its outcome says; and the rooms show it. */
  async assertExact(server: TestServer, withinMs: number): Promise<void> {
    for (const pair of this.#pairs) {
      const players = [await this.#seated(pair, 0), await this.#seated(pair, 1)] as const;
      const outcomes = await Promise.all(pair.unanswered.map((id) => players[1].room.request<unknown, { known: boolean }>('command:outcome', { commandId: id })));
      const moved = pair.settled + outcomes.filter(({ known }) => known).length;
      await assertHolds(server, players[0], { fungibles: { gold: STOCK - moved, ore: moved } }, 'who gives gold');
      await assertHolds(server, players[1], { fungibles: { gold: moved, ore: STOCK - moved } }, 'who gives ore');
      for (const player of players) await assertShown(server, player, withinMs);
      assert.ok(pair.settled > 0, 'they traded');
    }
  }

  async leave(): Promise<void> {
    await Promise.allSettled(this.#pairs.flatMap(({ players }) => players.map((player) => player.leave())));
  }

  /** One whose process was taken for dead, or who was closed for whatever reason, comes in again. */
  async #seated(pair: Pair, side: 0 | 1): Promise<TestPlayer> {
    if (!pair.players[side].room.connection.isOpen) pair.players[side] = await login(pair.servers[side], pair.players[side]);
    return pair.players[side];
  }

  async #trade(pair: Pair): Promise<void> {
    while (!this.#stopping) {
      const rooms: Room[] = [];
      try {
        const [first, second] = [await this.#seated(pair, 0), await this.#seated(pair, 1)];
        const { tradeId } = await first.room.request<unknown, { tradeId: string }>('trade:invite', { playerId: second.id });
        for (const player of [first, second]) rooms.push(await joinTrade(player, tradeId));
        await this.#settle(pair, rooms as [Room, Room]);
      } catch {
        // It did not come about: what was away will be back.
        await delay(AGAIN_MS);
      }
      await Promise.allSettled(rooms.filter(({ connection }) => connection.isOpen).map((room) => room.leave()));
    }
  }

  async #settle(pair: Pair, [first, second]: [Room, Room]): Promise<void> {
    await offer(first, { fungibles: { gold: 1 } });
    const revision = await offer(second, { fungibles: { ore: 1 } });
    await accept(first, revision);
    const id = commandId();
    const outcome = await outcomeOf(second.request('trade:accept', { commandId: id, revision })).catch(() => 'closed');
    if (outcome === 'settled') pair.settled++;
    if (outcome === 'closed' || outcome === 'INTERNAL') pair.unanswered.push(id);
  }
}
