import type { Holdings, Item } from '../../schema/holdings.ts';
import type { ItemId } from '../../schema/ids.ts';
import type { InventoryDelta } from '../../schema/inventory-delta.ts';

/** What somebody has, to be asked and not to be kept: the next delta changes it in place. */
export interface HoldingsLook {
  readonly version: number;
  /** How many of an asset; 0 when none. */
  count(asset: string): number;
  item(id: ItemId): Item | undefined;
}

/**
 * One holder's entry in the cache. A delta and a question cost what they name, however much is held; only who wants to
 * see it whole pays for the whole, once per version.
 */
export class CachedHoldings implements HoldingsLook {
  #version: number;
  readonly #fungibles: Map<string, number>;
  readonly #items: Map<ItemId, Item>;
  #view: Holdings | undefined;

  constructor(holdings: Holdings) {
    this.#version = holdings.version;
    this.#fungibles = new Map(Object.entries(holdings.fungibles));
    this.#items = new Map(holdings.items.map((item) => [item.id, item]));
    this.#view = holdings;
  }

  get version(): number {
    return this.#version;
  }

  count(asset: string): number {
    return this.#fungibles.get(asset) ?? 0;
  }

  item(id: ItemId): Item | undefined {
    return this.#items.get(id);
  }

  /** A delta of the next version; the caller has asked `planDelta`. [DS1] */
  apply({ version, set, removed }: InventoryDelta): void {
    this.#version = version;
    this.#view = undefined;
    for (const asset of removed.fungibles) this.#fungibles.delete(asset);
    for (const asset in set.fungibles) this.#fungibles.set(asset, set.fungibles[asset] as number);
    for (const id of removed.items) this.#items.delete(id);
    for (const item of set.items) this.#items.set(item.id, item);
  }

  /** All of it as it is now; what is handed out never changes. */
  view(): Holdings {
    return (this.#view ??= { version: this.#version, fungibles: Object.fromEntries(this.#fungibles), items: [...this.#items.values()] });
  }
}
