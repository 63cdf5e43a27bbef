import type { LeaseId } from '../schema/ids.ts';
import { newId } from './new-id.ts';
import type { Shard } from './shard.ts';

/**
 * By what a process writes: a fencing token that every one of its transactions carries and that each shard compares under the
 * locks. Whoever finds the process dead fences it, and from then on PostgreSQL refuses what it still wants to write. [PL1]
 */
export class Lease {
  #id = newId<LeaseId>();
  readonly #onLost = new Set<() => void>();

  get id(): LeaseId {
    return this.#id;
  }

  /** For one that was lost, and of which nothing is left to be written. */
  renewed(): LeaseId {
    this.#id = newId<LeaseId>();
    return this.#id;
  }

  /** A shard refused it. */
  lost(): void {
    for (const listener of this.#onLost) listener();
  }

  onLost(listener: () => void): void {
    this.#onLost.add(listener);
  }
}

/**
 * Takes a lease from its process, on every shard that answers.
 * @returns whether all did; until then it is to be asked again
 */
export async function fenceLease(shards: readonly Shard[], lease: LeaseId): Promise<boolean> {
  const told = await Promise.allSettled(shards.map(({ pool }) => pool.query('insert into fenced (lease) values ($1) on conflict do nothing', [lease])));
  return told.every(({ status }) => status === 'fulfilled');
}

/** Whether any shard that answers refuses it. @throws when none answers */
export async function isFenced(shards: readonly Shard[], lease: LeaseId): Promise<boolean> {
  const answers = await Promise.allSettled(shards.map(({ pool }) => pool.query('select from fenced where lease = $1', [lease])));
  const said = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  if (said.length === 0) throw (answers[0] as PromiseRejectedResult).reason;
  return said.some(({ rowCount }) => rowCount === 1);
}
