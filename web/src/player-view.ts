import type { ItemState, PlayerState } from '../../schema/states/player-state.ts';
import { catalogRank } from './catalog.ts';

/** A unique item as the page shows it. */
export interface ItemView {
  id: string;
  kind: string;
  version: number;
  bound: boolean;
  attributes: Readonly<Record<string, unknown>>;
}

/** A copy of the private state at one moment: the decoder changes its objects in place, a view never changes. */
export interface PlayerView {
  playerId: string;
  name: string;
  region: string;
  level: number;
  xp: number;
  inventoryVersion: number;
  fungibles: ReadonlyMap<string, number>;
  items: ReadonlyMap<string, ItemView>;
  /** Empty outside of any guild. */
  guildId: string;
}

/** What somebody holds: a player, or a guild's bank. */
export type Held = Pick<PlayerView, 'fungibles' | 'items'>;

/** `undefined` until the first state has arrived. */
export function readPlayer(state: PlayerState | undefined): PlayerView | undefined {
  if (!state?.playerId) return undefined;
  const { playerId, name, region, level, xp, inventoryVersion, guildId } = state;
  return { playerId, name, region, level, xp, inventoryVersion, guildId, ...readHeld(state) };
}

/** A copy of what a state says is held; its maps are absent before the first patch. */
export function readHeld(state: { fungibles?: unknown; items?: unknown } | undefined): Held {
  const items = new Map<string, ItemView>();
  (state?.items as ReadonlyMap<string, ItemState> | undefined)?.forEach((item, id) => {
    items.set(id, { id, kind: item.kind, version: item.version, bound: item.bound, attributes: readAttributes(item.attributes) });
  });
  return { fungibles: readFungibles(state?.fungibles), items };
}

/** Counts of a decoded map; absent before the first patch. */
export function readFungibles(map: unknown): Map<string, number> {
  const fungibles = new Map<string, number>();
  (map as ReadonlyMap<string, number> | undefined)?.forEach((quantity, asset) => {
    if (quantity > 0) fungibles.set(asset, quantity);
  });
  return fungibles;
}

/** Attributes travel as JSON text. */
export function readAttributes(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text || '{}');
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** One thing in an inventory: a count of an asset, or an item. */
export type Holding =
  | { type: 'fungible'; key: string; asset: string; quantity: number }
  | { type: 'unique'; key: string; item: ItemView };

/** Everything held, in the catalogue's order: counts first, then items by kind. */
export function listHoldings(held: Held): Holding[] {
  const fungibles = [...held.fungibles]
    .toSorted(([a], [b]) => catalogRank(a) - catalogRank(b) || a.localeCompare(b))
    .map(([asset, quantity]): Holding => ({ type: 'fungible', key: `fungible:${asset}`, asset, quantity }));
  const items = [...held.items.values()]
    .toSorted((a, b) => catalogRank(a.kind) - catalogRank(b.kind) || a.id.localeCompare(b.id))
    .map((item): Holding => ({ type: 'unique', key: `item:${item.id}`, item }));
  return [...fungibles, ...items];
}
