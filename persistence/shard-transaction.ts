import type { EntityManager } from '@mikro-orm/postgresql';
import type { PoolClient, QueryResult, QueryResultRow } from 'pg';
import { invariant } from '../schema/invariant.ts';
import { borrowedTransaction } from './connection-dialect.ts';
import { isConnectionLoss, isInFailedTransaction } from './database-errors.ts';
import { inOneWrite } from './one-write.ts';
import type { Shard } from './shard.ts';

/** A named prepared statement: the name is its identity on a connection, so one text per name. */
export interface Statement {
  name: string;
  text: string;
}

/** One shard's part of a transaction: the hot path's prepared SQL and the ORM, on the same connection. */
export class ShardTransaction {
  readonly shard: Shard;
  readonly #client: PoolClient;
  #begun: Promise<unknown> | undefined;
  #em: EntityManager | undefined;
  #open = true;
  #isEnding = false;
  #end: Promise<QueryResult> | undefined;
  #failure: unknown;

  constructor(shard: Shard, client: PoolClient) {
    this.shard = shard;
    this.#client = client;
  }

  static async connect(shard: Shard): Promise<ShardTransaction> {
    return new ShardTransaction(shard, await shard.pool.connect());
  }

  /** Sent right before the first statement, in the same round trip; who runs that one waits for both. */
  #begin(): void {
    inOneWrite(this.#client);
    if (this.#begun !== undefined) return;
    this.#begun = this.#client.query('begin');
    // Nobody may be waiting yet when it fails; the first statement throws it.
    this.#begun.catch(() => undefined);
  }

  /** @param inOurWords what its failure, and with it that of all that is sent behind it, means */
  async query<Row extends QueryResultRow>(statement: Statement, values: readonly unknown[], inOurWords?: (error: unknown) => unknown): Promise<Row[]> {
    this.#mustBeOpen();
    this.#begin();
    return await this.#rowsOf(this.#client.query<Row>({ name: statement.name, text: statement.text, values: [...values] }), inOurWords);
  }

  /** A statement that is not worth a name. */
  async raw(text: string, values: readonly unknown[]): Promise<QueryResultRow[]> {
    this.#mustBeOpen();
    this.#begin();
    return await this.#rowsOf(this.#client.query<QueryResultRow>(text, [...values]));
  }

  /** What is sent behind a statement that failed fails too, and says only that: the first one says why. */
  async #rowsOf<Row extends QueryResultRow>(sent: Promise<QueryResult<Row>>, inOurWords = (error: unknown) => error): Promise<Row[]> {
    try {
      const [{ rows }] = await Promise.all([sent, this.#begun]);
      return rows;
    } catch (error) {
      if (isInFailedTransaction(error)) throw this.#failure ?? error;
      const said = inOurWords(error);
      this.#failure ??= said;
      throw said;
    }
  }

  /** A unit of work inside this transaction; it is flushed before the commit or the prepare. */
  async em(): Promise<EntityManager> {
    if (this.#em === undefined) {
      this.#begin();
      await this.#begun;
      this.#em = this.shard.em();
      this.#em.setTransactionContext(await borrowedTransaction(this.#client));
    }
    return this.#em;
  }

  async flush(): Promise<void> {
    await this.#em?.flush();
  }

  /** One round trip with no parameters: `begin`, `commit`, `prepare transaction`, with what must go beside it. */
  async control(sql: string): Promise<QueryResult> {
    const answer: unknown = await this.#client.query(sql);
    const results = (Array.isArray(answer) ? answer : [answer]) as QueryResult[];
    const last = results.at(-1);
    invariant(last, 'a control statement has a result');
    return last;
  }

  /**
   * Sends what ends it in the same round trip as the statements before, for `end` to wait for. If one of them fails, PostgreSQL
   * answers ROLLBACK to it. Nothing can be sent any more, and how the statements ended no longer decides whether it ends so.
   */
  endBehind(sql: string): void {
    this.#mustBeOpen();
    invariant(this.#em === undefined, 'a unit of work is flushed before its transaction ends');
    this.#begin();
    this.#isEnding = true;
    this.#end = this.control(sql);
    // Nobody may be waiting yet when it fails.
    this.#end.catch(() => undefined);
  }

  /** Ends it, unless that was sent already. */
  async end(sql: string): Promise<QueryResult> {
    this.#begin();
    return await (this.#end ??= this.control(sql));
  }

  /** Whether something was sent that ends it. */
  get isEndSent(): boolean {
    return this.#end !== undefined;
  }

  /**
   * Whether a commit that was sent happened, or may have.
   * @throws {BrokenInvariant} when it happened without a statement of its own, which PostgreSQL never saw
   */
  async mayHaveCommitted(): Promise<boolean> {
    const ended = await this.#end?.then(({ command }) => command, (error: unknown) => (isConnectionLoss(error) ? 'lost' : 'failed'));
    invariant(ended !== 'COMMIT' || this.#failure === undefined, `what failed was sent before its commit: ${String(this.#failure)}`);
    return ended === 'COMMIT' || ended === 'lost';
  }

  /** Gives the connection back; a broken one is thrown away. */
  release(broken: boolean): void {
    if (!this.#open) return;
    this.#open = false;
    this.#client.release(broken);
  }

  async rollback(): Promise<void> {
    if (!this.#open) return;
    this.#isEnding = true;
    if (this.#begun === undefined) return this.release(false);
    const done = await this.#client.query('rollback').then(() => true, () => false);
    this.release(!done);
  }

  /**
   * Work that goes on beside a statement that failed must not send another one: behind the rollback it would run, and commit,
   * outside of any transaction.
   */
  #mustBeOpen(): void {
    invariant(this.#open, 'statements run inside an open transaction');
    if (this.#isEnding) throw new Error('the transaction is ending');
  }
}
