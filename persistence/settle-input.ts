import type { HolderId, ItemId, TransactionId } from '../schema/ids.ts';
import { QUANTITY_MAX } from '../schema/quantities.ts';
import { literal, quoted } from './array-literal.ts';
import { holdersOf, type Movement } from './movement.ts';
import { homeOf, type CommandActor, type ItemContent, type Posting } from './posting.ts';
import type { BatchStatement, Column } from './settle-columns.ts';
import { ACT, ACT_HERE, GATHER, TRADE } from './settle-statements.ts';
import { sureStatement } from './settle-sure.ts';

/** A movement with its place in the batch, from 1, and the ledger's name for it. */
export interface Entry {
  ix: number;
  movement: Movement;
  transactionId: TransactionId;
  /** What its commands will be answered, in their order. */
  answers: readonly unknown[];
}

/** Where a movement's parts are, as one shard sees it. */
export interface Locality {
  here: (key: string) => boolean;
  commandHere: (actor: CommandActor, id: string) => boolean;
}

export type ShardOf = (key: string) => number;

export function localityOf(shard: number, shardOf: ShardOf): Locality {
  return { here: (key) => shardOf(key) === shard, commandHere: (actor, id) => shardOf(homeOf(actor, id)) === shard };
}

/**
 * The part of a batch that one shard sees: postings with an end here, and the commands that live here. Undefined when nothing of the batch is here.
 */
export function inputFor(entries: readonly Entry[], { here, commandHere }: Locality): SettleInput | undefined {
  const input = new SettleInput();
  for (const entry of entries) for (const holder of holdersOf(entry.movement)) if (here(holder)) input.addHolder(holder, entry);
  for (const entry of entries) {
    input.addTransaction(entry);
    for (const [seq, posting] of entry.movement.postings.entries()) {
      const giverLocal = 'giver' in posting && posting.giver !== null && here(posting.giver);
      const receiverLocal = posting.receiver !== null && here(posting.receiver);
      if (giverLocal || receiverLocal) input.addPosting(entry.ix, seq, posting, giverLocal, receiverLocal);
    }
    for (const [place, { actor, id, hash }] of entry.movement.commands.entries()) {
      if (commandHere(actor, id)) input.addCommand(entry.ix, place, actor, id, hash, entry.answers[place]);
    }
    const { experience } = entry.movement;
    if (experience !== undefined && here(experience.player)) input.addExperience(entry, experience);
  }
  return input.isEmpty ? undefined : input;
}

/** What a holder who is here spends and gets of an asset, by the holder's and the asset's places. */
interface Net {
  holder: number;
  asset: number;
  /** Its first movement, and whether there is another. */
  ix: number;
  isShared: boolean;
  spent: number;
  got: number;
}

/** Beyond what anybody may hold: it is known to be too much, and no longer how much. */
const TOO_MUCH = QUANTITY_MAX + 1;
/** More places than a batch has assets. */
const ASSETS_MAX = 2 ** 20;

/**
 * The columns of a batch (settle-columns.ts), which grow row by row.
 *
 * They are written as PostgreSQL array literals by hand: ids and numbers need no quoting, and the driver's general
 * encoder is most of a batch's cost in this process. Names are quoted, because one may be `null`.
 */
