import { LRUCache } from 'lru-cache';
import type { Holdings } from '../../schema/holdings.ts';
import type { HolderId } from '../../schema/ids.ts';
import { planDelta, type InventoryDelta } from '../../schema/inventory-delta.ts';
import { Refusal } from '../../schema/refusals.ts';
import { CachedHoldings, type HoldingsLook } from './cached-holdings.ts';

export interface InventoryCacheOptions {
  /** Many holders in one query per shard; a holder that does not exist is absent from the answer. */
  load: (holders: readonly HolderId[]) => Promise<Map<HolderId, Holdings>>;
  /** Entries; the least recently used goes when it is full. */
  max: number;
  ttlMs: number;
  onRead?: (result: 'hit' | 'miss') => void;
}

/** A load under way; `heard` is the newest version heard of meanwhile: what it brings may be older than that. */
interface Flight {
  found: Promise<CachedHoldings | undefined>;
  heard: number;
}

/**
 * What holders have, kept for reading. Bounded, with a time-to-live, lazy, single-flight, and loaded in batches: all
 * that is missing in one turn of the event loop is one query per shard. A write never trusts it. [IC1] [IC2]
 */
export class InventoryCache {
  readonly #options: InventoryCacheOptions;
  readonly #entries: LRUCache<HolderId, CachedHoldings>;
  readonly #flights = new Map<HolderId, Flight>();
  #batch: { holders: HolderId[]; loaded: Promise<Map<HolderId, Holdings>> } | undefined;

  constructor(options: InventoryCacheOptions) {
    this.#options = options;
    this.#entries = new LRUCache({ max: options.max, ttl: options.ttlMs });
  }

  /** @throws {Refusal} UNKNOWN_PLAYER */
  async get(holder: HolderId): Promise<Holdings> {
    return (this.#read(holder) ?? (await this.#load(holder))).view();
  }

  /** To be asked in the same turn; at once, if it is cached. @throws {Refusal} UNKNOWN_PLAYER */
  look(holder: HolderId): HoldingsLook | Promise<HoldingsLook> {
    return this.#read(holder) ?? this.#load(holder);
  }

  /** Past the cache, and into it. @throws {Refusal} UNKNOWN_PLAYER */
  async reload(holder: HolderId): Promise<Holdings> {
    this.invalidate([holder]);
    return (await this.#load(holder)).view();
  }

  /** What is cached now, without a query. */
  peek(holder: HolderId): HoldingsLook | undefined {
    return this.#entries.peek(holder);
  }

  /** Brings an entry up to date; one that cannot follow is dropped and read again when it is wanted. */
  apply(delta: InventoryDelta): void {
    this.#hear(delta.holderId, delta.version);
    const held = this.#entries.peek(delta.holderId);
    if (held === undefined) return;
    const plan = planDelta(held.version, delta.version);
    if (plan === 'apply') held.apply(delta);
    if (plan === 'resync') this.#entries.delete(delta.holderId);
  }

  /** Another process made this version, and said no more: what is older is dropped, and not kept when it arrives. */
  outdate(holder: HolderId, version: number): void {
    this.#hear(holder, version);
    const held = this.#entries.peek(holder);
    if (held !== undefined && held.version < version) this.#entries.delete(holder);
  }

  /** Forgets many at once; loads under way are not believed either. */
  invalidate(holders: Iterable<HolderId>): void {
    for (const holder of holders) {
      this.#entries.delete(holder);
      this.#flights.delete(holder);
    }
  }

  /** Forgets everything: what was said about it may have been missed. */
  clear(): void {
    this.#entries.clear();
    this.#flights.clear();
  }

  get size(): number {
    return this.#entries.size;
  }

  #hear(holder: HolderId, version: number): void {
    const flight = this.#flights.get(holder);
    if (flight) flight.heard = Math.max(flight.heard, version);
  }

  #read(holder: HolderId): CachedHoldings | undefined {
    const held = this.#entries.get(holder);
    this.#options.onRead?.(held === undefined ? 'miss' : 'hit');
    return held;
  }

  async #load(holder: HolderId): Promise<CachedHoldings> {
    const holdings = await (this.#flights.get(holder) ?? this.#depart(holder)).found;
    if (holdings === undefined) throw new Refusal('UNKNOWN_PLAYER', { playerId: holder });
    return holdings;
  }

  #depart(holder: HolderId): Flight {
    const found = this.#joinBatch(holder).then((batch) => {
      const holdings = batch.get(holder);
      return holdings && new CachedHoldings(holdings);
    });
    const flight: Flight = { found, heard: 0 };
    this.#flights.set(holder, flight);
    const land = (found: CachedHoldings | undefined) => {
      // Invalidated meanwhile: somebody else is the current flight, or nobody, and this one is not kept.
      if (this.#flights.get(holder) !== flight) return;
      this.#flights.delete(holder);
      if (found !== undefined && found.version >= flight.heard) this.#entries.set(holder, found);
    };
    flight.found.then(land, () => land(undefined));
    return flight;
  }

  #joinBatch(holder: HolderId): Promise<Map<HolderId, Holdings>> {
    if (this.#batch === undefined) {
      const holders: HolderId[] = [];
      const loaded = new Promise<void>((resolve) => {
        setImmediate(resolve);
      }).then(() => {
        this.#batch = undefined;
        return this.#options.load(holders);
      });
      this.#batch = { holders, loaded };
    }
    this.#batch.holders.push(holder);
    return this.#batch.loaded;
  }
}
