import type { PoolClient } from 'pg';
import type { Shard } from '../shard.ts';

const FETCHED_AT_ONCE = 5_000;

/** The rows of one statement, however many they are, from one snapshot. */
export interface RowStream<Row> {
  /** The row that `take` gives next; undefined at the end. */
  readonly head: Row | undefined;
  take(): Promise<Row | undefined>;
  /** All that are at hand, at least one; none at the end. */
  takeSome(): Promise<Row[]>;
  close(): Promise<void>;
}

/** Reads through a cursor, on a connection of its own, the next rows while the last ones are looked at. */
export async function openStream<Row>({ pool }: Shard, text: string, values: unknown[]): Promise<RowStream<Row>> {
  const client = await pool.connect();
  try {
    await client.query(`begin isolation level repeatable read, read only;
      set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0; set local enable_seqscan = on; set local plan_cache_mode = force_custom_plan`);
    await client.query(`declare stream no scroll cursor for ${text}`, values);
    const stream = new CursorStream<Row>(client);
    await stream.fill();
    return stream;
  } catch (error) {
    client.release(true);
    throw error;
  }
}

class CursorStream<Row> implements RowStream<Row> {
  readonly #client: PoolClient;
  #rows: Row[] = [];
  #at = 0;
  #next: Promise<Row[]>;

  constructor(client: PoolClient) {
    this.#client = client;
    this.#next = this.#fetch();
  }

  get head(): Row | undefined {
    return this.#rows[this.#at];
  }

  async take(): Promise<Row | undefined> {
    const row = this.#rows[this.#at++];
    if (row !== undefined && this.#at >= this.#rows.length) await this.fill();
    return row;
  }

  async takeSome(): Promise<Row[]> {
    const rows = this.#rows.slice(this.#at);
    if (rows.length > 0) await this.fill();
    return rows;
  }

  async fill(): Promise<void> {
    this.#rows = await this.#next;
    this.#at = 0;
    if (this.#rows.length > 0) this.#next = this.#fetch();
  }

  async close(): Promise<void> {
    await this.#next.catch(() => undefined);
    await this.#client.query('rollback').then(() => this.#client.release(), () => this.#client.release(true));
  }

  #fetch(): Promise<Row[]> {
    const rows = this.#client.query(`fetch ${FETCHED_AT_ONCE} from stream`).then((found) => found.rows as Row[]);
    // Whoever looks at them next throws it.
    rows.catch(() => undefined);
    return rows;
  }
}
