import type { TransactionId } from '../schema/ids.ts';
import { isEndedElsewhere } from './database-errors.ts';
import { parseGid } from './gid.ts';
import type { Shard } from './shard.ts';

/** A prepared transaction is in doubt when its coordinator has not finished it for this long. */
export const IN_DOUBT_AFTER_MS = 1_000;

/** Decisions are kept long past any coordinator that could still ask; the audit and the resolver need none older. */
const DECISION_TTL = '1 hour';

export interface Resolution {
  gid: string;
  outcome: 'commit' | 'abort';
}

/**
 * Ends every prepared transaction whose coordinator is gone, on all shards. [TP4]
 *
 * The decision row on the home shard says which way; where there is none, the abort is decided by inserting it under
 * the same key, so that a late coordinator fails on it. Safe to run twice and by many processes at once: whoever comes
 * second finds the decision made and the prepared transaction gone. A shard that is away delays its own transactions,
 * not those between the others.
 *
 * @returns what this run ended
 */
export async function resolveInDoubt(shards: readonly Shard[], inDoubtAfterMs = IN_DOUBT_AFTER_MS, onUnreachable = rethrow): Promise<Resolution[]> {
  const resolved: Resolution[] = [];
  const ended = await Promise.allSettled(
    shards.map(async (shard) => {
      for (const gid of await preparedOn(shard, inDoubtAfterMs)) {
        const resolution = await resolve(shards, shard, gid).catch(onUnreachable);
        if (resolution !== undefined) resolved.push(resolution);
      }
    }),
  );
  for (const result of ended) if (result.status === 'rejected') onUnreachable(result.reason);
  return resolved;
}

function rethrow(error: unknown): undefined {
  throw error;
}

/** How many prepared transactions of ours are older than `ageMs`, over all shards. */
export async function countInDoubt(shards: readonly Shard[], ageMs: number): Promise<number> {
  const counts = await Promise.all(shards.map(async (shard) => (await preparedOn(shard, ageMs)).length));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Drops decisions that nobody can ask for any more: old, and with no prepared transaction left on any shard. */
export async function collectDecisions(shards: readonly Shard[]): Promise<void> {
  const open = (await Promise.all(shards.map((shard) => preparedOn(shard, 0)))).flat().map((gid) => parseGid(gid)?.transactionId);
  for (const shard of shards) {
    await shard.pool.query('delete from decision where at < now() - $1::interval and transaction_id <> all($2::uuid[])', [DECISION_TTL, open.filter((id) => id !== undefined)]);
  }
}

async function preparedOn(shard: Shard, ageMs: number): Promise<string[]> {
  const { rows } = await shard.pool.query<{ gid: string }>(
    `select gid from pg_prepared_xacts where database = current_database() and gid like 'strongroom:%'
       and prepared < clock_timestamp() - $1 * interval '1 millisecond' order by prepared`,
    [ageMs],
  );
  return rows.map((row) => row.gid);
}

async function resolve(shards: readonly Shard[], shard: Shard, text: string): Promise<Resolution | undefined> {
  const gid = parseGid(text);
  const home = gid && shards[gid.home];
  if (gid === undefined || home === undefined) return undefined;
  const outcome = await decide(home, gid.transactionId);
  try {
    await shard.pool.query(outcome === 'commit' ? `commit prepared '${text}'` : `rollback prepared '${text}'`);
  } catch (error) {
    // Another resolver, or the coordinator after all, was faster.
    if (isEndedElsewhere(error)) return undefined;
    throw error;
  }
  return { gid: text, outcome };
}

async function decide(home: Shard, transactionId: TransactionId): Promise<'commit' | 'abort'> {
  await home.pool.query(`insert into decision (transaction_id, outcome) values ($1, 'abort') on conflict do nothing`, [transactionId]);
  // A second statement: the insert's own snapshot may not see the row that it ran into.
  const { rows } = await home.pool.query<{ outcome: 'commit' | 'abort' }>('select outcome from decision where transaction_id = $1', [transactionId]);
  const outcome = rows[0]?.outcome;
  if (outcome === undefined) throw new Error(`no decision for ${transactionId} although one was just inserted`);
  return outcome;
}
