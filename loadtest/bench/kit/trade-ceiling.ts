import type { Pool } from 'pg';
import type { Holdings } from '../../../schema/holdings.ts';
import type { PlayerId } from '../../../schema/ids.ts';
import { invariant } from '../../../schema/invariant.ts';
import { ContendedLoop } from './contended-loop.ts';
import { ItemView } from './item-view.ts';
import { openPool } from './pool.ts';
import { FILL_BALANCE, FILL_INVENTORY, FILL_ITEM, TABLES } from './trade-ceiling-statements.ts';
import { TradeCrew, type CrewOptions } from './trade-crew.ts';

/**
 * The same trade as ours, written by hand: a loop that begins, locks the rows, acts set-based and commits, on tables of
 * its own on the same server with the same players and goods. It knows its goods in memory, asks nothing and refuses
 * nothing; it writes one command row per trade where ours writes one for each side.
 */
export class TradeCeiling {
  readonly pool: Pool;
  readonly #url: string;
  readonly #players: PlayerId[];
  readonly #view: ItemView;

  private constructor(url: string, pool: Pool, goods: ReadonlyMap<PlayerId, Holdings>) {
    this.#url = url;
    this.pool = pool;
    this.#players = [...goods.keys()];
    this.#view = new ItemView(goods);
  }

  static async open(url: string, goods: ReadonlyMap<PlayerId, Holdings>): Promise<TradeCeiling> {
    const pool = openPool({ connectionString: url, max: 1 });
    const balances = [...goods].flatMap(([holder, { fungibles }]) => Object.entries(fungibles).map(([asset, quantity]) => ({ holder, asset, quantity })));
    const items = [...goods].flatMap(([holder, { items }]) => items.map((item) => ({ ...item, holder })));
    invariant(items.every(({ version }) => version === 1), 'the ceiling begins with goods that nobody traded');
    await pool.query(TABLES);
    await pool.query(FILL_INVENTORY, [[...goods.keys()]]);
    await pool.query(FILL_BALANCE, [balances.map(({ holder }) => holder), balances.map(({ asset }) => asset), balances.map(({ quantity }) => quantity)]);
    await pool.query(FILL_ITEM, [items.map(({ id }) => id), items.map(({ holder }) => holder), items.map(({ kind }) => kind), items.map(({ attributes }) => JSON.stringify(attributes))]);
    return new TradeCeiling(url, pool, goods);
  }

  /** Connections of its own, and with them plans of their own: one crew's batches do not spoil another's. */
  crew(options: CrewOptions): TradeCrew {
    return new TradeCrew(this.#url, this.#players, this.#view, options);
  }

  /** One transaction per trade, whoever wants the same player. */
  contended(): ContendedLoop {
    return new ContendedLoop(this.#url, this.#view);
  }

  async close(): Promise<void> {
    await this.pool.end();
  }
}
