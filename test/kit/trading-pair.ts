import { setTimeout as delay } from 'node:timers/promises';
import type { Client, Room } from '@colyseus/sdk';
import type { RefusalReply } from '../../schema/refusals.ts';
import { commandId, joinPlayer, joinTrade, newClient } from './player.ts';
import { accept, offer } from './trade.ts';

const TRY_AGAIN_MS = 100;

/** A client that comes back by itself: to another process when its own closed it, or does not take it. */
export interface ComingBack {
  id: string;
  token: string;
  urls: readonly string[];
}

export interface Absence {
  code: number;
  ms: number;
}

class Player {
  readonly absences: Absence[] = [];
  client!: Client;
  room: Room | undefined;
  readonly #who: ComingBack;
  #tries = 0;
  #left: { at: number; code: number } | undefined;

  constructor(who: ComingBack) {
    this.#who = who;
  }

  get id(): string {
    return this.#who.id;
  }

  async present(): Promise<Room> {
    if (this.room?.connection.isOpen) return this.room;
    const { urls, token } = this.#who;
    this.client = newClient(urls[this.#tries++ % urls.length]!, token);
    const { room } = await joinPlayer(this.client);
    room.onLeave((code) => (this.#left = { at: performance.now(), code }));
    if (this.#left) this.absences.push({ code: this.#left.code, ms: Math.round(performance.now() - this.#left.at) });
    this.#left = undefined;
    this.room = room;
    return room;
  }
}

/** Two who trade one gold after the other, each through its own process, until they are stopped, whatever is closed under them. */
export interface TradingPair {
  /** The acceptances of the buyer that were answered with `settled`. */
  acknowledged: readonly string[];
  absences: readonly Absence[];
  /** What a trade failed with, and how often. */
  failures: ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

export function startPair(seller: ComingBack, buyer: ComingBack): TradingPair {
  const [from, to] = [new Player(seller), new Player(buyer)];
  const acknowledged: string[] = [];
  const failures = new Map<string, number>();
  let stopped = false;

  async function tradeOnce(): Promise<void> {
    const [room] = await Promise.all([from.present(), to.present()]);
    const { tradeId } = await room.request<unknown, { tradeId: string }>('trade:invite', { playerId: to.id });
    const tables = await Promise.all([joinTrade(from, tradeId), joinTrade(to, tradeId)]);
    try {
      const revision = await offer(tables[0], { fungibles: { gold: 1 } });
      await accept(tables[0], revision);
      const id = commandId();
      if ((await accept(tables[1], revision, id)) === 'settled') acknowledged.push(id);
    } finally {
      for (const table of tables) if (table.connection.isOpen) await table.leave();
    }
  }

  const running = (async () => {
    while (!stopped) {
      await tradeOnce().catch(async (error: Error & { reason?: RefusalReply }) => {
        const what = error.reason?.code ?? error.message;
        failures.set(what, (failures.get(what) ?? 0) + 1);
        await delay(TRY_AGAIN_MS);
      });
    }
  })();
  return {
    acknowledged,
    failures,
    get absences() {
      return [...from.absences, ...to.absences];
    },
    async stop() {
      stopped = true;
      await running;
      for (const { room } of [from, to]) if (room?.connection.isOpen) await room.leave();
    },
  };
}
