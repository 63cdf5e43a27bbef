import type { TransactionId } from '../schema/ids.ts';
import { uuidArray } from './array-binary.ts';
import { holdersOf, type Movement, type MovementOutcome } from './movement.ts';
import type { SettleRow } from './settle-columns.ts';
import { inputFor, localityOf, type Entry } from './settle-input.ts';
import { denyAll, denyUnfit, type Denials, type HolderRow } from './settle-outcomes.ts';
import { CHECK, READ_HOLDERS } from './settle-statements.ts';
import { keysOf } from './settle.ts';
import type { Shard } from './shard.ts';
import type { SlotMap } from './slot-map.ts';

const NOTHING_PAUSED: ReadonlySet<string> = new Set();
/** Nothing is written, so nothing is called by it. */
const NO_TRANSACTION = '00000000-0000-0000-0000-000000000000' as TransactionId;

/**
 * Why movements must not happen as things are now: without a lock and without writing. Undefined of those that nothing
 * speaks against; only settling them says whether they happen. A holder may stand in several of them.
 */
export type Judge = (movements: readonly Movement[]) => Promise<(MovementOutcome | undefined)[]>;

export function judger(shards: readonly Shard[], map: SlotMap): Judge {
  return async function judge(movements) {
    const { view } = map;
    const { shardOf } = view;
    const denials: Denials = new Map();
    const entries = movements.map((movement, at): Entry => ({ ix: at + 1, movement, transactionId: NO_TRANSACTION, answers: [] }));
    const holders = [...new Set(movements.flatMap(holdersOf))];
    const places = [...new Set(movements.flatMap((movement) => keysOf(movement).map(shardOf)))];
    const found = await Promise.all(
      places.map(async (place) => {
        const { pool } = shards[place] as Shard;
        const locality = localityOf(place, shardOf);
        const input = inputFor(entries, locality);
        const [present, denied] = await Promise.all([
          pool.query<HolderRow>({ ...READ_HOLDERS, values: [uuidArray(holders.filter(locality.here))] }),
          input && pool.query<SettleRow>({ ...CHECK, values: input.valuesFor(CHECK) }),
        ]);
        return { present: present.rows, denied: denied?.rows ?? [] };
      }),
    );
    // Of pauses only who settles is told: who waits for nothing may hear of it a little later.
    denyUnfit(denials, movements, new Map(found.flatMap(({ present }) => present.map((row) => [row.holder, row] as const))), NOTHING_PAUSED);
    for (const { denied } of found) denyAll(denials, denied);
    // By an old map nothing can be held against anybody: whoever is missing may be elsewhere.
    if (denials.size > 0 && !(await map.isCurrent(view, places))) return movements.map(() => undefined);
    return entries.map(({ ix }) => denials.get(ix));
  };
}
