import type { Bus, HoldingsReader } from '../../persistence/index.ts';
import type { Holdings } from '../../schema/holdings.ts';
import type { HolderId, PlayerId } from '../../schema/ids.ts';
import type { InventoryDelta } from '../../schema/inventory-delta.ts';
import { InventoryCache } from './cache.ts';
import type { HoldingsLook } from './cached-holdings.ts';

export interface InventoryOptions {
  reader: HoldingsReader;
  bus: Bus;
  cacheMax: number;
  cacheTtlMs: number;
  onRead?: (result: 'hit' | 'miss') => void;
}

/** Reads of what players have, and the one place from which changes are told, after their commit. */
export class Inventory {
  readonly #cache: InventoryCache;
  readonly #bus: Bus;

  constructor({ reader, bus, cacheMax, cacheTtlMs, onRead }: InventoryOptions) {
    this.#cache = new InventoryCache({
      load: (holders) => reader.holdings(holders),
      max: cacheMax,
      ttlMs: cacheTtlMs,
      ...(onRead && { onRead }),
    });
    this.#bus = bus;
    // Other processes' commits; our own are applied before they are told, so this finds nothing newer.
    bus.subscribe('invalidated', 'all', (changed) => {
      for (const { holder, version } of changed) this.#cache.outdate(holder, version);
    });
  }

  /** Holders whose holdings are cached. */
  get size(): number {
    return this.#cache.size;
  }

  /** What the player has, perhaps a moment ago. @throws {Refusal} UNKNOWN_PLAYER */
  get(playerId: HolderId): Promise<Holdings> {
    return this.#cache.get(playerId);
  }

  /** The same to be asked in the same turn, which costs what is asked and not what is held; at once, if it is cached. @throws {Refusal} UNKNOWN_PLAYER */
  look(playerId: HolderId): HoldingsLook | Promise<HoldingsLook> {
    return this.#cache.look(playerId);
  }

  /** The same without a query, if it is cached. */
  peek(playerId: HolderId): HoldingsLook | undefined {
    return this.#cache.peek(playerId);
  }

  /** What the player has by PostgreSQL now. A room that opens asks this, so that no stale cache is ever shown. [DS6] */
  reload(playerId: HolderId): Promise<Holdings> {
    return this.#cache.reload(playerId);
  }

  /** Tells what a committed movement changed: one delta to each touched player's room, one invalidation to all. */
  publish(deltas: readonly InventoryDelta[]): void {
    for (const delta of deltas) {
      this.#cache.apply(delta);
      this.#bus.publish('player', delta.holderId as PlayerId, { type: 'delta', delta });
    }
    this.#bus.publish('invalidated', 'all', deltas.map(({ holderId, version }) => ({ holder: holderId, version })));
  }

  /** Messages were missed: nothing that is cached is believed any more. */
  forget(): void {
    this.#cache.clear();
  }

  /** Something changed that this process cannot describe: cached entries go, and rooms read again. */
  refresh(holders: readonly HolderId[]): void {
    this.#cache.invalidate(holders);
    for (const holder of holders) this.#bus.publish('player', holder as PlayerId, { type: 'resync' });
  }
}
