import type { Holdings, Item } from '../../schema/holdings.ts';
import type { InventoryDelta } from '../../schema/inventory-delta.ts';
import { ItemState, type PlayerState } from '../../schema/states/player-state.ts';

/** What the wire adds, at most, to the texts of an item or an asset; and what all the rest of a player is. */
const BYTES_MAX = { item: 96, asset: 32, player: 1024 };

/**
 * Writes one delta into the synced state: exactly what changed, so that the patch is no larger. [DS3]
 * @returns as how many bytes it is sent, at most
 */
export function writeDelta(state: PlayerState, { version, set, removed }: InventoryDelta): number {
  // First, because what the root state writes first needs no two bytes that name it.
  state.inventoryVersion = version;
  let bytes = BYTES_MAX.player + BYTES_MAX.item * removed.items.length + BYTES_MAX.asset * removed.fungibles.length;
  for (const [asset, quantity] of Object.entries(set.fungibles)) {
    state.fungibles.set(asset, quantity);
    bytes += BYTES_MAX.asset + Buffer.byteLength(asset);
  }
  for (const asset of removed.fungibles) state.fungibles.delete(asset);
  for (const id of removed.items) state.items.delete(id);
  for (const item of set.items) {
    const shown = itemState(item);
    state.items.set(item.id, shown);
    bytes += BYTES_MAX.item + Buffer.byteLength(shown.kind) + Buffer.byteLength(shown.attributes);
  }
  return bytes;
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
