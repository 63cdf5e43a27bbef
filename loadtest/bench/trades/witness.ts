import type { Pool } from 'pg';
import type { BenchResult } from '../kit/bench.ts';

const CONNECTIONS_MAX = 10;

/** What the database itself counted, for comparison with what the feature said. */
export class Witness {
  readonly #pool: Pool;
  #before = { deadlocks: 0, trades: 0 };

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async begin(): Promise<void> {
    this.#before = await this.#count();
  }

  /** @param settled how many trades were answered as settled since the beginning */
  async rows(at: string, settled: number): Promise<BenchResult[]> {
    const after = await this.#count();
    return [
      { what: `${at}, trades in the ledger, against those that were answered as settled`, ours: after.trades - this.#before.trades, ceiling: settled, unit: 'trades', targets: [{ of: 'ratio', bound: 'exactly', value: 1 }] },
      { what: `${at}, deadlocks that PostgreSQL counted, in so many trades`, ours: after.deadlocks - this.#before.deadlocks, ceiling: settled, unit: 'deadlocks', targets: [{ of: 'ours', bound: 'exactly', value: 0 }] },
    ];
  }

  async #count(): Promise<{ deadlocks: number; trades: number }> {
    // A connection reports what it counted when it next has something to do: each is given something.
    const clients = await Promise.all(Array.from({ length: CONNECTIONS_MAX }, () => this.#pool.connect()));
    await Promise.all(clients.map((client) => client.query('select pg_stat_force_next_flush()').finally(() => client.release())));
    const { rows } = await this.#pool.query<{ deadlocks: number; trades: number }>(`
      select (select deadlocks::float8 from pg_stat_database where datname = current_database()) as deadlocks,
        (select count(distinct transaction_id)::float8 from ledger where reason = 'trade') as trades`);
    return rows[0] ?? { deadlocks: Number.NaN, trades: Number.NaN };
  }
}
