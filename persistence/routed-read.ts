import { Refusal } from '../schema/refusals.ts';
import type { Shard } from './shard.ts';
import type { SlotMap } from './slot-map.ts';

const MAPS_MAX = 50;

/** Asks each shard for the keys that live there, in parallel: one question per shard. */
export type RoutedRead = <Key extends string, Row>(keys: readonly Key[], ask: (shard: Shard, keys: Key[]) => Promise<[Key, Row][]>) => Promise<Map<Key, Row>>;

/**
 * What is missing where the map says it is may be somewhere else by now: it is missing only if the shard holds what the
 * map says, and is looked for again by a newer map otherwise. [SH3]
 * @throws {Refusal} BUSY when the map would not settle
 */
export function routedReader(map: SlotMap, shards: readonly Shard[]): RoutedRead {
  return async function read<Key extends string, Row>(keys: readonly Key[], ask: (shard: Shard, keys: Key[]) => Promise<[Key, Row][]>) {
    const found = new Map<Key, Row>();
    let wanted = [...new Set(keys)];
    for (let maps = 1; maps <= MAPS_MAX; maps++) {
      const { view } = map;
      const groups = Map.groupBy(wanted, view.shardOf);
      const answers = await Promise.all([...groups].map(async ([shard, group]) => await ask(shards[shard] as Shard, group)));
      for (const [key, row] of answers.flat()) found.set(key, row);
      wanted = wanted.filter((key) => !found.has(key));
      if (wanted.length === 0 || (await map.isCurrent(view, [...new Set(wanted.map(view.shardOf))]))) return found;
      await map.refresh(view);
    }
    throw new Refusal('BUSY', { reason: 'slots are being moved' });
  };
}
