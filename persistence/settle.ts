import { v7 as uuidv7 } from 'uuid';
import type { HolderId, PlayerId, TransactionId } from '../schema/ids.ts';
import { invariant } from '../schema/invariant.ts';
import type { ReachFaultPoint } from './fault-points.ts';
import { holdersOf, SERVICE_ACTOR, type CommandActor, type Movement, type MovementOutcome } from './movement.ts';
import { collectOutcomes, deny, emptyVerdicts, type SettleRow, type Verdicts } from './settle-outcomes.ts';
import { localPart, type Entry, type LocalPart } from './settle-input.ts';
import { ACT, CHECK, EARN_EXPERIENCE, LOCK, LOCK_COMMANDS, RECALL } from './settle-statements.ts';
import type { Transact } from './transact.ts';
import type { ShardTransaction, Transaction } from './transaction.ts';

export interface SettleDeps {
  transact: Transact;
  shardOf: (key: string) => number;
  reach: ReachFaultPoint;
}

/** Writes movements of value: the second half of every economy request, and the only one that writes. [LD1] */
export type Settle = (movements: readonly Movement[]) => Promise<MovementOutcome[]>;

/**
 * Settles a batch of movements in one transaction over all shards that they touch, with one outcome each. A movement
 * that must not happen is left out and told why; the others go on. [LD3]
 *
 * A holder may stand in one movement of the batch only: the outcomes would depend on an order that set-based SQL has not.
 * @throws {OutcomeUnknown} when the connection was lost during the commit; settling the same movement again answers
 */
