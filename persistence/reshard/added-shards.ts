import { addressesOn, ClusterError, databaseOf, joinShard, mapsOf, openShard } from '../cluster.ts';
import type { Shard } from '../shard.ts';
import { mergeMaps } from '../slot-map.ts';

/**
 * Connects to the shards that were added and are not listed, and adds them to `shards`. What cannot be reached and holds
 * nothing was dropped, and what was not added to the end does not take part.
 * @returns why a known one was left out, if one was
 * @throws {ClusterError} when the map names one that cannot be reached
 */
export async function joinAdded(shards: Shard[]): Promise<string | undefined> {
  const [first] = shards;
  const cluster = first && (await stampOf(first))?.id;
  if (cluster === undefined || !(await hasTable(first as Shard, 'shard_url'))) return undefined;
  // A listed database that is none of ours is refused later, with its name.
  const ours = await Promise.all(shards.map((shard) => hasTable(shard, 'slot_map')));
  await joinShard(shards, Math.max(...mergeMaps(await mapsOf(shards.filter((_, at) => ours[at]))).owners));
  const addresses = await addressesOn(first as Shard);
  for (let url = addresses.get(shards.length); url !== undefined; url = addresses.get(shards.length)) {
    const index = shards.length;
    let next: Shard;
    try {
      next = await openShard({ index, url, poolMax: (first as Shard).poolMax }, '');
    } catch (error) {
      if (error instanceof ClusterError) return `left out, for no slot is there: ${error.message}`;
      throw error;
    }
    if (!(await takesPart(next, cluster))) {
      await next.close();
      return `left out: shard ${index} (${databaseOf(url)}) was not added to the end; run its add again`;
    }
    shards.push(next);
  }
  return undefined;
}

/** The last step of an `add` tells the shard its own address. */
export async function takesPart(shard: Shard, cluster: string): Promise<boolean> {
  const stamp = await stampOf(shard);
  return stamp?.id === cluster && stamp.shard === shard.index && (await hasTable(shard, 'shard_url')) && (await addressesOn(shard)).has(shard.index);
}

/** Which shard of which cluster a database is; nothing if it is none yet. */
export async function stampOf(shard: Shard): Promise<{ id: string; shard: number } | undefined> {
  if (!(await hasTable(shard, 'cluster'))) return undefined;
  return (await shard.pool.query<{ id: string; shard: number }>('select id, shard from cluster')).rows[0];
}

async function hasTable({ pool }: Shard, table: string): Promise<boolean> {
  return (await pool.query<{ there: boolean }>('select to_regclass($1) is not null as there', [table])).rows[0]?.there === true;
}
