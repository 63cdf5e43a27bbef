import type { TransactionId } from '../schema/ids.ts';
import { invariant } from '../schema/invariant.ts';
import { Refusal } from '../schema/refusals.ts';
import type { Lease } from './lease.ts';
import type { ShardTransaction, Statement } from './shard-transaction.ts';
import { MapChanged, type MapView } from './slot-map.ts';
import { rememberedSlot } from './slots.ts';

/** Any number, the same in every process: the first key of the advisory locks on slots. */
export const SLOT_LOCK = 7_203_452;

/** Shared by who writes a row of a slot that no holder's row stands for; a flip of the slot waits for them. */
const TAKE_SLOTS: Statement = {
  name: 'take-slots',
  text: `select pg_advisory_xact_lock_shared(${SLOT_LOCK}, slot) from (select slot from unnest($1::int[]) as s(slot) order by slot) s`,
};

/** What a writer asks each shard once it has its locks: the map's version there, whether its own process may still write, and what must not be traded. */
const CONFIRM: Statement = {
  name: 'confirm-writer',
  text: 'select version::float8 as version, exists (select from fenced where lease = $1) as fenced, (select array_agg(asset) from pause) as paused from slot_map',
};

const MAP_CHANGED = 'the map changed';
const FENCED = 'the lease was fenced';
/** The same as a statement that fails unless all is well, for who sends the commit along: the map's version as it must be, $2. */
const CONFIRM_OR_FAIL: Statement = {
  name: 'confirm-writer-or-fail',
  text: `select case when version is distinct from $2::bigint then ('${MAP_CHANGED}: ' || coalesce(version, 0))::int
    when exists (select from fenced where lease = $1) then ('${FENCED}: ' || version)::int end from (select) as one left join slot_map on true`,
};

export interface TransactionOptions {
  view?: MapView | undefined;
  lease?: Lease | undefined;
  /** How parts end that need not wait for another one: the only one commits, those that do not decide prepare. */
  firstEnds?: ReadonlyMap<ShardTransaction, string>;
}

/** The parts of one transaction, by shard number. */
export class Transaction {
  readonly id: TransactionId;
  readonly #parts: ReadonlyMap<number, ShardTransaction>;
  readonly #view: MapView | undefined;
  readonly #lease: Lease | undefined;
  readonly #confirmed = new Set<ShardTransaction>();
  readonly #paused = new Set<string>();
  readonly #firstEnds: ReadonlyMap<ShardTransaction, string>;
  #abandoned = false;

  constructor(id: TransactionId, parts: readonly ShardTransaction[], { view, lease, firstEnds = new Map() }: TransactionOptions = {}) {
    this.id = id;
    this.#firstEnds = firstEnds;
    this.#parts = new Map(parts.map((part) => [part.shard.index, part]));
    this.#view = view;
    this.#lease = lease;
  }

  /** Assets and kinds that must not be traded, by the shards that were asked. [OP3] */
  get paused(): ReadonlySet<string> {
    return this.#paused;
  }

  /** In ascending shard order, which is the lock order. */
  get parts(): ShardTransaction[] {
    return [...this.#parts.values()];
  }

  /** Nothing was written: it ends with a rollback, which costs no flush to disk and no two-phase commit. */
  abandon(): void {
    this.#abandoned = true;
  }

  get abandoned(): boolean {
    return this.#abandoned;
  }

  /**
   * All that is to be written was sent: the only part commits, and of several those prepare that do not decide, in the same round trip.
   * For work whose statements leave out by themselves, or fail by, whatever must not be committed: their answers come too late to
   * stop it. [TP9]
   */
  endBehind(): void {
    invariant(!this.#abandoned && (this.#view === undefined || this.isConfirmed), 'what ends has asked every shard whether the map holds');
    for (const [part, sql] of this.#firstEnds) part.endBehind(sql);
  }

  get isEndSent(): boolean {
    return this.parts.some((part) => part.isEndSent);
  }

  /** Where a key lives, by the map that this transaction works by. */
  get shardOf(): (key: string) => number {
    invariant(this.#view, 'a routed transaction has a map');
    return this.#view.shardOf;
  }

  on(shard: number): ShardTransaction {
    const part = this.#parts.get(shard);
    invariant(part, `shard ${shard} was not named when the transaction began`);
    return part;
  }

  /**
   * Asks a shard whether it still holds what the map says, and whether this process may still write there. It is asked after
   * the locks: a flip that comes later waits for them, and one that came before is seen. So is a fence: whoever took over
   * waits for these locks, or has them, and then this is refused. [SH3] [PL1]
   * @throws {MapChanged}
   * @throws {Refusal} BUSY when the process lost its lease: nothing happened, and another process may be asked
   */
  async confirm(part: ShardTransaction): Promise<void> {
    const view = this.#view;
    invariant(view, 'a routed transaction has a map');
    const lease = this.#lease?.id;
    const [row] = await part.query<{ version: number; fenced: boolean; paused: string[] | null }>(CONFIRM, [lease]);
    if (row?.fenced) throw this.#lostLease();
    if (row?.version !== view.versionOn(part.shard.index)) throw new MapChanged(view);
    for (const asset of row.paused ?? []) this.#paused.add(asset);
    this.#confirmed.add(part);
  }

  /**
   * The same, and the slots of these keys are kept, by statements that fail unless all is well: what is sent behind them may be
   * committed in the same round trip. Only over one shard: several are locked one after the other. [TP9] [SH3] [PL1]
   * @throws {MapChanged}
   * @throws {Refusal} as `confirm`
   */
  async takeSlotsOrFail(keys: readonly string[]): Promise<void> {
    const [part, ...others] = this.parts;
    const view = this.#view;
    invariant(part && others.length === 0 && view, 'what is confirmed in the same round trip is on one shard');
    const inOurWords = (error: unknown) => {
      const said = String((error as Error).message);
      return said.includes(MAP_CHANGED) ? new MapChanged(view) : said.includes(FENCED) ? this.#lostLease() : error;
    };
    const slots = new Set(keys.map(rememberedSlot));
    const sent = [part.query(TAKE_SLOTS, [[...slots]]), part.query(CONFIRM_OR_FAIL, [this.#lease?.id, view.versionOn(part.shard.index)], inOurWords)];
    this.#confirmed.add(part);
    await Promise.all(sent);
  }

  #lostLease(): Refusal {
    this.#lease?.lost();
    return new Refusal('BUSY', { reason: 'this process lost its lease' });
  }

  get isConfirmed(): boolean {
    return this.#confirmed.size === this.#parts.size;
  }

  /** Keeps the slots of these keys where they are, for rows that no holder's row stands for. @throws {MapChanged} */
  async takeSlots(keys: readonly string[]): Promise<void> {
    for (const part of this.parts) {
      const slots = new Set(keys.filter((key) => this.shardOf(key) === part.shard.index).map(rememberedSlot));
      if (slots.size === 0) continue;
      await Promise.all([part.query(TAKE_SLOTS, [[...slots]]), this.confirm(part)]);
    }
  }
}
