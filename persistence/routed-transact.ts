import { invariant } from '../schema/invariant.ts';
import { Refusal } from '../schema/refusals.ts';
import { MapChanged, type SlotMap } from './slot-map.ts';
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
  return async function transact(keys, label, work) {
    const named = [...keys];
    for (let maps = 1; ; maps++) {
      const { view } = map;
      try {
        return await transactOn(named.map(view.shardOf), label, work, { view });
      } catch (error) {
        if (!(error instanceof MapChanged)) throw error;
        invariant(error.seen === view, 'a transaction works by one map');
        if (maps >= MAPS_MAX) throw new Refusal('BUSY', { reason: 'slots are being moved' });
        await map.refresh(view);
      }
    }
  };
}
