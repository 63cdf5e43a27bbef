import type { HolderId, TransactionId } from '../schema/ids.ts';
import { invariant } from '../schema/invariant.ts';
import type { GuildChange, GuildFlush, GuildRow } from './guilds/flush.ts';
import { writeForeseen } from './guilds/write-flush.ts';
import type { Movement, MovementOutcome } from './movement.ts';
import { newId } from './new-id.ts';
import { inputFor, localityOf, type Entry } from './settle-input.ts';
import { lockAll } from './settle-locks.ts';
import { collectOutcomes, type SettleRow } from './settle-outcomes.ts';
import type { Transaction } from './transaction.ts';

/** A flush that was decided by what is foreseen of its guild. */
export interface ForeseenFlush {
  flush: GuildFlush;
  guild: GuildRow;
  movement: Movement;
  log: GuildChange['log'];
  epochs: ReadonlyMap<HolderId, number>;
}

const NO_VERSIONS: ReadonlyMap<HolderId, number> = new Map();

/**
 * Decides flushes before their locks are had, if all of the batch can be: by what was foreseen, with every action done, and nothing to be written
 * beside value but the log. [GA6]
 */
export function decideForeseen(transaction: Transaction, movements: readonly Movement[]): ForeseenFlush[] | undefined {
  if (!transaction.hasHeardPauses || movements.some(({ guild }) => guild?.foreseen === undefined)) return undefined;
  const { paused } = transaction;
  const decided: ForeseenFlush[] = [];
  for (const { reason, guild: flush } of movements) {
    if (flush?.foreseen === undefined) return undefined;
    const { snapshot, epochs } = flush.foreseen;
    const { postings, commands, plain, change } = flush.decide({ ...snapshot, paused });
    if (change === undefined || commands.length < flush.size || plain.length > 0 || !changesOnlyTheLog(change)) return undefined;
    decided.push({ flush, guild: snapshot.guild, movement: { reason, postings, commands }, log: change.log, epochs });
  }
  return decided;
}

/**
 * Locks, acts and commits in one round trip, or of several shards prepares those that do not decide: nothing is known of the rows, so the statements fail
 * unless they are as was foreseen. No holder stands in two of the flushes. [GA6] [TP9]
 * @throws {LockedElsewhere} on several shards, whose rows are to be had at once
 */
export async function settleForeseen(transaction: Transaction, decided: readonly ForeseenFlush[]): Promise<MovementOutcome[]> {
  const { parts, shardOf } = transaction;
  const entries = decided.map(({ movement, epochs }, at): Entry => ({ ix: at + 1, movement, transactionId: newId<TransactionId>(), answers: movement.commands.map(({ answer }) => answer(NO_VERSIONS)), epochs }));
  const holders = Map.groupBy(decided.flatMap(({ flush }) => flush.holders), shardOf);
  const sent = parts.map((part) => {
    const { index } = part.shard;
    const input = inputFor(entries, localityOf(index, shardOf));
    invariant(input, 'whoever is on a shard gives or gets something there');
    const statement = input.sure({ copies: false });
    const locking = lockAll(part, holders.get(index) ?? [], { isAtOnce: parts.length > 1 });
    const { values, inOurWords } = transaction.confirmWithin(part);
    const acting = part.query<SettleRow>(statement, input.valuesFor(statement, values), inOurWords);
    const guilds = decided.filter(({ guild }) => shardOf(guild.id) === index);
    const writing = guilds.length > 0 && writeForeseen(part, guilds);
    return { index, answers: Promise.all([locking, acting, writing]) };
  });
  transaction.endBehind();
  const answers = await Promise.all(sent.map((part) => part.answers));
  // After each of them has moved once.
  const next = new Map(answers.flatMap(([locked]) => locked.map(({ holder, version }) => [holder, version + 2])));
  const nowOn = new Map(answers.map(([, , now], place) => [sent[place]?.index, now]));
  return collectOutcomes(entries, new Map(), next, answers.flatMap(([, changes]) => changes)).map((outcome, place) => ({ ...outcome, at: nowOn.get(shardOf(decided[place]!.guild.id)) }) as MovementOutcome);
}

function changesOnlyTheLog({ disbanded, members, joined, left, invited, accepted, taken }: GuildChange): boolean {
  return !disbanded && [members.set, members.removed, joined, left, invited, accepted, taken].every(({ length }) => length === 0);
}
