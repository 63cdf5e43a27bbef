import { setTimeout as delay } from 'node:timers/promises';
import { invariant } from '../../schema/invariant.ts';
import { Refusal } from '../../schema/refusals.ts';
import { ClusterError } from '../cluster.ts';
import type { ReachFaultPoint } from '../fault-points.ts';
import type { Shard } from '../shard.ts';
import type { TransactOn } from '../transact.ts';
import type { ShardTransaction } from '../shard-transaction.ts';
import { SLOT_LOCK, type Transaction } from '../transaction.ts';
import { append, changedSince, differing, writeHoldings, type HeldVersion, type HoldingRows, type HoldingsHash, type Rows, type Runner } from './copy.ts';
import {
  FENCE_HOLDERS, FENCE_MAP, FENCE_PLAYERS, FENCE_SLOTS, FLIP_MAP, FLIP_MOVE, FLIP_SLOTS, FORGET_INCOMING, GIVE_PAUSES, HASH_HOLDINGS, HISTORIES, PRESENCES, READ_HOLDINGS, READ_PAUSES, VERSIONS_COMING,
} from './statements.ts';

const FLIP_ATTEMPTS_MAX = 20;
const TRY_AGAIN_MS = 100;
/** Who cannot have the locks soon lets the others go on, and tries again; only at last it insists. */
const PATIENT_ATTEMPTS = 15;
const PATIENT_LOCK_TIMEOUT_MS = 80;
const LOCK_TIMEOUT_MS = 2_000;
/** What its fault points are named by. */
export const LABEL = 'move';

/** Slots that go the same way. */
export interface Job {
  source: Shard;
  target: Shard;
  slots: number[];
}

interface Flip {
  job: Job;
  /** Those of the job that go now. */
  slots: readonly number[];
  /** What was added to the histories since then may not be copied yet. */
  since: string;
  /** The map's, once they have gone. */
  version: number;
}

/**
 * The one commit that is the move of some slots, over both shards. [SH6]
 * @returns how long writers were kept waiting, each time that it was tried
 */
export function flipper(transactOn: TransactOn, reach: ReachFaultPoint): (flip: Flip) => Promise<number[]> {
  return async function flip({ job, slots, since, version }: Flip): Promise<number[]> {
    const stallsMs: number[] = [];
    for (let attempt = 1; ; attempt++) {
      const lockTimeoutMs = attempt <= PATIENT_ATTEMPTS ? PATIENT_LOCK_TIMEOUT_MS : LOCK_TIMEOUT_MS;
      let began = performance.now();
      const ended = () => stallsMs.push(performance.now() - began);
      try {
        await transactOn([job.source.index, job.target.index], LABEL, async (transaction) => {
          began = performance.now();
          await carryOver(transaction, { job, slots, since, version }, lockTimeoutMs).catch((error: unknown) => {
            ended();
            throw error;
          });
          // Source first: then its holders are nowhere for a moment, which is waited for, and never in two places.
        }, { home: job.source.index });
        ended();
        return stallsMs;
      } catch (error) {
        if (!(error instanceof Refusal) || attempt >= FLIP_ATTEMPTS_MAX) throw error;
        await delay(TRY_AGAIN_MS);
      }
    }
  }

  /** In few round trips, because everybody waits: what is sent to a shard together runs there one after the other. */
  async function carryOver(transaction: Transaction, { job, slots, since, version }: Flip, lockTimeoutMs: number): Promise<void> {
    const [source, target] = [runnerIn(transaction.on(job.source.index)), runnerIn(transaction.on(job.target.index))];
    const fence = async (runner: Runner) => await Promise.all([runner.query('set local plan_cache_mode = force_custom_plan', []), runner.query(`set local lock_timeout = ${lockTimeoutMs}`, []), runner.query(FENCE_SLOTS(SLOT_LOCK), [slots])]);
    const [, held, holders, , , coming] = await Promise.all([
      fence(source),
      source.query(FENCE_MAP, [slots, job.source.index]),
      source.query<HeldVersion>(FENCE_HOLDERS, [slots]),
      source.query(FENCE_PLAYERS, [slots]),
      fence(target),
      target.query<HeldVersion>(VERSIONS_COMING, [slots]),
    ]);
    if (held.length !== slots.length) throw new ClusterError(`shard ${job.source.index} does not hold all of these slots any more; run it again`);
    reach('fenced', LABEL);

    const changed = changedSince(holders, coming);
    const [holdings, histories, here, presences, [pauses]] = await Promise.all([
      source.query<HoldingRows>(READ_HOLDINGS, [changed]),
      Promise.all(HISTORIES.map(async ({ after }) => await source.query<Rows>(after, [slots, since]))),
      source.query<HoldingsHash>(HASH_HOLDINGS, [changed]),
      Promise.all(PRESENCES.map(async ({ take }) => await source.query<Rows>(take, [slots]))),
      source.query<Rows>(READ_PAUSES, []),
      flipOn(source, job, slots, version),
    ]);
    const [inventories] = presences[0] ?? [];
    invariant(inventories?.count === holders.length, 'who was locked is who goes');

    const [, , there] = await Promise.all([
      writeHoldings(target, changed, holdings),
      Promise.all(HISTORIES.map(async (history, at) => await append(target, history, histories[at]?.[0]))),
      target.query<HoldingsHash>(HASH_HOLDINGS, [changed]),
      Promise.all(PRESENCES.map(async ({ give }, at) => await target.query(give, [presences[at]?.[0]?.rows]))),
      target.query(GIVE_PAUSES, [pauses?.rows]),
      target.query(FORGET_INCOMING, [slots]),
      flipOn(target, job, slots, version),
    ]);
    const differs = differing(here, there);
    if (differs.length > 0) throw new ClusterError(`the copy of what ${differs[0]} holds differs: it was not moved; run npm run audit`);
    reach('caught-up', LABEL);
  }
}

async function flipOn(runner: Runner, { target }: Job, slots: readonly number[], version: number): Promise<void> {
  await Promise.all([runner.query(FLIP_SLOTS, [slots, target.index, version]), runner.query(FLIP_MAP, [version]), runner.query(FLIP_MOVE, [slots])]);
}

function runnerIn(part: ShardTransaction): Runner {
  return { query: async <Row>(text: string, values: readonly unknown[]) => (await part.raw(text, values)) as Row[] };
}
