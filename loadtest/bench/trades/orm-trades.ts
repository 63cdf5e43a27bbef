import { LockMode, MikroORM } from '@mikro-orm/postgresql';
import { randomUUID } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { Balance, Command, Inventory, Item, LedgerEntry } from '../../../persistence/index.ts';
import type { Holdings } from '../../../schema/holdings.ts';
import type { PlayerId } from '../../../schema/ids.ts';
import { invariant } from '../../../schema/invariant.ts';
import { FreePlayers } from '../kit/free-players.ts';
import { anyTrade, type HandTrade } from '../kit/hand-trade.ts';
import type { Random } from '../kit/holdings.ts';
import { ItemView } from '../kit/item-view.ts';
import type { More } from '../kit/rate.ts';

const CONNECTIONS = 10;
const HASH = Buffer.alloc(32);

/** One unit of work per trade, as MikroORM is meant to be used: a fork, `transactional`, locks first, entities changed, one flush. */
export class OrmTrades {
  readonly #orm: MikroORM;

  private constructor(orm: MikroORM) {
    this.#orm = orm;
  }

  /** On the same tables as ours. */
  static async open(url: string): Promise<OrmTrades> {
    return new OrmTrades(await MikroORM.init({
      contextName: 'bench',
      entities: [Balance, Command, Inventory, Item, LedgerEntry],
      clientUrl: url,
      pool: { min: 0, max: CONNECTIONS },
    }));
  }

  /** @param goods what everybody has now. @returns how long each trade took, in milliseconds */
  async run(goods: ReadonlyMap<PlayerId, Holdings>, inFlight: number, more: More, random: Random): Promise<number[]> {
    const [view, free] = [new ItemView(goods), new FreePlayers([...goods.keys()])];
    const tookMs: number[] = [];
    const worker = async () => {
      while (more()) {
        const trade = anyTrade(view, free.pair(random), random);
        const began = performance.now();
        await this.#settle(trade);
        tookMs.push(performance.now() - began);
        const { players: [a, b], items: [given, taken] } = trade;
        view.moved(given, a, b);
        view.moved(taken, b, a);
        free.release(trade.players);
      }
    };
    await Promise.all(Array.from({ length: inFlight }, worker));
    return tookMs;
  }

  async close(): Promise<void> {
    await this.#orm.close(true);
  }

  async #settle({ players, items: seen }: HandTrade): Promise<void> {
    await this.#orm.em.fork().transactional(async (em) => {
      const holders = await em.find(Inventory, { holder: { $in: [...players] } }, { lockMode: LockMode.PESSIMISTIC_WRITE, orderBy: { holder: 'asc' } });
      const items = await em.find(Item, { id: { $in: seen.map(({ id }) => id) } });
      const balances = await em.find(Balance, { holder: { $in: [...players] }, asset: 'gold' });
      const transactionId = uuidv7();
      const entry = { transactionId, reason: 'trade', quantity: 1, asset: null, item: null, itemVersion: null };

      for (const holder of holders) {
        holder.version++;
        holder.traded++;
      }
      for (const [side, giver] of players.entries()) {
        const receiver = players[1 - side] as PlayerId;
        const item = items.find(({ id }) => id === seen[side]?.id);
        invariant(item?.holder === giver && item.version === seen[side]?.version && !item.bound, 'the item is held as it was seen');
        item.holder = receiver;
        item.version++;
        em.create(LedgerEntry, { ...entry, seq: side, item: item.id, itemVersion: item.version, giver, receiver });
        em.create(Command, { actor: giver, id: randomUUID(), hash: HASH, answer: { status: 'settled' }, transactionId });
      }

      const [paid, got] = players.map((player) => balances.find(({ holder }) => holder === player));
      invariant(paid && paid.quantity >= 1, 'the gold is held');
      paid.quantity--;
      if (got) got.quantity++;
      else em.create(Balance, { holder: players[1], asset: 'gold', quantity: 1 });
      em.create(LedgerEntry, { ...entry, seq: players.length, asset: 'gold', giver: players[0], receiver: players[1] });
    });
  }
}