export class SettleInput {
  readonly #places = new Map<string, number>();
  readonly #assets = new Map<string, number>();
  readonly #keys: string[] = [];
  readonly #holders = { holderIx: [] as number[], moves: [] as number[], trades: [] as number[] };
  readonly #movements = { transactions: [] as TransactionId[], reasons: [] as string[] };
  readonly #items: ItemId[] = [];
  readonly #postings = { ix: [] as number[], seq: [] as number[], asset: [] as number[], item: [] as number[], version: [] as number[], quantity: [] as number[], giver: [] as number[], receiver: [] as number[] };
  readonly #passages = { stays: [] as number[], goes: [] as number[], comes: [] as number[] };
  readonly #contents = { kinds: [] as string[], attributes: [] as string[], bounds: [] as boolean[] };
  readonly #nets = new Map<number, Net>();
  readonly #commands = { commandIx: [] as number[], place: [] as number[], actor: [] as number[], commandId: [] as string[], said: [] as number[] };
  readonly #said = { hashes: [] as string[], answers: [] as string[] };
  #saidLast: { hash: Buffer; answer: string } | undefined;
  readonly #experience = { earnedIx: [] as number[], earner: [] as number[], xp: [] as number[], gathered: [] as number[] };
  readonly #literals = new Map<Column, string>();
  #columns: Partial<Record<Column, readonly unknown[]>> | undefined;

  get isEmpty(): boolean {
    return this.#postings.ix.length === 0 && this.#commands.commandIx.length === 0;
  }

  /** The holders that are here come first of all keys. */
  addHolder(holder: HolderId, { ix, movement }: Entry): void {
    const { holderIx, moves, trades } = this.#holders;
    const at = this.#placeOf(holder) - 1;
    if (at === holderIx.length) holderIx.push(ix);
    moves[at] = (moves[at] ?? 0) + 1;
    trades[at] = (trades[at] ?? 0) + (movement.reason === TRADE ? 1 : 0);
  }

  /** Named by the movement's place, so it stands here also for movements that are left out. */
  addTransaction({ ix, transactionId, movement }: Entry): void {
    const { transactions, reasons } = this.#movements;
    while (transactions.length < ix) {
      transactions.push(transactionId);
      reasons.push(quoted(movement.reason));
    }
  }

