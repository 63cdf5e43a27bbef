import type { HolderId, ItemId, TransactionId } from '../schema/ids.ts';
import { invariant } from '../schema/invariant.ts';
import { isConstraintViolation, isRefusedRow } from './database-errors.ts';
import { once, type ReachFaultPoint } from './fault-points.ts';
import { FlushReading } from './guilds/read-flush.ts';
import { writeFlushes, type DecidedFlush } from './guilds/write-flush.ts';
import { holdersOf, type Movement, type MovementOutcome } from './movement.ts';
import { homeOf } from './posting.ts';
import { newId } from './new-id.ts';
import type { Transact } from './routed-transact.ts';
import type { SettleRow } from './settle-columns.ts';
import { inputFor, localityOf, type Entry, type SettleInput } from './settle-input.ts';
import { collectOutcomes, denyAll, type Denials, type HolderRow } from './settle-outcomes.ts';
import { decideForeseen, settleForeseen } from './settle-foreseen.ts';
import { LockedElsewhere, lockHolders } from './settle-locks.ts';
import { CHECK, RECALL } from './settle-statements.ts';
import type { ShardTransaction } from './shard-transaction.ts';
import type { Transaction } from './transaction.ts';

const OVERFLOW: MovementOutcome = { status: 'refused', code: 'BAD_REQUEST', details: { reason: 'the receiver would hold more than 2^53 - 1' } };

/** So many batches are taken care of after one that had better been, over several shards or on one. */
const CAREFUL_BATCHES = { crossing: 16, here: 2 };

/** So many batches over several shards wait for their locks in order, after one that could not have them at once. */
const ORDERLY_BATCHES = 16;

/** How a batch goes about those who may have to be denied, and about others who lock what it wants. */
interface Care {
  kind: keyof typeof CAREFUL_BATCHES;
  /** Each shard is asked who they are, or the only one leaves them out; otherwise all of it fails if there are any. */
  isCareful: boolean;
  /** It acted without that. */
  hasHoped: boolean;
  /** What is foreseen is believed, and whether it was of guilds. [GA6] [TP11] */
  foresees: boolean;
  hasForeseenGuilds: boolean;
  /** Shards are locked one after the other, and waited for. */
  isOrderly: boolean;
}

export interface SettleDeps {
  transact: Transact;
  reach: ReachFaultPoint;
  /** Whether batches may be sent off before their locks are had; otherwise there is always a moment in between, for a fault point. */
  foresees?: boolean | undefined;
}

/** Writes movements of value: the second half of every economy request, and the only one that writes. [LD1] */
export type Settle = (movements: readonly Movement[]) => Promise<MovementOutcome[]>;

/**
 * Settles a batch of movements in one transaction over all shards that they touch, with one outcome each. A movement
 * that must not happen is left out and told why; the others go on. [LD3]
 *
 * A set-based statement knows no order, so movements that share a holder go in rounds, one after the other as they stand
 * in the batch: each round sees what the rounds before it did. All rows of all rounds are locked first.
 * @throws {OutcomeUnknown} when the connection was lost during the commit; settling the same movement again answers
 */