export function settler({ transact, shardOf, reach }: SettleDeps): Settle {
  const homeOf = (actor: CommandActor, id: string) => shardOf(actor === SERVICE_ACTOR ? id : actor);

  return async function settle(movements) {
    const label = movements.length === 1 ? (movements[0]?.reason ?? '') : 'batch';
    const holders = new Map<HolderId, number>();
    for (const movement of movements) {
      invariant(movement.commands.length > 0, 'a movement answers a command');
      for (const holder of holdersOf(movement)) {
        invariant(!holders.has(holder), 'a holder is in one movement of a batch');
        holders.set(holder, shardOf(holder));
      }
    }
    const commandHomes = movements.flatMap(({ commands }) => commands.map(({ actor, id }) => homeOf(actor, id)));
    return await transact([...holders.values(), ...commandHomes], label, (transaction) => write(transaction, movements, label));
  };

  async function write(transaction: Transaction, movements: readonly Movement[], label: string): Promise<MovementOutcome[]> {
    const verdicts = emptyVerdicts();
    const versions = await lock(transaction, movements, verdicts);
    if (verdicts.denied.size > 0) await recall(transaction, movements, verdicts);
    reach('locked', label);

    const entries = movements.map((movement, ix): Entry => ({ ix, movement, transactionId: uuidv7() as TransactionId }));
    const parts = transaction.parts.map((part) => {
      const here = (key: string) => shardOf(key) === part.shard.index;
      return { part, local: localPart(entries, here, (actor, id) => homeOf(actor, id) === part.shard.index) };
    });
    const answers = entries.map(({ ix, movement }) => (verdicts.denied.has(ix) ? [] : movement.commands.map(({ answer }) => answer(versions))));
    const several = parts.length > 1;
    if (several) await checkAll(parts, verdicts, answers);

    const rows: SettleRow[] = [];
    for (const [at, { part, local }] of parts.entries()) {
      const allowed = local.without(verdicts.denied);
      if (!allowed.isEmpty) rows.push(...(await part.query<SettleRow>(ACT, allowed.values(answers, verdicts.leaving))));
      if (at === 0) reach('acted-first', label);
    }
    for (const row of rows) {
      if (row.tag !== 'bad') continue;
      invariant(!several, 'what every shard checked under its locks is still true when it acts');
      deny(verdicts, row);
    }
    if (verdicts.denied.size === entries.length) transaction.abandon();
    const profiles = await earnExperience(transaction, entries.filter(({ ix }) => !verdicts.denied.has(ix)));
    reach('acted', label);
    return collectOutcomes(entries, verdicts, rows, answers, profiles);
  }

  /** Takes every holder's row, shard by shard in ascending order, and answers the version that each will have. */
  async function lock(transaction: Transaction, movements: readonly Movement[], verdicts: Verdicts): Promise<Map<HolderId, number>> {
    const versions = new Map<HolderId, number>();
    const epochs = new Map<string, number>();
    for (const part of transaction.parts) {
      const here = movements.flatMap(holdersOf).filter((holder) => shardOf(holder) === part.shard.index);
      const service = movements.flatMap(({ commands }) => commands).filter(({ actor, id }) => actor === SERVICE_ACTOR && homeOf(actor, id) === part.shard.index);
      if (service.length > 0) await part.query(LOCK_COMMANDS, [service.map(({ id }) => id)]);
      if (here.length === 0) continue;
      for (const row of await part.query<{ holder: HolderId; version: number; epoch: number }>(LOCK, [here])) {
        versions.set(row.holder, row.version + 1);
        epochs.set(row.holder, row.epoch);
      }
    }
    for (const [ix, movement] of movements.entries()) {
      const unknown = holdersOf(movement).find((holder) => !versions.has(holder));
      if (unknown !== undefined) verdicts.denied.set(ix, { status: 'refused', code: 'UNKNOWN_PLAYER', details: { playerId: unknown } });
      const displaced = movement.fences?.find(({ player, epoch }) => epochs.get(player) !== epoch);
      if (displaced !== undefined) verdicts.denied.set(ix, { status: 'refused', code: 'SESSION_REPLACED', details: { playerId: displaced.player } });
    }
    return versions;
  }

  /** What acted before its session was displaced is answered as it was then: the repeat of a lost answer, say. [KE3] */
  async function recall(transaction: Transaction, movements: readonly Movement[], verdicts: Verdicts): Promise<void> {
    const asked = movements.flatMap(({ commands }, ix) => (verdicts.denied.has(ix) ? commands.map(({ actor, id }, place) => ({ ix, place, actor, id })) : []));
    for (const part of transaction.parts) {
      const here = asked.filter(({ actor, id }) => homeOf(actor, id) === part.shard.index);
      if (here.length === 0) continue;
      const columns = (['ix', 'place', 'actor', 'id'] as const).map((column) => here.map((row) => row[column]));
      for (const row of await part.query<SettleRow>(RECALL, columns)) deny(verdicts, row);
    }
  }

  /** Over several shards nothing may act before each has said yes: what one acts on, another could not take back alone. */
  async function checkAll(parts: { part: ShardTransaction; local: LocalPart }[], verdicts: Verdicts, answers: unknown[][]): Promise<void> {
    const replies = await Promise.all(
      parts.map(async ({ part, local }) => {
        const allowed = local.without(verdicts.denied);
        return allowed.isEmpty ? [] : await part.query<SettleRow>(CHECK, allowed.values(answers, verdicts.leaving));
      }),
    );
    for (const row of replies.flat()) {
      if (row.tag === 'bad') deny(verdicts, row);
      else verdicts.leaving.set(row.key, row.doc as never);
    }
  }

  async function earnExperience(transaction: Transaction, entries: Entry[]): Promise<Map<PlayerId, { xp: number; level: number }>> {
    const earned = entries.flatMap(({ movement }) => movement.experience ?? []);
    const profiles = new Map<PlayerId, { xp: number; level: number }>();
    for (const part of transaction.parts) {
      const here = earned.filter(({ player }) => shardOf(player) === part.shard.index);
      if (here.length === 0) continue;
      const rows = await part.query<{ id: PlayerId; xp: number; level: number }>(EARN_EXPERIENCE, [here.map(({ player }) => player), here.map(({ xp }) => xp)]);
      for (const { id, xp, level } of rows) profiles.set(id, { xp, level });
    }
    return profiles;
  }
}
