import type { QueryConfig, QueryResult, QueryResultRow } from 'pg';
import type { TransactionId } from '../schema/ids.ts';
import { isConnectionLoss, isEndedElsewhere } from './database-errors.ts';
import { parseGid } from './gid.ts';
import { withLease } from './resolver-lease.ts';
import type { Shard } from './shard.ts';

/** A prepared transaction is in doubt when its coordinator has not finished it for this long. */
export const IN_DOUBT_AFTER_MS = 1_000;

/** Decisions are kept long past any coordinator that could still ask; the audit and the resolver need none older. */
const DECISION_TTL = '1 hour';

/** A shard that does not answer for so long is away: what waits for it waits for the next run. */
const ANSWER_MAX_MS = 3_000;

export interface Resolution {
  gid: string;
  outcome: 'commit' | 'abort';
}

/** A prepared transaction of ours, and how long it has been prepared. */
export interface InDoubt {
  gid: string;
  ageMs: number;
}

/**
 * Ends every prepared transaction whose coordinator is gone, on all shards. [TP4]
 *
 * The decision row on the home shard says which way; where there is none, the abort is decided by inserting it under
 * the same key, so that a late coordinator fails on it. Safe to run twice and by many processes at once: whoever comes
 * second finds the decision made and the prepared transaction gone. A lease per shard keeps them from trying. [TP6]
 * A shard that is away delays its own transactions, not those between the others.
 *
 * @returns what this run ended
 */
export async function resolveInDoubt(shards: readonly Shard[], inDoubtAfterMs = IN_DOUBT_AFTER_MS, onUnreachable = rethrow): Promise<Resolution[]> {
  const ended = await Promise.allSettled(shards.map((shard) => resolveOn(shards, shard, inDoubtAfterMs, onUnreachable)));
  return ended.flatMap((result) => (result.status === 'fulfilled' ? result.value : (onUnreachable(result.reason) ?? [])));
}

function rethrow(error: unknown): undefined {
  throw error;
}

async function resolveOn(shards: readonly Shard[], shard: Shard, inDoubtAfterMs: number, onUnreachable: (error: unknown) => undefined): Promise<Resolution[]> {
  // Asked without the lease first: there is hardly ever anything to do.
  if ((await preparedOn(shard, inDoubtAfterMs)).length === 0) return [];
  const resolved = await withLease(shard, async () => {
    const byHome = Map.groupBy(await preparedOn(shard, inDoubtAfterMs), ({ gid }) => parseGid(gid)?.home);
    const resolutions: Resolution[] = [];
    // One home that is away keeps nobody else waiting.
    const ended = await Promise.allSettled(
      [...byHome.values()].map(async (open) => {
        for (const { gid } of open) {
          try {
            resolutions.push(...(await resolve(shards, shard, gid)));
          } catch (error) {
            onUnreachable(error);
            if (isConnectionLoss(error)) return;
          }
        }
      }),
    );
    for (const result of ended) if (result.status === 'rejected') onUnreachable(result.reason);
    return resolutions;
  });
  return resolved ?? [];
}

/** What is prepared for longer than `ageMs`, oldest first, and how many shards did not say. */
export async function listInDoubt(shards: readonly Shard[], ageMs: number): Promise<{ open: InDoubt[]; silent: number }> {
  const answers = await Promise.allSettled(shards.map((shard) => preparedOn(shard, ageMs)));
  const open = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  return { open: open.toSorted((a, b) => b.ageMs - a.ageMs), silent: answers.filter(({ status }) => status === 'rejected').length };
}

/** How many prepared transactions of ours are older than `ageMs`, over all shards. @throws when one does not answer */
export async function countInDoubt(shards: readonly Shard[], ageMs: number): Promise<number> {
  return (await Promise.all(shards.map((shard) => preparedOn(shard, ageMs)))).flat().length;
}

/** Drops decisions that nobody can ask for any more: old, and with no prepared transaction left on any shard. [TP8] */
export async function collectDecisions(shards: readonly Shard[]): Promise<void> {
  const open = (await Promise.all(shards.map((shard) => preparedOn(shard, 0)))).flat().map(({ gid }) => parseGid(gid)?.transactionId);
  for (const shard of shards) {
    await shard.pool.query('delete from decision where at < now() - $1::interval and transaction_id <> all($2::uuid[])', [DECISION_TTL, open.filter((id) => id !== undefined)]);
  }
}

async function preparedOn(shard: Shard, ageMs: number): Promise<InDoubt[]> {
  const { rows } = await ask<InDoubt>(
    shard,
    `select gid, (extract(epoch from clock_timestamp() - prepared) * 1000)::float8 as "ageMs" from pg_prepared_xacts
     where database = current_database() and gid like 'strongroom:%' and prepared < clock_timestamp() - $1 * interval '1 millisecond' order by prepared`,
    [ageMs],
  );
  return rows;
}

async function resolve(shards: readonly Shard[], shard: Shard, text: string): Promise<Resolution[]> {
  const gid = parseGid(text);
  const home = gid && shards[gid.home];
  if (gid === undefined || home === undefined) return [];
  const outcome = await decide(home, gid.transactionId);
  try {
    await ask(shard, outcome === 'commit' ? `commit prepared '${text}'` : `rollback prepared '${text}'`);
  } catch (error) {
    // Another resolver, or the coordinator after all, was faster.
    if (isEndedElsewhere(error)) return [];
    throw error;
  }
  return [{ gid: text, outcome }];
}

async function decide(home: Shard, transactionId: TransactionId): Promise<'commit' | 'abort'> {
  await ask(home, `insert into decision (transaction_id, outcome) values ($1, 'abort') on conflict do nothing`, [transactionId]);
  // A second statement: the insert's own snapshot may not see the row that it ran into.
  const { rows } = await ask<{ outcome: 'commit' | 'abort' }>(home, 'select outcome from decision where transaction_id = $1', [transactionId]);
  const outcome = rows[0]?.outcome;
  if (outcome === undefined) throw new Error(`no decision for ${transactionId} although one was just inserted`);
  return outcome;
}

/** One statement, which fails rather than wait for a server that says nothing at all. */
async function ask<Row extends QueryResultRow>(shard: Shard, text: string, values?: unknown[]): Promise<QueryResult<Row>> {
  const query: QueryConfig & { query_timeout: number } = { text, ...(values && { values }), query_timeout: ANSWER_MAX_MS };
  return await shard.pool.query<Row>(query);
}
