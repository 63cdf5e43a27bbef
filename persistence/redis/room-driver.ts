import { readFileSync } from 'node:fs';
import { initializeRoomCache, LocalDriver, type IRoomCache, type MatchMakerDriver, type SortOptions } from '@colyseus/core';
import type { Redis } from 'ioredis';

const ROOMS = 'strongroom:rooms';
const PLACES = 'strongroom:rooms:places';
/** How many rooms of a process that is gone leave at once. */
const REMOVED_AT_ONCE_MAX = 500;

export interface RoomDriverOptions {
  /** By room name, the field that its rooms are told apart by in `filterBy`: a query that gives it reads only the rooms with that value. */
  indexedBy: Readonly<Record<string, string>>;
  /** Whether a process is known to be gone: its rooms are listed until somebody has struck them off, and lead nobody there. */
  isGone?: (processId: string) => Promise<boolean>;
  /** Hears of what failed where the framework does not wait for the answer. */
  onFault: (error: Error) => void;
}

/** When a listing may be written: see put-room.lua. */
type When = 'new' | 'known' | 'any';
/** Of a listing's own fields, and of its metadata's. */
type Conditions = Partial<IRoomCache> & Record<string, unknown>;
type Change = Partial<{ $set: Partial<IRoomCache>; $inc: Partial<IRoomCache> }>;

interface Scripts {
  putRoom(rooms: string, places: string, bucket: string, process: string, roomId: string, listing: string, place: string, when: When): Promise<0 | 1>;
  removeRoom(rooms: string, places: string, roomId: string): Promise<0 | 1>;
  removeProcessRooms(rooms: string, places: string, process: string, countMax: number): Promise<number>;
}

/**
 * The rooms of all processes, in one Redis, so that a join reads only the rooms that it may find: of its room name, and of
 * the value that the name is indexed by. What matches, and in which order, the framework's own local driver says.
 *
 * The framework leaves `update`, `persist`, `remove` and `cleanup` un-awaited, or gives up the disposal of a room or the
 * shutdown when they reject, so these report and resolve to false; the next update of a room says everything again. What a
 * join waits for (`findOne`, `query`, `insert`, …) rejects while Redis is away, and the join with it.
 * @see docs/SPEC.md RD1..RD6
 */
export class RoomDriver implements MatchMakerDriver {
  readonly #redis: Redis & Scripts;
  readonly #indexedBy: ReadonlyMap<string, string>;
  readonly #onFault: (error: Error) => void;
  readonly #isGone: (processId: string) => Promise<boolean>;
  /** What is read in this turn, by bucket. */
  readonly #reads = new Map<string, Promise<IRoomCache[]>>();

  /** @param redis stays the caller's: `shutdown` leaves it open */
  constructor(redis: Redis, { indexedBy, isGone = async () => false, onFault }: RoomDriverOptions) {
    this.#isGone = isGone;
    this.#redis = withScripts(redis);
    this.#indexedBy = new Map(Object.entries(indexedBy));
    this.#onFault = onFault;
  }

