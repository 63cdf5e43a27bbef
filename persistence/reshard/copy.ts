import { setTimeout as delay } from 'node:timers/promises';
import type { PoolClient } from 'pg';
import { ClusterError } from '../cluster.ts';
import type { Shard } from '../shard.ts';
import {
  FORGET_HOLDINGS, HASH_HOLDINGS, HISTORIES, READ_HOLDINGS, UNDENSE, VERSIONS_COMING, VERSIONS_HERE, WRITE_BALANCES, WRITE_INCOMING, WRITE_ITEMS,
} from './statements.ts';

const HOLDERS_PER_BATCH = 200;
const ROWS_PER_BATCH = 5_000;
const VERIFY_ATTEMPTS_MAX = 10;
const VERIFY_AGAIN_MS = 200;

/** Whatever runs SQL: a connection of the mover's own, or a part of the transaction that flips. */
export interface Runner {
  query<Row>(text: string, values: readonly unknown[]): Promise<Row[]>;
}

export function runnerOf(client: PoolClient): Runner {
  return {
    async query<Row>(text: string, values: readonly unknown[]) {
      return (await client.query(text, [...values])).rows as Row[];
    },
  };
}

/** Lends a connection that plans for what it is asked and is in no hurry; afterwards it is closed. */
export async function withRunner<Result>(shard: Shard, work: (runner: Runner) => Promise<Result>): Promise<Result> {
  const client = await shard.pool.connect();
  try {
    await client.query('set statement_timeout = 0; set plan_cache_mode = force_custom_plan');
    return await work(runnerOf(client));
  } finally {
    client.release(true);
  }
}

/** Slots on their way from one shard to another. */
export interface Route {
  source: Runner;
  target: Runner;
  slots: readonly number[];
}

/** The holders whose copy is missing or of another version. */
export async function outdated({ source, target, slots }: Route): Promise<string[]> {
  const [here, coming] = await Promise.all([
    source.query<{ holder: string; version: string }>(VERSIONS_HERE, [slots]),
    target.query<{ holder: string; version: string }>(VERSIONS_COMING, [slots]),
  ]);
  const copied = new Map(coming.map(({ holder, version }) => [holder, version]));
  return here.filter(({ holder, version }) => copied.get(holder) !== version).map(({ holder }) => holder);
}

/** Copies what these holders hold, each holder with its version. Each batch is whole or not at all if `inTransaction` is. */
export async function copyHoldings({ source, target }: Route, holders: readonly string[], inTransaction: boolean, onBatch?: (done: number) => void): Promise<void> {
  for (let at = 0; at < holders.length; at += HOLDERS_PER_BATCH) {
    const batch = holders.slice(at, at + HOLDERS_PER_BATCH);
    const [rows] = await source.query<{ incoming: string; items: string; balances: string }>(READ_HOLDINGS, [batch]);
    if (rows === undefined) return;
    if (!inTransaction) await target.query('begin', []);
    for (const forget of FORGET_HOLDINGS) await target.query(forget, [batch]);
    await target.query(WRITE_ITEMS, [rows.items]);
    await target.query(WRITE_BALANCES, [rows.balances]);
    await target.query(WRITE_INCOMING, [rows.incoming]);
    if (!inTransaction) await target.query('commit', []);
    onBatch?.(batch.length);
  }
}

/** Copies ledger and commands up to an instant, reading each table once. */
export async function copyHistories({ source, target, slots }: Route, until: string, onRows: (count: number) => void): Promise<void> {
  // The cursor waits while its rows are written on the other side.
  await source.query('set idle_in_transaction_session_timeout = 0', []);
  for (const history of HISTORIES) {
    await source.query('begin isolation level repeatable read, read only', []);
    await source.query(`declare history no scroll cursor for select row_to_json(r)::text as row from (${history.all}) r`, [slots, until]);
    for (;;) {
      const rows = await source.query<{ row: string }>(`fetch ${ROWS_PER_BATCH} from history`, []);
      if (rows.length === 0) break;
      await append(target, history, `[${rows.map(({ row }) => row).join(',')}]`, rows.length);
      onRows(rows.length);
    }
    await source.query('commit', []);
  }
}

/** Copies what came since an instant. */
export async function catchUp({ source, target, slots }: Route, since: string): Promise<void> {
  for (const history of HISTORIES) {
    const [found] = await source.query<{ rows: string; count: number }>(history.after, [slots, since]);
    if (found !== undefined && found.count > 0) await append(target, history, found.rows, found.count);
  }
}

/** @throws {ClusterError} when what was written is not what was read */
async function append(target: Runner, { table, append: insert, same }: (typeof HISTORIES)[number], rows: string, count: number): Promise<void> {
  await target.query(insert, [rows]);
  const [there] = await target.query<{ count: number }>(same, [rows]);
  if (there?.count !== count) throw new ClusterError(`of ${count} rows of ${table}, ${there?.count} are the same on the other shard: nothing was moved; run npm run audit`);
}

/**
 * Compares what these holders hold with its copy, except of who has changed since it was made.
 * @throws {ClusterError} when it differs
 */
export async function verifyHoldings(route: Route, holders: readonly string[]): Promise<void> {
  const { source, target } = route;
  const [here, there] = await Promise.all([source.query<{ holder: string; hash: string }>(HASH_HOLDINGS, [holders]), target.query<{ holder: string; hash: string }>(HASH_HOLDINGS, [holders])]);
  await refuseDiffering(route, here.filter(({ hash }, at) => there[at]?.hash !== hash).map(({ holder }) => holder), 'the copy of what they hold');
}

/**
 * Compares the number of transactions in the copied ledger of these holders with the version that was copied.
 * @throws {ClusterError} when one is missing, or too many
 */
export async function verifyHistories(route: Route, holders: readonly string[]): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const undense = (await route.target.query<{ holder: string }>(UNDENSE, [holders])).map(({ holder }) => holder);
    // A trade with somebody of the target may have committed there and not here yet.
    if (attempt >= VERIFY_ATTEMPTS_MAX) await refuseDiffering(route, undense, 'the copied ledger');
    if (undense.length === 0 || attempt >= VERIFY_ATTEMPTS_MAX) return;
    await delay(VERIFY_AGAIN_MS);
  }
}

async function refuseDiffering(route: Route, holders: readonly string[], what: string): Promise<void> {
  if (holders.length === 0) return;
  const changed = new Set(await outdated(route));
  const differs = holders.filter((holder) => !changed.has(holder));
  if (differs.length > 0) throw new ClusterError(`${what} differs for ${differs.length} holders, ${differs[0]} the first: they were not moved; run npm run audit`);
}