  addPosting(ix: number, seq: number, posting: Posting, giverLocal: boolean, receiverLocal: boolean): void {
    const p = this.#postings;
    const giver = 'giver' in posting && posting.giver !== null ? this.#placeOf(posting.giver) : 0;
    const receiver = posting.receiver === null ? 0 : this.#placeOf(posting.receiver);
    const row = p.ix.push(ix);
    p.seq.push(seq);
    p.giver.push(giver);
    p.receiver.push(receiver);
    if ('asset' in posting) {
      const asset = this.#assetOf(posting.asset);
      p.asset.push(asset);
      p.item.push(0);
      p.version.push(0);
      p.quantity.push(posting.quantity);
      if (giverLocal) this.#count(ix, giver, asset, posting.quantity, 0);
      if (receiverLocal) this.#count(ix, receiver, asset, 0, posting.quantity);
      return;
    }
    p.asset.push(0);
    p.item.push(this.#items.push(posting.item));
    p.version.push('version' in posting ? posting.version : 0);
    p.quantity.push(1);
    const { stays, goes, comes } = this.#passages;
    if (giverLocal) (receiverLocal ? stays : goes).push(row);
    else {
      // What an item is goes along only where its row is written anew.
      comes.push(row);
      this.#addContent('content' in posting ? posting.content : posting);
    }
  }

  addCommand(ix: number, place: number, actor: string, id: string, hash: Buffer, answer: unknown): void {
    const c = this.#commands;
    c.commandIx.push(ix);
    c.place.push(place);
    c.actor.push(this.#placeOf(actor));
    c.commandId.push(id);
    c.said.push(this.#addSaid(hash, JSON.stringify(answer ?? null)));
  }

  addExperience({ ix, movement: { reason, postings } }: Entry, { player, xp }: NonNullable<Movement['experience']>): void {
    const e = this.#experience;
    e.earnedIx.push(ix);
    e.earner.push(this.#placeOf(player));
    e.xp.push(xp);
    e.gathered.push(reason === GATHER ? postings.reduce((sum, posting) => sum + ('asset' in posting ? posting.quantity : 0), 0) : 0);
  }

  /** The least that moves all of it that may be moved. */
  get choosy(): BatchStatement {
    const { goes, comes } = this.#passages;
    return goes.length + comes.length + this.#experience.xp.length > 0 ? ACT : ACT_HERE;
  }

  /** The least that moves all of it, or fails where anything speaks against it. @param copies whether items that come may meet copies of themselves, and go over them */
  sure({ copies }: { copies: boolean }): BatchStatement {
    const { stays, goes, comes } = this.#passages;
    const { debitHolder = [], creditHolder = [] } = this.#allColumns();
    return sureStatement({
      stays: stays.length > 0, goes: goes.length > 0, comes: comes.length > 0, copies: copies && comes.length > 0,
      debits: debitHolder.length > 0, credits: creditHolder.length > 0, experience: this.#experience.xp.length > 0,
    });
  }

  /** The parameters of a statement, but for those of its writer. */
  valuesFor({ columns }: BatchStatement): (string | undefined)[] {
    const all = this.#allColumns();
    return columns.map((column) => {
      const rows = all[column];
      if (rows === undefined) return undefined;
      let written = this.#literals.get(column);
      if (written === undefined) {
        written = literal(rows);
        this.#literals.set(column, written);
      }
      return written;
    });
  }

  #allColumns(): Partial<Record<Column, readonly unknown[]>> {
    return (this.#columns ??= {
      keys: this.#keys, assets: [...this.#assets.keys()].map(quoted), items: this.#items,
      ...this.#holders, ...this.#movements, ...this.#postings, ...this.#passages, ...this.#contents, ...this.#balances(), ...this.#commands, ...this.#said, ...this.#experience,
    });
  }

  #balances(): Partial<Record<Column, number[]>> {
    const debits = { debitHolder: [] as number[], debitAsset: [] as number[], spent: [] as number[], change: [] as number[], rise: [] as number[] };
    const credits = { creditHolder: [] as number[], creditAsset: [] as number[], credit: [] as number[] };
    for (const { holder, asset, isShared, ...net } of this.#nets.values()) {
      const [spent, got] = [Math.min(net.spent, TOO_MUCH), Math.min(net.got, TOO_MUCH)];
      if (spent === 0) {
        credits.creditHolder.push(holder);
        credits.creditAsset.push(asset);
        credits.credit.push(got);
        continue;
      }
      debits.debitHolder.push(holder);
      debits.debitAsset.push(asset);
      debits.spent.push(spent);
      debits.change.push(got - spent);
      // Within one movement nobody holds what was got before what is spent is gone.
      debits.rise.push(isShared ? got : 0);
    }
    return { ...debits, ...credits };
  }

  #count(ix: number, holder: number, asset: number, spent: number, got: number): void {
    const key = holder * ASSETS_MAX + asset;
    const net = this.#nets.get(key);
    if (net === undefined) {
      this.#nets.set(key, { holder, asset, ix, isShared: false, spent, got });
      return;
    }
    net.spent += spent;
    net.got += got;
    net.isShared ||= net.ix !== ix;
  }

  #placeOf(key: string): number {
    let place = this.#places.get(key);
    if (place === undefined) {
      place = this.#keys.push(key);
      this.#places.set(key, place);
    }
    return place;
  }

  #assetOf(asset: string): number {
    let place = this.#assets.get(asset);
    if (place === undefined) {
      place = this.#assets.size + 1;
      this.#assets.set(asset, place);
    }
    return place;
  }

  #addContent({ kind, attributes, bound }: ItemContent): void {
    this.#contents.kinds.push(quoted(kind));
    this.#contents.attributes.push(quoted(JSON.stringify(attributes)));
    this.#contents.bounds.push(bound);
  }

  /** Both sides of a trade ask the same and are answered the same. */
  #addSaid(hash: Buffer, answer: string): number {
    const said = this.#said;
    if (this.#saidLast?.hash === hash && this.#saidLast.answer === answer) return said.hashes.length;
    this.#saidLast = { hash, answer };
    said.answers.push(quoted(answer));
    return said.hashes.push(`"\\\\x${hash.toString('hex')}"`);
  }
}
