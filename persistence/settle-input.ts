import type { HolderId, TransactionId } from '../schema/ids.ts';
import { literal, quoted } from './array-literal.ts';
import { ACT, ACT_HERE, ACT_HERE_SURE, ACT_PASSAGE_SURE, ACT_SURE, TRADE } from './settle-statements.ts';
import type { Statement } from './shard-transaction.ts';
import { holdersOf, type Movement } from './movement.ts';
import { homeOf, type CommandActor, type ItemContent, type Posting } from './posting.ts';

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
 * The part of a batch that one shard sees, as the parameters of settle-statements.ts: postings with an end here, and the
 * commands that live here. Undefined when nothing of the batch is here.
 *
 * Columns are written as PostgreSQL array literals by hand: ids and numbers need no quoting, and the driver's general
 * encoder is most of a batch's cost in this process. Names are quoted, because one may be `null`.
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
    if (experience !== undefined && here(experience.player)) input.addExperience(entry.ix, experience);
  }
  return input.isEmpty ? undefined : input;
}

/** Columns that grow row by row; the numbers beside them are the parameters that they become. */
export class SettleInput {
  readonly keys: string[] = []; // $1
  readonly #places = new Map<string, number>();
  readonly #holderIx: number[] = []; // $2
  readonly #transactions: TransactionId[] = []; // $3
  readonly #reasons: string[] = []; // $4
  readonly #postings = { ix: [] as number[], seq: [] as number[], asset: [] as string[], item: [] as string[], version: [] as number[], quantity: [] as number[], giver: [] as (number | 'NULL')[], receiver: [] as (number | 'NULL')[] }; // $5 … $12
  readonly #contents = { kind: [] as string[], attributes: [] as string[], bound: [] as boolean[], of: [] as (number | 'NULL')[] }; // $13 … $16
  readonly #commands = { ix: [] as number[], place: [] as number[], actor: [] as number[], id: [] as string[] }; // $17 … $20
  readonly #said = { hash: [] as string[], answer: [] as string[], of: [] as number[] }; // $21 … $23
  #saidLast: { hash: Buffer; answer: string } | undefined;
  /** Of the holders that are here: by how much the numbers rise that are counted. */
  readonly #counts = { moves: [] as number[], trades: [] as number[] }; // $24, $25
  readonly #experience = { ix: [] as number[], player: [] as number[], xp: [] as number[] }; // $26 … $28

  /** Whether items come into being, go out of it, or cross to another shard or from one; and how many come. */
  #passage = false;
  #coming = 0;
  #values: string[] | undefined;

  get isEmpty(): boolean {
    return this.#postings.ix.length === 0 && this.#commands.ix.length === 0;
  }

  /** The holders that are here come first of all keys. */
  addHolder(holder: HolderId, { ix, movement }: Entry): void {
    const { moves, trades } = this.#counts;
    const at = this.#placeOf(holder) - 1;
    if (at === this.#holderIx.length) this.#holderIx.push(ix);
    moves[at] = (moves[at] ?? 0) + 1;
    trades[at] = (trades[at] ?? 0) + (movement.reason === TRADE ? 1 : 0);
  }

  /** Named by the movement's place, so it stands here also for movements that are left out. */
  addTransaction({ ix, transactionId, movement }: Entry): void {
    while (this.#transactions.length < ix) {
      this.#transactions.push(transactionId);
      this.#reasons.push(quoted(movement.reason));
    }
  }

  addPosting(ix: number, seq: number, posting: Posting, giverLocal: boolean, receiverLocal: boolean): void {
    const p = this.#postings;
    const fungible = 'asset' in posting;
    // What an item is goes along only where its row is written anew.
    const withContent = !fungible && !giverLocal;
    if (!fungible && !(giverLocal && receiverLocal)) this.#passage = true;
    if (withContent) this.#coming++;
    p.ix.push(ix);
    p.seq.push(seq);
    p.asset.push(fungible ? quoted(posting.asset) : 'NULL');
    p.item.push(fungible ? 'NULL' : posting.item);
    p.version.push('version' in posting ? posting.version : 0);
    p.quantity.push(fungible ? posting.quantity : 1);
    p.giver.push('giver' in posting && posting.giver !== null ? this.#placeOf(posting.giver) : 'NULL');
    p.receiver.push(posting.receiver === null ? 'NULL' : this.#placeOf(posting.receiver));
    this.#contents.of.push(withContent ? this.#addContent('content' in posting ? posting.content : posting) : 'NULL');
  }

  addCommand(ix: number, place: number, actor: string, id: string, hash: Buffer, answer: unknown): void {
    const c = this.#commands;
    c.ix.push(ix);
    c.place.push(place);
    c.actor.push(this.#placeOf(actor));
    c.id.push(id);
    this.#said.of.push(this.#addSaid(hash, JSON.stringify(answer ?? null)));
  }

  addExperience(ix: number, { player, xp }: NonNullable<Movement['experience']>): void {
    this.#experience.ix.push(ix);
    this.#experience.player.push(this.#placeOf(player));
    this.#experience.xp.push(xp);
  }

  /** What CHECK takes. */
  get checkValues(): string[] {
    return (this.#values ??= this.#columns());
  }

  #columns(): string[] {
    const { hash, answer, of } = this.#said;
    const columns: readonly (readonly unknown[])[] = [
      this.keys, this.#holderIx, this.#transactions, this.#reasons, ...Object.values(this.#postings), ...Object.values(this.#contents), ...Object.values(this.#commands), hash, answer, of,
    ];
    return columns.map(literal);
  }

  /** The least that moves all of it that may be moved. */
  get actValues(): [Statement, string[]] {
    const values = this.#changeValues();
    return this.#passage || this.#isLearnt ? [ACT, [...values, ...this.#experienceValues()]] : [ACT_HERE, values];
  }

  /** The least that moves all of it, or fails where anything speaks against it; the writer's parameters go behind these. */
  get sureValues(): [Statement, unknown[]] {
    const values = this.#changeValues();
    if (this.#isLearnt) return [ACT_SURE, [...values, ...this.#experienceValues(), this.#coming]];
    return this.#passage ? [ACT_PASSAGE_SURE, [...values, this.#coming]] : [ACT_HERE_SURE, values];
  }

  get #isLearnt(): boolean {
    return this.#experience.ix.length > 0;
  }

  #changeValues(): string[] {
    return [...this.checkValues, ...Object.values(this.#counts).map(literal)];
  }

  #experienceValues(): string[] {
    return Object.values(this.#experience).map(literal);
  }

  #placeOf(key: string): number {
    let place = this.#places.get(key);
    if (place === undefined) {
      place = this.keys.push(key);
      this.#places.set(key, place);
    }
    return place;
  }

  #addContent({ kind, attributes, bound }: ItemContent): number {
    this.#contents.attributes.push(quoted(JSON.stringify(attributes)));
    this.#contents.bound.push(bound);
    return this.#contents.kind.push(quoted(kind));
  }

  /** Both sides of a trade ask the same and are answered the same. */
  #addSaid(hash: Buffer, answer: string): number {
    const said = this.#said;
    if (this.#saidLast?.hash === hash && this.#saidLast.answer === answer) return said.hash.length;
    this.#saidLast = { hash, answer };
    said.answer.push(quoted(answer));
    return said.hash.push(`"\\\\x${hash.toString('hex')}"`);
  }
}