export function settler({ transact, reach, foresees = true }: SettleDeps): Settle {
  const carefulFor = { crossing: 0, here: 0 };
  let orderlyFor = 0;
  return async function settle(movements) {
    const label = movements.length === 1 ? (movements[0]?.reason ?? '') : 'batch';
    for (const { commands, guild } of movements) invariant(commands.length > 0 || guild !== undefined, 'a movement answers a command');
    let care: Care | undefined;
    const settled = () => transact(movements.flatMap(keysOf), label, (transaction) => write(transaction, movements, label, (care ??= careFor(transaction))));
    const inTurn = () => settled().catch(async (error: unknown) => {
      if (care === undefined || !(error instanceof LockedElsewhere)) throw error;
      orderlyFor = ORDERLY_BATCHES - 1;
      care.isOrderly = true;
      return await settled();
    });
    const asForeseen = () => inTurn().catch(async (error: unknown) => {
      if (!care?.hasForeseenGuilds || !isRefusedRow(error)) throw error;
      care.foresees = false;
      return await inTurn();
    });
    return await asForeseen().catch(async (error: unknown) => {
      if (!care?.hasHoped || !isRefusedRow(error)) throw error;
      // Somebody is to be denied, on whichever shard: nothing of it was written, and nothing is prepared any more.
      carefulFor[care.kind] = CAREFUL_BATCHES[care.kind] - 1;
      care.isCareful = true;
      return await inTurn();
    }).catch((error: unknown) => {
      // Alone, so it is this movement's: a debit was checked before, so what would leave the bounds is a receiver's balance.
      if (movements.length === 1 && isConstraintViolation(error, 'balance_bounds')) return [OVERFLOW];
      throw error;
    });
  };

  function careFor({ parts }: Transaction): Care {
    const kind = parts.length > 1 ? 'crossing' : 'here';
    const isCareful = carefulFor[kind] > 0;
    if (isCareful) carefulFor[kind]--;
    const isOrderly = parts.length === 1 || orderlyFor > 0;
    if (isOrderly && parts.length > 1) orderlyFor--;
    return { kind, isCareful, hasHoped: false, foresees, hasForeseenGuilds: false, isOrderly };
  }

  async function write(transaction: Transaction, movements: readonly Movement[], label: string, care: Care): Promise<MovementOutcome[]> {
    const rounds = !care.isCareful && mayGoTogether(movements) ? [[...movements.keys()]] : roundsOf(movements);
    const isForeseeable = care.foresees && !care.isCareful && (transaction.parts.length === 1 || !care.isOrderly) && rounds.length === 1;
    const foreseen = isForeseeable ? decideForeseen(transaction, movements) : undefined;
    if (foreseen !== undefined) {
      // What a guild decides may be another thing under the locks; of the others somebody is to be denied.
      if (foreseen.some(({ of }) => of !== undefined)) care.hasForeseenGuilds = true;
      else care.hasHoped = true;
      const outcomes = await settleForeseen(transaction, foreseen, once(() => reach('acted-first', label)));
      reach('acted', label);
      return outcomes;
    }
    // Nothing that the first flushes are decided by is written before they are.
    const ahead = readingOf(rounds[0] ?? [], movements, care);
    const { locked, denials } = await lockHolders(transaction, movements, { ahead, asksFirst: care.isCareful, isOrderly: care.isOrderly });
    const versions = new Map([...locked].map(([holder, { version }]) => [holder, version + 1]));
    const raise = (movement: Movement, by: number) => {
      for (const holder of holdersOf(movement)) versions.set(holder, (versions.get(holder) ?? Number.NaN) + by);
    };
    if (denials.size > 0) await recall(transaction, movements, denials);
    reach('locked', label);

    const outcomes: MovementOutcome[] = [];
    let isWritten = false;
    const actedFirst = once(() => reach('acted-first', label));
    for (const [nth, round] of rounds.entries()) {
      const decided = await decide(transaction, round, { movements, locked, reading: nth === 0 ? ahead : readingOf(round, movements, care) });
      const entries = round.map((at, place): Entry => {
        const flush = decided.get(place);
        const movement = flush === undefined ? (movements[at] as Movement) : asDecided(movements[at] as Movement, flush);
        const answers = denials.has(at + 1) ? [] : movement.commands.map(({ answer }) => answer(versions));
        if (!denials.has(at + 1)) raise(movement, 1);
        return { ix: at + 1, movement, transactionId: newId<TransactionId>(), answers };
      });
      const deniedBefore = new Set(denials.keys());
      const isDecided = decided.size === round.length;
      const acts = () => entries.some(({ ix }, place) => !denials.has(ix) && !changesNothing(decided.get(place)));
      const behind = async () => {
        const writing = writeFlushes(transaction, [...decided.values()]);
        // Where some were decided and others may be left out, the statement's answer matters.
        if (nth === rounds.length - 1 && (isDecided || decided.size === 0 || !care.isCareful) && acts()) transaction.endBehind();
        await writing;
      };
      const changes = await act(transaction, entries, denials, { actedFirst, isDecided, behind, care });
      // What a flush writes beside its value must not stay without it.
      if ([...decided.keys()].some((place) => denials.has((round[place] as number) + 1))) throw new Error('what a guild decided under the locks is refused by the statement');
      for (const { ix, movement } of entries) if (denials.has(ix) && !deniedBefore.has(ix)) raise(movement, -1);
      for (const [place, outcome] of collectOutcomes(entries, denials, versions, changes).entries()) outcomes[round[place] as number] = outcome;
      isWritten ||= acts();
    }
    // Unless its commit is under way: what was refused by the statement wrote nothing.
    if (!isWritten && !transaction.isEndSent) transaction.abandon();
    reach('acted', label);
    return outcomes;
  }

  /** One round: no holder stands in two of its movements, unless they may go together. Who is denied is noted. What `behind` sends goes behind it, in the same round trip. */
  async function act(transaction: Transaction, entries: readonly Entry[], denials: Denials, { actedFirst, isDecided, behind, care }: { actedFirst: () => void; isDecided: boolean; behind: () => Promise<void>; care: Care }): Promise<SettleRow[]> {
    const { parts, shardOf } = transaction;
    const inputs = new Map<ShardTransaction, { denied: number; input: SettleInput | undefined }>();
    /** What was checked is what acts, unless somebody was denied in between. */
    const inputOf = (part: ShardTransaction) => {
      const made = inputs.get(part);
      if (made?.denied === denials.size) return made.input;
      const allowed = denials.size === 0 ? entries : entries.filter(({ ix }) => !denials.has(ix));
      const input = inputFor(allowed, localityOf(part.shard.index, shardOf));
      inputs.set(part, { denied: denials.size, input });
      return input;
    };
    // Nearly always nobody is to be denied, so it acts by a statement that fails otherwise. When that happened lately, several shards are asked
    // first, because what one acts on another could not take back alone, and the only one leaves them out; what guilds decide with care was
    // asked about when it was decided. [TP10]
    if (!care.isCareful) care.hasHoped = true;
    if (!isDecided && care.isCareful && parts.length > 1) {
      const checked = await Promise.all(
        parts.map(async (part) => {
          const input = inputOf(part);
          return input === undefined ? [] : await part.query<SettleRow>(CHECK, input.valuesFor(CHECK));
        }),
      );
      for (const rows of checked) denyAll(denials, rows);
    }
    const sends = parts.map((part) => {
      const input = inputOf(part);
      if (input === undefined) return () => confirmed(part);
      return isDecided || !care.isCareful || parts.length > 1 ? surely(part, input) : choosily(part, input);
    });
    const acting = sends.map(async (send): Promise<SettleRow[]> => {
      const rows = await send();
      actedFirst();
      return rows;
    });
    const [changes] = await Promise.all([Promise.all(acting), behind()]);
    for (const rows of changes) denyAll(denials, rows);
    return changes.flat();

    // What cannot be sent fails before anything is, and before a commit goes along. [TP12]
    function surely(part: ShardTransaction, input: SettleInput): () => Promise<SettleRow[]> {
      const statement = input.sure({ copies: care.isCareful });
      const { values, inOurWords } = transaction.confirmWithin(part);
      const parameters = input.valuesFor(statement, values);
      return async () => input.named(await part.query<SettleRow>(statement, parameters, inOurWords));
    }

    function choosily(part: ShardTransaction, input: SettleInput): () => Promise<SettleRow[]> {
      const statement = input.choosy;
      const parameters = input.valuesFor(statement);
      return () => part.query<SettleRow>(statement, parameters);
    }

    /** There is nothing to be done on it, and it is locked nonetheless. */
    async function confirmed(part: ShardTransaction): Promise<SettleRow[]> {
      if (!transaction.isConfirmedOn(part)) await transaction.confirm(part);
      return [];
    }
  }

  /** What the guilds of a round decide, by their places in it: at first as if nothing spoke against it that the write looks at too. [GA2] [TP10] */
  async function decide(transaction: Transaction, round: readonly number[], { movements, locked, reading }: { movements: readonly Movement[]; locked: ReadonlyMap<HolderId, HolderRow>; reading: FlushReading | undefined }): Promise<Map<number, DecidedFlush>> {
    if (reading === undefined) return new Map();
    const decided = await decideBy(reading);
    if (reading.isWhole || [...decided.values()].every(doesAll)) return decided;
    await reading.complete(transaction);
    return await decideBy(reading);

    async function decideBy(read: FlushReading): Promise<Map<number, DecidedFlush>> {
      const snapshots = (await read.snapshots(transaction, locked)).values();
      return new Map(
        round.flatMap((at, place): [number, DecidedFlush][] => {
          const flush = movements[at]?.guild;
          if (flush === undefined) return [];
          const { value: snapshot } = snapshots.next();
          invariant(snapshot, 'every flush has what it is decided by');
          return [[place, { flush, guild: snapshot.guild, decision: flush.decide(snapshot) }]];
        }),
      );
    }
  }

  /** What acted before its session was displaced is answered as it was then: the repeat of a lost answer, say. [KE3] */
  async function recall(transaction: Transaction, movements: readonly Movement[], denials: Denials): Promise<void> {
    const asked = movements.flatMap(({ commands }, at) => (denials.has(at + 1) ? commands.map(({ actor, id }, place) => ({ ix: at + 1, place, actor, id })) : []));
    for (const part of transaction.parts) {
      const here = asked.filter(({ actor, id }) => transaction.shardOf(homeOf(actor, id)) === part.shard.index);
      if (here.length === 0) continue;
      const columns = (['ix', 'place', 'actor', 'id'] as const).map((column) => here.map((row) => row[column]));
      denyAll(denials, await part.query<SettleRow>(RECALL, columns));
    }
  }
}

