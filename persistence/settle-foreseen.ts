import type { HolderId, TransactionId } from '../schema/ids.ts';
import { invariant } from '../schema/invariant.ts';
import type { GuildChange, GuildFlush, GuildRow } from './guilds/flush.ts';
import { writeForeseen } from './guilds/write-flush.ts';
import { holdersOf, type Movement, type MovementOutcome } from './movement.ts';
import { newId } from './new-id.ts';
import type { SettleRow } from './settle-columns.ts';
import { inputFor, localityOf, type Entry } from './settle-input.ts';
import { lockUnseen } from './settle-locks.ts';
import { collectOutcomes } from './settle-outcomes.ts';
import { pausedIn } from './support/pauses.ts';
import type { Transaction } from './transaction.ts';

type Epochs = ReadonlyMap<HolderId, number>;

/** A movement that was decided before its holders' rows are had, with the epochs that they must have. */
export interface ForeseenMovement {
  movement: Movement;
  epochs: Epochs;
  /** All that are locked for it. */
  holders: readonly HolderId[];
  /** By whose flush it was decided, and what it writes beside the value. */
  of: { guild: GuildRow; log: GuildChange['log'] } | undefined;
}

/** Nobody has seen the rows: who answers by them is not foreseen. */
class Unseen extends Map<HolderId, number> {
  override get(holder: HolderId): never {
    throw new Error(`the version of ${holder} is told when its row is seen`);
  }
}
const UNSEEN: ReadonlyMap<HolderId, number> = new Unseen();

/**
 * Decides a batch before its locks are had, if all of it can be: flushes by what was foreseen of their guilds, with every action done and nothing to be
 * written beside value but the log; other movements by the sessions that ask for them, if each holder has one and it keeps that in all of them. [GA6] [TP11]
 */
export function decideForeseen(transaction: Transaction, movements: readonly Movement[]): ForeseenMovement[] | undefined {
  if (!transaction.hasHeardPauses) return undefined;
  const { paused } = transaction;
  const sessions = new Map<HolderId, number>();
  const decided: ForeseenMovement[] = [];
  for (const movement of movements) {
    const foreseen = movement.guild === undefined ? bySessions(movement, sessions, paused) : byGuild(movement.reason, movement.guild, paused);
    if (foreseen === undefined) return undefined;
    decided.push(foreseen);
  }
  return decided;
}

/** @param sessions of the movements before, to which these are added */
function bySessions(movement: Movement, sessions: Map<HolderId, number>, paused: ReadonlySet<string>): ForeseenMovement | undefined {
  const { fences = [], commands, postings, bySupport } = movement;
  const holders = holdersOf(movement);
  if (bySupport || fences.length !== holders.length || pausedIn(postings, paused) !== undefined) return undefined;
  for (const holder of holders) {
    const epoch = fences.find(({ player }) => player === holder)?.epoch;
    if (epoch === undefined || (sessions.get(holder) ?? epoch) !== epoch) return undefined;
    sessions.set(holder, epoch);
  }
  return commands.every(({ actor }) => sessions.has(actor as HolderId)) ? { movement, epochs: sessions, holders, of: undefined } : undefined;
}

function byGuild(reason: string, flush: GuildFlush, paused: ReadonlySet<string>): ForeseenMovement | undefined {
  if (flush.foreseen === undefined) return undefined;
  const { snapshot, epochs } = flush.foreseen;
  const { postings, commands, plain, change } = flush.decide({ ...snapshot, paused });
  if (change === undefined || commands.length < flush.size || plain.length > 0 || !changesOnlyTheLog(change)) return undefined;
  return { movement: { reason, postings, commands }, epochs, holders: flush.holders, of: { guild: snapshot.guild, log: change.log } };
}

/**
 * Locks, acts and commits in one round trip, or of several shards prepares those that do not decide: nothing is known of the rows, so the statements fail
 * unless they are as was foreseen. Holders stand in two movements only where these may go together. [TP9] [TP11]
 * @param onActed is called when the first shard has acted
 * @throws {LockedElsewhere} on several shards, whose rows are to be had at once
 */
export async function settleForeseen(transaction: Transaction, decided: readonly ForeseenMovement[], onActed: () => void): Promise<MovementOutcome[]> {
  const { parts, shardOf } = transaction;
  const entries = decided.map(({ movement, epochs }, at): Entry => ({ ix: at + 1, movement, transactionId: newId<TransactionId>(), answers: movement.commands.map(({ answer }) => answer(UNSEEN)), epochs }));
  const holders = Map.groupBy(new Set(decided.flatMap((one) => one.holders)), shardOf);
  const next = new Map<HolderId, number>();
  // What cannot be sent fails before anything is. [TP12]
  const prepared = parts.map((part) => {
    const input = inputFor(entries, localityOf(part.shard.index, shardOf));
    invariant(input, 'whoever is on a shard gives or gets something there');
    const statement = input.sure({ copies: false });
    const { values, inOurWords } = transaction.confirmWithin(part);
    return { part, input, statement, parameters: input.valuesFor(statement, values), inOurWords };
  });
  const sent = prepared.map(({ part, input, statement, parameters, inOurWords }) => {
    const { index } = part.shard;
    const locking = lockUnseen(part, holders.get(index) ?? [], { isAtOnce: parts.length > 1 });
    const acting = part.query<SettleRow>(statement, parameters, inOurWords).then((rows) => {
      onActed();
      return input.named(rows, (holder, version) => next.set(holder, version + 1));
    });
    const guilds = decided.flatMap(({ of }) => (of !== undefined && shardOf(of.guild.id) === index ? [of] : []));
    const writing = guilds.length > 0 ? writeForeseen(part, guilds) : undefined;
    return { index, answers: Promise.all([acting, writing, locking]) };
  });
  transaction.endBehind();
  const answers = await Promise.all(sent.map((part) => part.answers));
  const nowOn = new Map(answers.map(([, now], place) => [sent[place]?.index, now]));
  const outcomes = collectOutcomes(entries, new Map(), next, answers.flatMap(([changes]) => changes));
  return outcomes.map((outcome, place): MovementOutcome => {
    const of = decided[place]?.of;
    return of === undefined || outcome.status !== 'committed' ? outcome : { ...outcome, at: nowOn.get(shardOf(of.guild.id)) as number };
  });
}

function changesOnlyTheLog({ disbanded, members, joined, left, invited, accepted, taken }: GuildChange): boolean {
  return !disbanded && [members.set, members.removed, joined, left, invited, accepted, taken].every(({ length }) => length === 0);
}
