import type { PoolClient } from 'pg';
import { invariant } from '../../schema/invariant.ts';
import { addressesOn, alone, ClusterError, databaseOf, giveMap, identityOf, mapsOf, openShard } from '../cluster.ts';
import type { Shard } from '../shard.ts';
import { mergeMaps } from '../slot-map.ts';
import { joinAdded, stampOf, takesPart } from './added-shards.ts';
import { takeMoveLock } from './move-lock.ts';

/**
 * Makes a database the next shard of a running cluster, and adds it to `shards`. It holds no slot until some are moved to it.
 *
 * One at a time, over all processes. Each step does nothing where it was done before, and the last one makes it a shard that
 * takes part: so an `add` that was killed at any point is done by running it again, and until then the next shard is this one. [SH4]
 * @throws {ClusterError} in one line, with nothing changed, when the database cannot be one
 */
export async function addShard(shards: Shard[], url: string): Promise<Shard> {
  const [first] = shards;
  invariant(first, 'a cluster has shards');
  return await alone(first, async (session) => {
    await joinAdded(shards);
    const cluster = (await stampOf(first))?.id;
    invariant(cluster !== undefined, 'a migrated cluster has its id');
    const added = await openShard({ index: shards.length, url, poolMax: first.poolMax }, '');
    try {
      const begun = await lastIfBegun(shards, added, cluster);
      if (begun !== undefined) {
        await complete(shards.slice(0, -1), begun, cluster, session);
        await added.close();
        return begun;
      }
      await refuseUnfit(shards, added, cluster);
      await refuseWhileBegun(first, added, cluster);
      await complete(shards, added, cluster, session);
    } catch (error) {
      await added.close();
      throw error;
    }
    shards.push(added);
    return added;
  });
}

/** @param others those before it: the place is its own from the first step on, and the last step tells that it takes part */
async function complete(others: readonly Shard[], added: Shard, cluster: string, session: PoolClient): Promise<void> {
  const { index, url } = added;
  const [first] = others as [Shard];
  await tellAddress(first, index, url);
  await alone(added, () => added.migrate());
  await added.pool.query('insert into cluster (id, shard) select $1, $2 where not exists (select 1 from cluster)', [cluster, index]);
  // A move tells the map to the shards that there were when it began. The lock goes with the session.
  if (!(await takeMoveLock(session))) throw new ClusterError('another command is moving slots; wait for its end and run this again');
  const { owners, epochs } = mergeMaps(await mapsOf(others));
  await giveMap(added, owners, epochs);
  for (const [shard, address] of await addressesOn(first)) if (shard < index) await tellAddress(added, shard, address);
  for (const shard of others) await tellAddress(shard, index, url);
  await tellAddress(added, index, url);
}

/** Listed already although its `add` did not come to its end. */
async function lastIfBegun(shards: readonly Shard[], added: Shard, cluster: string): Promise<Shard | undefined> {
  const last = shards.at(-1) as Shard;
  const isBegun = (await addressesOn(shards[0] as Shard)).has(last.index) && !(await takesPart(last, cluster));
  return isBegun && (await identityOf(last)) === (await identityOf(added)) ? last : undefined;
}

async function tellAddress({ pool }: Shard, shard: number, url: string): Promise<void> {
  await pool.query('insert into shard_url (shard, url) values ($1, $2) on conflict (shard) do update set url = excluded.url', [shard, url]);
}

async function refuseUnfit(shards: readonly Shard[], added: Shard, cluster: string): Promise<void> {
  const database = databaseOf(added.url);
  const identity = await identityOf(added);
  for (const shard of shards) {
    if ((await identityOf(shard)) === identity) throw new ClusterError(`${database} already is shard ${shard.index} of this cluster; name another database`);
  }
  const stamp = await stampOf(added);
  if (stamp !== undefined && stamp.id !== cluster) throw new ClusterError(`${database} belongs to another cluster; name an empty database`);
  if (stamp !== undefined && stamp.shard !== added.index) throw new ClusterError(`${database} is shard ${stamp.shard} of this cluster, or a copy of it, and cannot be shard ${added.index}; name an empty database`);
  if (stamp === undefined && (await holdsSomething(added))) throw new ClusterError(`${database} is not empty; name an empty database`);
}

/** Before its stamp a shard has our empty tables, or none. */
async function holdsSomething({ pool }: Shard): Promise<boolean> {
  const { rows } = await pool.query<{ ours: boolean; tables: number }>(
    `select to_regclass('slot_map') is not null and to_regclass('cluster') is not null as ours,
       (select count(*)::int from pg_class where relkind in ('r', 'p') and relnamespace = current_schema()::regnamespace and relname not in ('migration', 'cluster')) as tables`,
  );
  const [found] = rows;
  if (found?.ours !== true) return (found?.tables ?? 0) > 0;
  const { rows: held } = await pool.query<{ rows: boolean }>(
    'select exists (select 1 from player) or exists (select 1 from inventory) or exists (select 1 from ledger) or exists (select 1 from command) or exists (select 1 from slot) as rows',
  );
  return held[0]?.rows === true;
}

/** An `add` of another database that was killed is ended first: a second shard with the same number could not be told from it. */
async function refuseWhileBegun(first: Shard, added: Shard, cluster: string): Promise<void> {
  const url = (await addressesOn(first)).get(added.index);
  if (url === undefined || url === added.url) return;
  // What is gone, or was never stamped, is nobody's shard.
  const begun = await openShard({ index: added.index, url, poolMax: 1 }, '').catch(() => undefined);
  if (begun === undefined) return;
  try {
    const stamp = await stampOf(begun);
    if (stamp?.id !== cluster || stamp.shard !== added.index || (await identityOf(begun)) === (await identityOf(added))) return;
    invariant(!(await takesPart(begun, cluster)), 'a shard that takes part has been joined');
    throw new ClusterError(`shard ${added.index} (${databaseOf(url)}) was begun to be added and is not finished; run its add again first: npm run shards -- add <its url>`);
  } finally {
    await begun.close();
  }
}
