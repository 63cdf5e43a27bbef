import type { TransactionId } from '../schema/ids.ts';
import { invariant } from '../schema/invariant.ts';
import { Refusal } from '../schema/refusals.ts';
import { arrayLiteral, literal } from './array-literal.ts';
import { PausesChanged } from './database-errors.ts';
import type { Lease } from './lease.ts';
import type { ShardTransaction, Statement } from './shard-transaction.ts';
import { MapChanged, type MapView } from './slot-map.ts';
import { rememberedSlot } from './slots.ts';
import { CONFIRM, CONFIRM_OR_FAIL, FENCED, MAP_CHANGED, PAUSES_CHANGED, type Writer } from './writer-check.ts';

/** Any number, the same in every process: the first key of the advisory locks on slots. */
export const SLOT_LOCK = 7_203_452;

/** Shared by who writes a row of a slot that no holder's row stands for; a flip of the slot waits for them. */
const TAKE_SLOTS: Statement = {
  name: 'take-slots',
  text: `select pg_advisory_xact_lock_shared(${SLOT_LOCK}, slot) from (select slot from unnest($1::int[]) as s(slot) order by slot) s`,
};

/** What a process last heard of each shard, by its number: what must not be traded. */
export type HeardPauses = Map<number, readonly string[]>;

export interface TransactionOptions {
  view?: MapView | undefined;
  lease?: Lease | undefined;
  heard?: HeardPauses | undefined;
  /** How parts end that need not wait for another one: the only one commits, those that do not decide prepare. */
  firstEnds?: ReadonlyMap<ShardTransaction, string>;
}

/** What a statement must be given that asks as `confirm` does, and what its failure means. */
export interface Confirmation {
  values: Writer;
  inOurWords: (error: unknown) => unknown;
}

/** The parts of one transaction, by shard number. */
export class Transaction {
  readonly id: TransactionId;
  readonly #parts: ReadonlyMap<number, ShardTransaction>;
  readonly #view: MapView | undefined;
  readonly #lease: Lease | undefined;
  readonly #confirmed = new Set<ShardTransaction>();
  readonly #heard: HeardPauses;
  readonly #paused: Map<number, readonly string[]>;
  readonly #firstEnds: ReadonlyMap<ShardTransaction, string>;
  #abandoned = false;

  constructor(id: TransactionId, parts: readonly ShardTransaction[], { view, lease, heard = new Map(), firstEnds = new Map() }: TransactionOptions = {}) {
    this.id = id;
    this.#firstEnds = firstEnds;
    this.#parts = new Map(parts.map((part) => [part.shard.index, part]));
    this.#view = view;
    this.#lease = lease;
    this.#heard = heard;
    this.#paused = new Map([...heard].filter(([shard]) => this.#parts.has(shard)));
  }

  /** Assets and kinds that must not be traded, by the shards that were asked; of the others, by what was heard last. [OP3] */
  get paused(): ReadonlySet<string> {
    return new Set([...this.#paused.values()].flat());
  }

  /** Whether it is known of every shard what is paused there, or was when it was last heard of. */
  get hasHeardPauses(): boolean {
    return this.#paused.size === this.#parts.size;
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
    return this.#mapView().shardOf;
  }

  on(shard: number): ShardTransaction {
    const part = this.#parts.get(shard);
    invariant(part, `shard ${shard} was not named when the transaction began`);
    return part;
  }

  /**
   * Asks a shard whether it still holds what the map says, whether this process may still write there, and what is paused, once it has
   * its locks. [SH3] [PL1]
   * @throws {MapChanged}
   * @throws {Refusal} BUSY when the process lost its lease: nothing happened, and another process may be asked
   */
  async confirm(part: ShardTransaction): Promise<void> {
    const view = this.#mapView();
    const { index } = part.shard;
    const [row] = await part.query<{ version: number; fenced: boolean; paused: string[] }>(CONFIRM, [this.#lease?.id]);
    if (row?.fenced) throw this.#lostLease();
    if (row?.version !== view.versionOn(index)) throw new MapChanged(view);
    this.#hear(index, row.paused);
    this.#confirmed.add(part);
  }

  /**
   * The same question as part of a statement that is sent now, behind the locks, and fails unless all is as this transaction thinks. Where
   * something else is paused by now the work runs again, as after a lost race, and that time it has asked. [TP10]
   */
  confirmWithin(part: ShardTransaction): Confirmation {
    const { index } = part.shard;
    const paused = this.#paused.get(index) ?? [];
    this.#confirmed.add(part);
    return { values: { mapVersion: this.#mapView().versionOn(index), lease: this.#lease?.id ?? null, paused: arrayLiteral(paused) }, inOurWords: (error) => this.#inOurWords(part, error) };
  }

  /**
   * The same, and the slots of these keys are kept, by statements that fail unless all is well: what is sent behind them may be
   * committed in the same round trip. Only over one shard: several are locked one after the other. [TP9] [SH3] [PL1]
   * @throws {MapChanged}
   * @throws {Refusal} as `confirm`
   */
  async takeSlotsOrFail(keys: readonly string[]): Promise<void> {
    const [part, ...others] = this.parts;
    invariant(part && others.length === 0, 'what is confirmed in the same round trip is on one shard');
    const slots = new Set(keys.map(rememberedSlot));
    const sent = [part.query(TAKE_SLOTS, [literal([...slots])]), part.query(CONFIRM_OR_FAIL, [this.#mapView().versionOn(part.shard.index), this.#lease?.id], (error) => this.#inOurWords(part, error))];
    this.#confirmed.add(part);
    await Promise.all(sent);
  }

  #hear(shard: number, paused: readonly string[]): void {
    this.#paused.set(shard, paused);
    this.#heard.set(shard, paused);
  }

  #mapView(): MapView {
    invariant(this.#view, 'a routed transaction has a map');
    return this.#view;
  }

  /** What a statement's failure means that asks as `confirm` does. */
  #inOurWords(part: ShardTransaction, error: unknown): unknown {
    const said = String((error as Error).message);
    if (said.includes(MAP_CHANGED)) return new MapChanged(this.#mapView());
    if (said.includes(FENCED)) return this.#lostLease();
    if (!said.includes(PAUSES_CHANGED)) return error;
    this.#heard.delete(part.shard.index);
    return new PausesChanged(error);
  }

  #lostLease(): Refusal {
    this.#lease?.lost();
    return new Refusal('BUSY', { reason: 'this process lost its lease' });
  }

  isConfirmedOn(part: ShardTransaction): boolean {
    return this.#confirmed.has(part);
  }

  get isConfirmed(): boolean {
    return this.#confirmed.size === this.#parts.size;
  }

  /** Keeps the slots of these keys where they are, for rows that no holder's row stands for. @throws {MapChanged} */
  async takeSlots(keys: readonly string[]): Promise<void> {
    for (const part of this.parts) {
      const slots = new Set(keys.filter((key) => this.shardOf(key) === part.shard.index).map(rememberedSlot));
      if (slots.size === 0) continue;
      await Promise.all([part.query(TAKE_SLOTS, [literal([...slots])]), this.confirm(part)]);
    }
  }
}
