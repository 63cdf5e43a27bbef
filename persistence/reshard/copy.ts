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
    await client.query('set statement_timeout = 0; set plan_cache_mode = force_custom_plan; set enable_seqscan = on');
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

export interface HeldVersion {
  holder: string;
  version: string;
}

export interface HoldingsHash {
  holder: string;
  hash: string;
}

/** Rows as JSON text, and how many they are. */
export interface Rows {
  rows: string;
  count: number;
}

export interface HoldingRows {
  incoming: string;
  items: string;
  balances: string;
}

/** The holders whose copy is missing or of another version. */
export async function outdated({ source, target, slots }: Route): Promise<string[]> {
  return changedSince(...(await Promise.all([source.query<HeldVersion>(VERSIONS_HERE, [slots]), target.query<HeldVersion>(VERSIONS_COMING, [slots])])));
}

/** Pure. */
export function changedSince(here: readonly HeldVersion[], copied: readonly HeldVersion[]): string[] {
  const versions = new Map(copied.map(({ holder, version }) => [holder, version]));
  return here.filter(({ holder, version }) => versions.get(holder) !== version).map(({ holder }) => holder);
}

/** Of holders in one order, those of whom two shards say different things. Pure. */
export function differing(here: readonly HoldingsHash[], there: readonly HoldingsHash[]): string[] {
  return here.filter(({ hash }, at) => there[at]?.hash !== hash).map(({ holder }) => holder);
}

/** Copies what these holders hold, each holder with its version and each batch in a transaction of its own. */
export async function copyHoldings({ source, target }: Route, holders: readonly string[], onBatch?: (done: number) => void): Promise<void> {
  for (let at = 0; at < holders.length; at += HOLDERS_PER_BATCH) {
    const batch = holders.slice(at, at + HOLDERS_PER_BATCH);
    const rows = await source.query<HoldingRows>(READ_HOLDINGS, [batch]);
    await Promise.all([target.query('begin', []), writeHoldings(target, batch, rows), target.query('commit', [])]);
    onBatch?.(batch.length);
  }
}

/** In the place of what was copied of these holders before. */
export async function writeHoldings(target: Runner, holders: readonly string[], [rows]: readonly HoldingRows[]): Promise<void> {
  await Promise.all([
    ...FORGET_HOLDINGS.map(async (forget) => await target.query(forget, [holders])),
    target.query(WRITE_ITEMS, [rows?.items]),
    target.query(WRITE_BALANCES, [rows?.balances]),
    target.query(WRITE_INCOMING, [rows?.incoming]),
  ]);
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
      await append(target, history, { rows: `[${rows.map(({ row }) => row).join(',')}]`, count: rows.length });
      onRows(rows.length);
    }
    await source.query('commit', []);
  }
}

/** Copies what came since an instant. */
export async function catchUp({ source, target, slots }: Route, since: string): Promise<void> {
  for (const history of HISTORIES) await append(target, history, (await source.query<Rows>(history.after, [slots, since]))[0]);
}

/** @throws {ClusterError} when what was written is not what was read */
export async function append(target: Runner, { table, append: insert, same }: (typeof HISTORIES)[number], found: Rows | undefined): Promise<void> {
  if (found === undefined || found.count === 0) return;
  const [, [there]] = await Promise.all([target.query(insert, [found.rows]), target.query<{ count: number }>(same, [found.rows])]);
  if (there?.count !== found.count) throw new ClusterError(`of ${found.count} rows of ${table}, ${there?.count} are the same on the other shard: nothing was moved; run npm run audit`);
}

/**
 * Compares what these holders hold with its copy, except of who has changed since it was made.
 * @throws {ClusterError} when it differs
 */
export async function verifyHoldings(route: Route, holders: readonly string[]): Promise<void> {
  const { source, target } = route;
  const [here, there] = await Promise.all([source.query<HoldingsHash>(HASH_HOLDINGS, [holders]), target.query<HoldingsHash>(HASH_HOLDINGS, [holders])]);
  await refuseDiffering(route, differing(here, there), 'the copy of what they hold');
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
