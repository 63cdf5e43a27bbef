import { invariant } from '../schema/invariant.ts';
import { Refusal } from '../schema/refusals.ts';
import { MapChanged, type MapView, type SlotMap } from './slot-map.ts';
import type { TransactOn } from './transact.ts';
import type { Transaction } from './transaction.ts';

/** A move flips slots in groups, and a writer may meet one flip after another. */
const MAPS_MAX = 50;

/** Runs work where the keys live, all or nothing. The only door to writing, and it cannot tell one shard from three. [TP1] */
export type Transact = <Result>(keys: Iterable<string>, label: string, work: (transaction: Transaction) => Promise<Result>) => Promise<Result>;

/**
 * Routes a transaction by the slots of its keys. Work that met a map that had changed is run again by the new one. [SH3]
 * @throws {Refusal} BUSY when the map would not settle
 */
export function routedTransactor(map: SlotMap, transactOn: TransactOn): Transact {
  return (keys, label, work) => {
    const named = [...keys];
    return byMap(map, transactOn, ({ shardOf }) => named.map(shardOf), label, work);
  };
}

/** Runs work over every shard that there is: for the little that all of them must know. */
export type TransactEverywhere = <Result>(label: string, work: (transaction: Transaction) => Promise<Result>) => Promise<Result>;

export function everywhereTransactor(map: SlotMap, transactOn: TransactOn, shards: readonly unknown[]): TransactEverywhere {
  // A map that names another shard adds it to them.
  return (label, work) => byMap(map, transactOn, () => shards.keys(), label, work);
}

async function byMap<Result>(map: SlotMap, transactOn: TransactOn, shardsIn: (view: MapView) => Iterable<number>, label: string, work: (transaction: Transaction) => Promise<Result>): Promise<Result> {
  for (let maps = 1; ; maps++) {
    const { view } = map;
    try {
      return await transactOn(shardsIn(view), label, work, { view });
    } catch (error) {
      if (!(error instanceof MapChanged)) throw error;
      invariant(error.seen === view, 'a transaction works by one map');
      if (maps >= MAPS_MAX) throw new Refusal('BUSY', { reason: 'slots are being moved' });
      await map.refresh(view);
    }
  }
}