  async has(roomId: string): Promise<boolean> {
    return (await this.#redis.hexists(ROOMS, roomId)) === 1;
  }

  async query(conditions: Conditions, sortOptions?: SortOptions): Promise<IRoomCache[]> {
    const { roomId } = conditions;
    const local = new LocalDriver();
    local.rooms = roomId === undefined ? await this.#read(this.#bucketFor(conditions)) : [...(await this.findByIds([roomId])).values()];
    return local.query(conditions, sortOptions);
  }

  async findOne(conditions: Conditions, sortOptions?: SortOptions): Promise<IRoomCache> {
    const found = await this.query(conditions, sortOptions);
    // Whoever is sent to a process that is gone waits for seconds until the framework finds that out.
    for (const room of found) if (!(await this.#isGone(room.processId))) return room;
    return undefined as unknown as IRoomCache; // the framework's type forgets that there may be none
  }

  async findByIds(roomIds: string[]): Promise<Map<string, IRoomCache>> {
    if (roomIds.length === 0) return new Map();
    const listings = await this.#redis.hmget(ROOMS, ...roomIds);
    return new Map(roomIds.flatMap((roomId, at) => (listings[at] ? [[roomId, parse(listings[at])] as const] : [])));
  }

  /** Lists a room, unless its id is taken: of any number of processes at once, one is told true. */
  async insert(room: IRoomCache): Promise<boolean> {
    return await this.#put(room, 'new');
  }

  /**
   * Lists the change of a room that is listed; one that was removed stays so.
   * @param create lists it in any case, and rejects if it cannot: that is awaited
   */
  async persist(room: IRoomCache, create = false): Promise<boolean> {
    return create ? await this.#put(room, 'any') : await this.#reported(() => this.#put(room, 'known'));
  }

  async update(room: IRoomCache, { $set, $inc }: Change): Promise<boolean> {
    Object.assign(room, $set);
    const counts = room as unknown as Record<string, number>;
    for (const [field, by] of Object.entries($inc ?? {})) counts[field] = (counts[field] ?? 0) + (by as number);
    return await this.#reported(() => this.#put(room, 'known'));
  }

  /** @param roomId of a room that lost its id to another process there is none, and nothing is removed */
  async remove(roomId: string | undefined): Promise<boolean> {
    if (roomId === undefined) return false;
    return await this.#reported(async () => (await this.#redis.removeRoom(ROOMS, PLACES, roomId)) === 1);
  }

  async cleanup(processId: string): Promise<void> {
    await this.#reported(async () => {
      while ((await this.#redis.removeProcessRooms(ROOMS, PLACES, keyOfProcess(processId), REMOVED_AT_ONCE_MAX)) === REMOVED_AT_ONCE_MAX);
      return true;
    });
  }

  /** For tests. */
  async clear(): Promise<void> {
    const places = (await this.#redis.hvals(PLACES)).flatMap((place) => JSON.parse(place) as string[]);
    await this.#redis.del(ROOMS, PLACES, ...new Set(places));
  }

  shutdown(): void {}

  async #put(room: IRoomCache, when: When): Promise<boolean> {
    if (room.roomId === undefined) return false;
    const [bucket, process] = [this.#bucketOf(room), keyOfProcess(room.processId)];
    return (await this.#redis.putRoom(ROOMS, PLACES, bucket, process, room.roomId, JSON.stringify(room), JSON.stringify([bucket, process]), when)) === 1;
  }

  /** Where a room is listed besides among all. */
  #bucketOf(room: IRoomCache): string {
    const field = this.#indexedBy.get(room.name);
    return bucketKey(room.name, field === undefined ? undefined : valueOf(room, field));
  }

  /** Where all rooms are that can meet the conditions. */
  #bucketFor(conditions: Conditions): string {
    const { name } = conditions;
    if (name === undefined) return ROOMS;
    const field = this.#indexedBy.get(name);
    if (field === undefined) return bucketKey(name, undefined);
    const value = conditions[field];
    return isIndexable(value) ? bucketKey(name, value) : ROOMS;
  }

  /** Oldest first, as the local driver has them. Who asks for the same in the same turn shares the answer. */
  #read(bucket: string): Promise<IRoomCache[]> {
    const shared = this.#reads.get(bucket);
    if (shared !== undefined) return shared;
    const read = this.#redis.hvals(bucket).then((listings) => listings.map(parse).sort((a, b) => Number(a.createdAt) - Number(b.createdAt)));
    this.#reads.set(bucket, read);
    setImmediate(() => this.#reads.delete(bucket));
    return read;
  }

  async #reported(work: () => Promise<boolean>): Promise<boolean> {
    try {
      return await work();
    } catch (error) {
      this.#onFault(error as Error);
      return false;
    }
  }
}

const keyOfProcess = (processId: string): string => `strongroom:rooms:of:${processId}`;

/** Names and values that look alike may share one: what matches is looked at in any case. */
function bucketKey(name: string, value: unknown): string {
  return `strongroom:rooms:in:${name}${isIndexable(value) ? `:${value}` : ''}`;
}

/** What a condition can equal: of anything else, as `===` has it, no two are the same. */
const isIndexable = (value: unknown): value is string | number | boolean => ['string', 'number', 'boolean'].includes(typeof value);

/** As the framework's filter looks it up. */
function valueOf(room: IRoomCache, field: string): unknown {
  const fields = Object.hasOwn(room, field) ? room : (room.metadata as unknown);
  return (fields as Record<string, unknown> | undefined)?.[field];
}

/** JSON knows no Infinity and no Date. */
function parse(listing: string): IRoomCache {
  const room = JSON.parse(listing) as IRoomCache;
  return initializeRoomCache({ ...room, maxClients: room.maxClients ?? Infinity, ...(room.createdAt && { createdAt: new Date(room.createdAt) }) });
}

function withScripts(redis: Redis): Redis & Scripts {
  const scripts = { putRoom: ['put-room.lua', 4], removeRoom: ['remove-room.lua', 2], removeProcessRooms: ['remove-process-rooms.lua', 3] } as const;
  for (const [name, [file, numberOfKeys]] of Object.entries(scripts)) {
    redis.defineCommand(name, { numberOfKeys, lua: readFileSync(new URL(file, import.meta.url), 'utf8') });
  }
  return redis as Redis & Scripts;
}
