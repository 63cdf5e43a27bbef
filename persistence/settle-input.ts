import type { HolderId, ItemId, TransactionId } from '../schema/ids.ts';
import { QUANTITY_MAX } from '../schema/quantities.ts';
import { quoted, quotedJson } from './array-literal.ts';
import { holdersOf, type Movement } from './movement.ts';
import { homeOf, type CommandActor, type ItemContent, type Posting } from './posting.ts';
import { encoded, type BatchStatement, type SettleRow } from './settle-columns.ts';
import { ACT, ACT_HERE, GATHER, TRADE } from './settle-statements.ts';
import { ANSWERED, readPlace, sureStatement } from './settle-sure.ts';
import type { Writer } from './writer-check.ts';

/** A movement with its place in the batch, from 1, and the ledger's name for it. */
export interface Entry {
  ix: number;
  movement: Movement;
  transactionId: TransactionId;
  /** What its commands will be answered, in their order. */
  answers: readonly unknown[];
  /** Where its holders' rows were not seen: the epochs that they must have. */
  epochs?: ReadonlyMap<HolderId, number>;
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
  const locals = entries.map((entry) => {
    const local = holdersOf(entry.movement).filter(here);
    for (const holder of local) input.addHolder(holder, entry);
    return local;
  });
  for (const [at, entry] of entries.entries()) {
    // Who is here is looked up once: the same few are named again and again.
    const local = locals[at] as readonly HolderId[];
    input.addTransaction(entry);
    for (const [seq, posting] of entry.movement.postings.entries()) {
      const giverLocal = 'giver' in posting && posting.giver !== null && local.includes(posting.giver);
      const receiverLocal = posting.receiver !== null && local.includes(posting.receiver);
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

/** The columns of settle-columns.ts, but for those of the writer. */
const emptyColumns = () => ({
  keys: [] as string[], holderIx: [] as number[], moves: [] as number[], trades: [] as number[], epochs: [] as number[],
  transactions: [] as TransactionId[], reason: [] as number[], reasons: [] as string[],
  assets: [] as string[], items: [] as ItemId[],
  ix: [] as number[], seq: [] as number[], asset: [] as number[], item: [] as number[], version: [] as number[], quantity: [] as number[], giver: [] as number[], receiver: [] as number[],
  stays: [] as number[], goes: [] as number[], comes: [] as number[], kinds: [] as string[], attributes: [] as string[], bounds: [] as boolean[],
  debitHolder: [] as number[], debitAsset: [] as number[], spent: [] as number[], change: [] as number[], rise: [] as number[], creditHolder: [] as number[], creditAsset: [] as number[], credit: [] as number[],
  commandIx: [] as number[], place: [] as number[], actor: [] as number[], commandId: [] as string[], hash: [] as number[], hashes: [] as Buffer[], answer: [] as number[], answers: [] as string[],
  earnedIx: [] as number[], earner: [] as number[], xp: [] as number[], gathered: [] as number[],
});

/**
 * A batch's columns, which grow row by row. They are encoded by hand: the driver's general encoder is most of a batch's cost in this
 * process. Names are quoted, because one may be `null`.
 */
export class SettleInput {
  readonly #columns = emptyColumns();
  readonly #places = new Map<string, number>();
  readonly #assets = new Map<string, number>();
  readonly #assetNames: string[] = [];
  readonly #nets = new Map<number, Net>();
  #lastReason: string | undefined;
  #lastHash: Buffer | undefined;
  #lastAnswer: { value: unknown; text: string } | undefined;

  get isEmpty(): boolean {
    return this.#columns.ix.length === 0 && this.#columns.commandIx.length === 0;
  }

  /** The holders that are here come first of all keys. */
  addHolder(holder: HolderId, { ix, movement, epochs: foreseen }: Entry): void {
    const { holderIx, moves, trades, epochs } = this.#columns;
    const at = this.#placeOf(holder) - 1;
    if (at === holderIx.length) {
      holderIx.push(ix);
      if (foreseen !== undefined) epochs.push(foreseen.get(holder) ?? Number.NaN);
    }
    moves[at] = (moves[at] ?? 0) + 1;
    trades[at] = (trades[at] ?? 0) + (movement.reason === TRADE ? 1 : 0);
  }

  /** Named by the movement's place, so it stands here also for movements that are left out. */
  addTransaction({ ix, transactionId, movement }: Entry): void {
    const { transactions, reason, reasons } = this.#columns;
    if (movement.reason !== this.#lastReason) reasons.push(quoted(movement.reason));
    this.#lastReason = movement.reason;
    while (transactions.length < ix) {
      transactions.push(transactionId);
      reason.push(reasons.length);
    }
  }

  addPosting(ix: number, seq: number, posting: Posting, giverLocal: boolean, receiverLocal: boolean): void {
    const c = this.#columns;
    const giver = 'giver' in posting && posting.giver !== null ? this.#placeOf(posting.giver) : 0;
    const receiver = posting.receiver === null ? 0 : this.#placeOf(posting.receiver);
    const row = c.ix.push(ix);
    c.seq.push(seq);
    c.giver.push(giver);
    c.receiver.push(receiver);
    if ('asset' in posting) {
      const asset = this.#assetOf(posting.asset);
      c.asset.push(asset);
      c.item.push(0);
      c.version.push(0);
      c.quantity.push(posting.quantity);
      if (giverLocal) this.#count(ix, giver, asset, posting.quantity, 0);
      if (receiverLocal) this.#count(ix, receiver, asset, 0, posting.quantity);
      return;
    }
    c.asset.push(0);
    c.item.push(c.items.push(posting.item));
    c.version.push('version' in posting ? posting.version : 0);
    c.quantity.push(1);
    if (giverLocal) (receiverLocal ? c.stays : c.goes).push(row);
    else {
      // What an item is goes along only where its row is written anew.
      c.comes.push(row);
      this.#addContent('content' in posting ? posting.content : posting);
    }
  }

  addCommand(ix: number, place: number, actor: string, id: string, hash: Buffer, answer: unknown): void {
    const c = this.#columns;
    c.commandIx.push(ix);
    c.place.push(place);
    c.actor.push(this.#placeOf(actor));
    c.commandId.push(id);
    c.hash.push(this.#addHash(hash));
    c.answer.push(this.#addAnswer(answer ?? null));
  }

  addExperience({ ix, movement: { reason, postings } }: Entry, { player, xp }: NonNullable<Movement['experience']>): void {
    const c = this.#columns;
    c.earnedIx.push(ix);
    c.earner.push(this.#placeOf(player));
    c.xp.push(xp);
    c.gathered.push(reason === GATHER ? postings.reduce((sum, posting) => sum + ('asset' in posting ? posting.quantity : 0), 0) : 0);
  }

  /** The least that moves all of it that may be moved. */
  get choosy(): BatchStatement {
    const { goes, comes, xp } = this.#columns;
    return goes.length + comes.length + xp.length > 0 ? ACT : ACT_HERE;
  }

  /** The least that moves all of it, or fails where anything speaks against it. @param copies whether items that come may meet copies of themselves, and go over them */
  sure({ copies }: { copies: boolean }): BatchStatement {
    this.#writeBalances();
    const { stays, goes, comes, debitHolder, creditHolder, epochs, xp } = this.#columns;
    return sureStatement({
      stays: stays.length > 0, goes: goes.length > 0, comes: comes.length > 0, copies: copies && comes.length > 0,
      debits: debitHolder.length > 0, credits: creditHolder.length > 0, foreseen: epochs.length > 0, experience: xp.length > 0,
    });
  }

  /** The parameters of a statement, in its order. */
  valuesFor({ columns }: BatchStatement, writer?: Writer): unknown[] {
    return columns.map((column) => (column === 'mapVersion' || column === 'lease' || column === 'paused' ? writer?.[column] : encoded(column, this.#columns[column])));
  }

  /**
   * What a sure statement answers by places, by names: one row for each holder and asset, as other statements answer.
   * @param onVersion is told of each holder whose row was not seen
   */
  named(rows: readonly SettleRow[], onVersion?: (holder: HolderId, version: number) => void): SettleRow[] {
    const { keys, credit, creditHolder, creditAsset, debitHolder, debitAsset } = this.#columns;
    const changes: SettleRow[] = [];
    const change = (holder: number | undefined, asset: number | undefined, n: number) => changes.push({ ix: null, holder: keys[(holder ?? 0) - 1] ?? null, key: this.#assetNames[(asset ?? 0) - 1] ?? null, n, doc: null });
    for (const row of rows) {
      if (row.holder !== null) {
        changes.push(row);
        continue;
      }
      const [places, numbers] = row.doc as [number[] | null, number[]];
      // Who had nothing of it before has what came, and is not answered.
      const credited = [...credit];
      for (const [at, place] of (places ?? []).entries()) {
        const [{ what, at: index }, number] = [readPlace(place), numbers[at] as number];
        if (what === ANSWERED.version) onVersion?.(keys[index] as HolderId, number);
        else if (what === ANSWERED.debit) change(debitHolder[index], debitAsset[index], number);
        else if (what === ANSWERED.credit) credited[index] = number;
      }
      for (const [index, quantity] of credited.entries()) change(creditHolder[index], creditAsset[index], quantity);
    }
    return changes;
  }

  #writeBalances(): void {
    const c = this.#columns;
    for (const { holder, asset, isShared, spent: spentInAll, got: gotInAll } of this.#nets.values()) {
      const spent = Math.min(spentInAll, TOO_MUCH);
      const got = Math.min(gotInAll, TOO_MUCH);
      if (spent === 0) {
        c.creditHolder.push(holder);
        c.creditAsset.push(asset);
        c.credit.push(got);
        continue;
      }
      c.debitHolder.push(holder);
      c.debitAsset.push(asset);
      c.spent.push(spent);
      c.change.push(got - spent);
      // Within one movement nobody holds what was got before what is spent is gone.
      c.rise.push(isShared ? got : 0);
    }
    this.#nets.clear();
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
      place = this.#columns.keys.push(key);
      this.#places.set(key, place);
    }
    return place;
  }

  #assetOf(asset: string): number {
    let place = this.#assets.get(asset);
    if (place === undefined) {
      place = this.#columns.assets.push(quoted(asset));
      this.#assetNames.push(asset);
      this.#assets.set(asset, place);
    }
    return place;
  }

  #addContent({ kind, attributes, bound }: ItemContent): void {
    const c = this.#columns;
    c.kinds.push(quoted(kind));
    c.attributes.push(quotedJson(JSON.stringify(attributes)));
    c.bounds.push(bound);
  }

  /** Both sides of a trade ask the same, and many of a guild. */
  #addHash(hash: Buffer): number {
    const { hashes } = this.#columns;
    if (hash === this.#lastHash || this.#lastHash?.equals(hash)) return hashes.length;
    this.#lastHash = hash;
    return hashes.push(hash);
  }

  /** Most are answered the same. */
  #addAnswer(value: unknown): number {
    const { answers } = this.#columns;
    if (this.#lastAnswer !== undefined && value === this.#lastAnswer.value) return answers.length;
    const text = JSON.stringify(value);
    const isSame = text === this.#lastAnswer?.text;
    this.#lastAnswer = { value, text };
    return isSame ? answers.length : answers.push(quotedJson(text));
  }
}
