import type { Holdings, Item } from './holdings.ts';
import type { HolderId, ItemId } from './ids.ts';

/** What one version changed, in absolute values; a fungible that fell to zero is in `removed`. [DS1] */
export interface InventoryDelta {
  holderId: HolderId;
  version: number;
  set: { fungibles: Record<string, number>; items: Item[] };
  removed: { fungibles: string[]; items: ItemId[] };
}

/** What a holder of version `held` must do with a delta of version `incoming`. [DS2] */
export function planDelta(held: number, incoming: number): 'apply' | 'drop' | 'resync' {
  if (incoming <= held) return 'drop';
  return incoming === held + 1 ? 'apply' : 'resync';
}

/**
 * The delta that turns `before` into `after`: added and updated things in `set`, gone ones in `removed`. [DS1]
 * Pure; the order of `items` carries no meaning. Cost is linear in both.
 */
export function diffHoldings(holderId: HolderId, before: Holdings, after: Holdings): InventoryDelta {
  const fungibles = Object.entries(after.fungibles).filter(([asset, count]) => before.fungibles[asset] !== count);
  const heldBefore = new Map(before.items.map((item) => [item.id, item]));
  const heldAfter = new Set(after.items.map((item) => item.id));
  return {
    holderId,
    version: after.version,
    set: {
      fungibles: Object.fromEntries(fungibles),
      items: after.items.filter((item) => heldBefore.get(item.id)?.version !== item.version),
    },
    removed: {
      fungibles: Object.keys(before.fungibles).filter((asset) => !(asset in after.fungibles)),
      items: before.items.filter((item) => !heldAfter.has(item.id)).map((item) => item.id),
    },
  };
}

/** `before` with the delta applied; the caller has asked `planDelta` first. [DS1] */
export function applyDelta(before: Holdings, delta: InventoryDelta): Holdings {
  const fungibles = { ...before.fungibles, ...delta.set.fungibles };
  for (const asset of delta.removed.fungibles) delete fungibles[asset];
  const gone = new Set<string>([...delta.removed.items, ...delta.set.items.map((item) => item.id)]);
  return { version: delta.version, fungibles, items: [...before.items.filter((item) => !gone.has(item.id)), ...delta.set.items] };
}
