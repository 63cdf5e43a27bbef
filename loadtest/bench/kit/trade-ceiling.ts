import type { Pool } from 'pg';
import type { Holdings } from '../../../schema/holdings.ts';
import type { PlayerId } from '../../../schema/ids.ts';
import { invariant } from '../../../schema/invariant.ts';
import { ContendedLoop } from './contended-loop.ts';
import { openOn } from './economy.ts';
import { ItemView } from './item-view.ts';
import { openPool } from './pool.ts';
import { FILL_BALANCE, FILL_INVENTORY, FILL_ITEM, type HandStatements } from './trade-ceiling-statements.ts';
import { TradeCrew, type CrewOptions, type HandMarket } from './trade-crew.ts';

/**
 * The same trade as ours, written by hand: a loop that begins, locks the rows, acts set-based and commits, in a database of
 * its own on the same server with the same players and goods. It knows its goods in memory, asks nothing and refuses nothing.
 */
export class TradeCeiling {
  readonly pool: Pool;
  readonly #url: string;
  readonly #market: HandMarket;

  private constructor(url: string, pool: Pool, market: HandMarket) {
    this.#url = url;
    this.pool = pool;
    this.#market = market;
  }

  static async open(url: string, goods: ReadonlyMap<PlayerId, Holdings>, statements: HandStatements): Promise<TradeCeiling> {
    if (statements.tables === undefined) await (await openOn([url])).close();
    const pool = openPool({ connectionString: url, max: 1 });
    if (statements.tables !== undefined) await pool.query(statements.tables);
    await fillByHand(pool, goods);
    return new TradeCeiling(url, pool, { players: [...goods.keys()], view: new ItemView(goods), statements });
  }

  /** Connections of its own, and with them plans of their own: one crew's batches do not spoil another's. */
  crew(options: CrewOptions): TradeCrew {
    return new TradeCrew(this.#url, this.#market, options);
  }

  /** One transaction per trade, whoever wants the same player. */
  contended(): ContendedLoop {
    return new ContendedLoop(this.#url, this.#market.view, this.#market.statements);
  }

  async close(): Promise<void> {
    await this.pool.end();
  }
}

/** Gives everybody their goods, in tables that are there and empty. */
export async function fillByHand(pool: Pool, goods: ReadonlyMap<PlayerId, Holdings>): Promise<void> {
  const balances = [...goods].flatMap(([holder, { fungibles }]) => Object.entries(fungibles).map(([asset, quantity]) => ({ holder, asset, quantity })));
  const items = [...goods].flatMap(([holder, { items }]) => items.map((item) => ({ ...item, holder })));
  invariant(items.every(({ version }) => version === 1), 'it begins with goods that nobody traded');
  await pool.query(FILL_INVENTORY, [[...goods.keys()]]);
  await pool.query(FILL_BALANCE, [balances.map(({ holder }) => holder), balances.map(({ asset }) => asset), balances.map(({ quantity }) => quantity)]);
  await pool.query(FILL_ITEM, [items.map(({ id }) => id), items.map(({ holder }) => holder), items.map(({ kind }) => kind), items.map(({ attributes }) => JSON.stringify(attributes))]);
}
