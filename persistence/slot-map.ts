import { setTimeout as delay } from 'node:timers/promises';
import { Refusal } from '../schema/refusals.ts';
import { inGroups } from './group-read.ts';
import type { Shard } from './shard.ts';
import { rememberedSlot, SLOT_COUNT } from './slots.ts';

/** A flip is two commits; if its coordinator died between them, a resolver needs a second or two. */
const REFRESH_MAX_MS = 10_000;
const REFRESH_AGAIN_MS = 10;

/** The version at which what a shard holds last changed. [SH3] */
const MAP_VERSION = { name: 'slot-map-version', text: 'select version::float8 as version from slot_map' };

/** Everybody asks for the same: who looks for what is nowhere asks this of every shard where it is not. */
const versionOn = inGroups<'version', number>(async ({ pool }) => (await pool.query<{ version: number }>(MAP_VERSION)).rows.map(({ version }) => ['version', version]));

/** One state of the map, which does not change while somebody works by it. */
export interface MapView {
  shardOf(key: string): number;
  /** The shard's own version in this state; NaN when it has not been read. */
  versionOn(shard: number): number;
}

/** What one shard says: its version, and where it thinks the slots are, as `[slot, shard, epoch]`. */
export interface ShardMap {
  shard: number;
  version: number;
  slots: readonly (readonly [slot: number, shard: number, epoch: number])[];
}

/** Thrown where a shard's map is not the one that was worked by: nothing was written, and it is read again. */
export class MapChanged extends Error {
  readonly seen: MapView;

  constructor(seen: MapView) {
    super('the slot map changed');
    this.name = 'MapChanged';
    this.seen = seen;
  }
}

/** @returns undefined for a shard that was never given a map */
export async function readShardMap(shard: Shard): Promise<ShardMap | undefined> {
  const { rows } = await shard.pool.query<{ version: number; slots: ShardMap['slots'] }>({
    name: 'read-slot-map',
    text: 'select version::float8 as version, (select json_agg(json_build_array(slot, shard, epoch)) from slot) as slots from slot_map',
  });
  const [row] = rows;
  return row && { shard: shard.index, version: row.version, slots: row.slots };
}

/**
 * Of each slot the newest that any shard says, and whether the shard that holds it says so too: between the two commits of a
 * flip it does not yet. Pure.
 */
export function mergeMaps(maps: readonly ShardMap[]): { owners: Int16Array; epochs: Float64Array; settled: boolean } {
  const owners = new Int16Array(SLOT_COUNT).fill(-1);
  const epochs = new Float64Array(SLOT_COUNT);
  for (const { slots } of maps) {
    for (const [slot, shard, epoch] of slots) {
      if (epoch <= (epochs[slot] ?? 0)) continue;
      owners[slot] = shard;
      epochs[slot] = epoch;
    }
  }
  const settled = maps.every(({ shard, slots }) => slots.every(([slot, , epoch]) => owners[slot] !== shard || epochs[slot] === epoch));
  return { owners, epochs, settled };
}

export interface SlotMapOptions {
  shards: Shard[];
  /** Connects to a shard that the map names and that was not there at the start, and adds it to the shards. */
  join: (shard: number) => Promise<void>;
}

/** Which shard holds a slot, as this process knows it. A stale one is harmless: the database refuses what is done by it. */
export class SlotMap {
  readonly #shards: Shard[];
  readonly #join: SlotMapOptions['join'];
  #view: MapView = viewOf(new Int16Array(SLOT_COUNT).fill(-1), new Map());
  #versions = new Map<number, number>();
  #loading: Promise<boolean> | undefined;
  #next: Promise<boolean> | undefined;

  private constructor({ shards, join }: SlotMapOptions) {
    this.#shards = shards;
    this.#join = join;
  }

  static async open(options: SlotMapOptions): Promise<SlotMap> {
    const map = new SlotMap(options);
    await map.refresh(map.view);
    return map;
  }

  get view(): MapView {
    return this.#view;
  }

  /** Whether these shards hold now what they held in that state. */
  async isCurrent(view: MapView, shards: readonly number[]): Promise<boolean> {
    const answers = await Promise.all(shards.map(async (number) => await versionOn(this.#shards[number] as Shard, ['version'])));
    return answers.every(([row], at) => row?.[1] === view.versionOn(shards[at] as number));
  }

  /** Looks whether any shard that answers has changed, and then reads the map once: for work over all shards, which nothing routes. */
  async keepUp(): Promise<void> {
    const view = this.#view;
    const current = await Promise.allSettled(this.#shards.map(async ({ index }) => await this.isCurrent(view, [index])));
    if (current.some((result) => result.status === 'fulfilled' && !result.value)) await this.#load();
  }

  /**
   * Reads the map until it is another than the one that was found wanting, and no flip is half done.
   * @throws {Refusal} BUSY when that takes too long
   */
  async refresh(seen: MapView): Promise<MapView> {
    const deadline = Date.now() + REFRESH_MAX_MS;
    // Somebody may have read it since.
    while (this.#view === seen) {
      if (await this.#load()) return this.#view;
      if (Date.now() > deadline) throw new Refusal('BUSY', { reason: 'slots are being moved' });
      await delay(REFRESH_AGAIN_MS);
    }
    return this.#view;
  }

  /** Whoever comes while it is being read waits for the reading after that one: his reason may be younger. */
  #load(): Promise<boolean> {
    if (this.#loading === undefined) return (this.#loading = this.#loadOnce().finally(() => (this.#loading = undefined)));
    this.#next ??= this.#loading.catch(() => false).then(() => {
      this.#next = undefined;
      return this.#load();
    });
    return this.#next;
  }

  async #loadOnce(): Promise<boolean> {
    const read = await Promise.allSettled(this.#shards.map(readShardMap));
    // A shard that is away says nothing: the others know what it held.
    const maps = read.flatMap((result) => (result.status === 'fulfilled' && result.value !== undefined ? [result.value] : []));
    if (maps.length === 0) throw (read.find((result) => result.status === 'rejected') as PromiseRejectedResult | undefined)?.reason ?? new Error('no shard has a slot map');
    const { owners, settled } = mergeMaps(maps);
    const known = this.#shards.length;
    for (let shard = known; shard <= Math.max(...owners); shard++) await this.#join(shard);
    if (!settled || this.#shards.length > known) return false;
    for (const { shard, version } of maps) this.#versions.set(shard, version);
    this.#view = viewOf(owners, new Map(this.#versions));
    return true;
  }
}

function viewOf(owners: Int16Array, versions: ReadonlyMap<number, number>): MapView {
  const [first = -1] = owners;
  // Where there is one shard, no key is hashed: it costs a settlement more than what it is for.
  const isOne = owners.every((owner) => owner === first);
  return {
    shardOf: isOne ? () => first : (key) => owners[rememberedSlot(key)] as number,
    versionOn: (shard) => versions.get(shard) ?? Number.NaN,
  };
}