/** The places of the movements, by round: each comes after all that share a holder with it and stand before it. Pure. */
export function roundsOf(movements: readonly Movement[]): number[][] {
  const rounds: number[][] = [];
  const next = new Map<HolderId, number>();
  for (const [at, movement] of movements.entries()) {
    const holders = holdersOf(movement);
    const round = Math.max(0, ...holders.map((holder) => next.get(holder) ?? 0));
    for (const holder of holders) next.set(holder, round + 1);
    (rounds[round] ??= []).push(at);
  }
  return rounds;
}

/**
 * Whether movements that share holders end the same in whatever order, if nothing speaks against any of them: each item is in one of them, and
 * what is held covers all that is spent, which the statement sees. Pure. [LD7]
 */
export function mayGoTogether(movements: readonly Movement[]): boolean {
  const items = new Set<ItemId>();
  for (const { guild, experience, postings } of movements) {
    if (guild !== undefined || experience !== undefined) return false;
    for (const posting of postings) {
      if ('asset' in posting) continue;
      if (items.has(posting.item)) return false;
      items.add(posting.item);
    }
  }
  return true;
}

/** What reads for the flushes of a round, if there are any. */
function readingOf(round: readonly number[], movements: readonly Movement[], { isCareful }: Care): FlushReading | undefined {
  const flushes = round.flatMap((at) => movements[at]?.guild ?? []);
  return flushes.length === 0 ? undefined : new FlushReading(flushes, { isWhole: isCareful });
}

/** The keys of whatever a movement touches: its holders, and where its commands are stored. */
export function keysOf(movement: Movement): string[] {
  return [...holdersOf(movement), ...(movement.guild?.names ?? []), ...movement.commands.map(({ actor, id }) => homeOf(actor, id))];
}

/** Whether every action of it is done: none was refused, put off, or done before. */
function doesAll({ flush: { size }, decision: { commands, plain } }: DecidedFlush): boolean {
  return commands.length + plain.length === size;
}

function asDecided({ reason }: Movement, { decision: { postings, commands } }: DecidedFlush): Movement {
  return { reason, postings, commands };
}

function changesNothing(decided: DecidedFlush | undefined): boolean {
  if (decided === undefined) return false;
  const { commands, plain, change } = decided.decision;
  return commands.length === 0 && plain.length === 0 && change === undefined;
}
