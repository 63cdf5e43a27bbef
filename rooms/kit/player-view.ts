import type { Holdings, Item } from '../../schema/holdings.ts';
import type { InventoryDelta } from '../../schema/inventory-delta.ts';
import { ItemState, type PlayerState } from '../../schema/states/player-state.ts';

/** Writes one delta into the synced state: exactly what changed, so that the patch is no larger. [DS3] */
export function writeDelta(state: PlayerState, { version, set, removed }: InventoryDelta): void {
  // First, because what the root state writes first needs no two bytes that name it.
  state.inventoryVersion = version;
  for (const [asset, quantity] of Object.entries(set.fungibles)) state.fungibles.set(asset, quantity);
  for (const asset of removed.fungibles) state.fungibles.delete(asset);
  for (const id of removed.items) state.items.delete(id);
  for (const item of set.items) state.items.set(item.id, itemState(item));
}

export function itemState({ kind, version, bound, attributes }: Item): ItemState {
  // `false` is what the other side assumes.
  return new ItemState({ kind, version, attributes: JSON.stringify(attributes), ...(bound && { bound }) });
}

/** What the state shows, as holdings, to compare it with the truth. */
export function readHoldings(state: PlayerState): Holdings {
  const items = [...state.items].map(([id, { kind, version, bound, attributes }]) => ({ id, kind, version, bound, attributes: JSON.parse(attributes) as Item['attributes'] }) as Item);
  return { version: state.inventoryVersion, fungibles: Object.fromEntries(state.fungibles.entries()), items };
}
