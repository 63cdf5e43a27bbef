import type { InventoryDelta } from '../schema/inventory-delta.ts';
import type { HolderId } from '../schema/ids.ts';
import { invariant } from '../schema/invariant.ts';
import { firstRefusal, type RefusalCode } from '../schema/refusals.ts';
import { pausedIn } from './support/pauses.ts';
import { holdersOf, type Movement, type MovementOutcome, type StaleItem } from './movement.ts';
import type { SettleRow } from './settle-columns.ts';
import type { Entry } from './settle-input.ts';

type Denied = Exclude<MovementOutcome, { status: 'committed' }>;

/** Who of a batch may not, and why. */
export type Denials = Map<number, Denied>;

/** A holder's inventory row: its version, its session's epoch, and whether support has frozen it. */
export interface HolderRow {
  holder: HolderId;
  version: number;
  epoch: number;
  frozen: boolean;
  [column: string]: unknown;
}

/**
 * Denies the movements whose holders are not all among the rows or are frozen, whose sessions were displaced, or that a pause keeps.
 * A guild's actions are many players', and each is judged for itself. [SE2] [OP2] [OP3]
 */
export function denyUnfit(denials: Denials, movements: readonly Movement[], rows: ReadonlyMap<HolderId, HolderRow>, paused: ReadonlySet<string>): void {
  for (const [at, movement] of movements.entries()) {
    if (movement.guild !== undefined) continue;
    const holders = holdersOf(movement);
    const refuse = (code: RefusalCode, details: Record<string, unknown>) => denials.set(at + 1, { status: 'refused', code, details });
    // The first of the table's order last, as it is the one that stays.
    if (movement.bySupport !== true) {
      const kept = pausedIn(movement.postings, paused);
      if (kept !== undefined) refuse('TRADING_PAUSED', { asset: kept });
      const cold = holders.find((holder) => rows.get(holder)?.frozen);
      if (cold !== undefined) refuse('ACCOUNT_FROZEN', { playerId: cold });
    }
    // A bank has a row too, and no session: value comes and goes there by its guild alone. [GU5]
    const unknown = holders.find((holder) => (rows.get(holder)?.epoch ?? -1) < 0);
    if (unknown !== undefined) refuse('UNKNOWN_PLAYER', { playerId: unknown });
    const displaced = movement.fences?.find(({ player, epoch }) => rows.get(player)?.epoch !== epoch);
    if (displaced !== undefined) refuse('SESSION_REPLACED', { playerId: displaced.player });
  }
}

/** Notes every row that says why not, and answers how many there were. */
export function denyAll(denials: Denials, rows: readonly SettleRow[]): number {
  let count = 0;
  for (const row of rows) {
    if (row.ix === null) continue;
    deny(denials, row.ix, row);
    count++;
  }
  return count;
}

/**
 * Notes why a movement must not happen. What is already known wins over all (it happened before); then the refusal
 * that comes first in the table; a stale version last, because it may be read again. [RF1]
 */
export function deny(denials: Denials, ix: number, row: SettleRow): void {
  const denied = denials.get(ix);
  const said = outcomeOf(row);
  denials.set(ix, denied === undefined ? said : stronger(denied, said));
}

function outcomeOf({ key, doc }: SettleRow): Denied {
  const details = doc as Record<string, unknown>;
  switch (key) {
    case 'KNOWN':
      return { status: 'known', hash: Buffer.from(String(details['hash']), 'hex'), answer: details['answer'], command: Number(details['place']) };
    case 'STALE':
      return { status: 'stale', items: [{ ...details, item: details['item'] } as unknown as StaleItem] };
    case 'INSUFFICIENT':
      return { status: 'refused', code: key, details };
    default:
      return { status: 'refused', code: key as RefusalCode, details: { item: details['item'] } };
  }
}

function stronger(a: Denied, b: Denied): Denied {
  if (a.status === 'known') return a;
  if (b.status === 'known') return b;
  if (a.status === 'stale' && b.status === 'stale') return { status: 'stale', items: [...a.items, ...b.items] };
  if (a.status === 'stale') return b;
  if (b.status === 'stale') return a;
  return firstRefusal([a.code, b.code]) === a.code ? a : b;
}

/**
 * Turns what was asked and what the shards answered into one outcome per movement, with one delta per touched holder. The shards tell what
 * there is after all of them, so it is gone back through them.
 * @param next each holder's version after its next movement
 */
export function collectOutcomes(entries: readonly Entry[], denials: Denials, next: ReadonlyMap<HolderId, number>, changes: readonly SettleRow[]): MovementOutcome[] {
  const { balances, profiles } = told(changes);
  const versions = new Map<HolderId, number>();
  const outcomes: MovementOutcome[] = [];
  for (const { ix, movement, transactionId, answers } of entries.toReversed()) {
    const denied = denials.get(ix);
    if (denied !== undefined) {
      outcomes.push(denied);
      continue;
    }
    const deltas = new Map<HolderId, InventoryDelta>();
    for (const holderId of holdersOf(movement)) {
      const version = (versions.get(holderId) ?? next.get(holderId) ?? Number.NaN) - 1;
      invariant(!Number.isNaN(version), 'every touched holder was locked');
      versions.set(holderId, version);
      deltas.set(holderId, { holderId, version, set: { fungibles: {}, items: [] }, removed: { fungibles: [], items: [] } });
    }
    addItems(deltas, movement);
    goBack(balances, deltas, movement);
    const outcome: MovementOutcome = { status: 'committed', transactionId, deltas: [...deltas.values()], answers: [...answers] };
    const player = movement.experience?.player;
    const profile = player && profiles.get(player);
    outcomes.push(player && profile ? { ...outcome, profile: { player, ...profile } } : outcome);
  }
  return outcomes.toReversed();
}

/** Of each holder. They are few, and a map for each holder would cost more than to look through them. */
type Balances = Map<string, { asset: string; quantity: number }[]>;

/** What the shards say that there is now: of each holder, so many of an asset, and so much experience. */
function told(changes: readonly SettleRow[]): { balances: Balances; profiles: Map<string, { xp: number; level: number }> } {
  const balances: Balances = new Map();
  const profiles = new Map<string, { xp: number; level: number }>();
  const hold = (holder: string, asset: string, quantity: number) => {
    const held = balances.get(holder);
    if (held === undefined) balances.set(holder, [{ asset, quantity }]);
    else held.push({ asset, quantity });
  };
  for (const { holder, key: asset, n, doc } of changes) {
    if (holder !== null && asset === null) profiles.set(holder, { xp: n, level: Number(doc) });
    else if (holder !== null && asset !== null) hold(holder, asset, n);
  }
  return { balances, profiles };
}

/** Says in the deltas what there is after the movement, and makes of the balances what there was before it. What is not told did not change. */
function goBack(balances: Balances, deltas: ReadonlyMap<HolderId, InventoryDelta>, { postings }: Movement): void {
  const before: { balance: { quantity: number }; came: number }[] = [];
  const look = (holder: HolderId | null, asset: string, came: number) => {
    if (holder === null) return;
    const [balance, delta] = [balances.get(holder)?.find((held) => held.asset === asset), deltas.get(holder)];
    if (balance === undefined || delta === undefined) return;
    if (balance.quantity > 0) delta.set.fungibles[asset] = balance.quantity;
    else if (!delta.removed.fungibles.includes(asset)) delta.removed.fungibles.push(asset);
    before.push({ balance, came });
  };
  for (const posting of postings) {
    if (!('asset' in posting)) continue;
    look(posting.giver, posting.asset, -posting.quantity);
    look(posting.receiver, posting.asset, posting.quantity);
  }
  for (const { balance, came } of before) balance.quantity -= came;
}

/** What an item is, its posting says. */
function addItems(deltas: ReadonlyMap<HolderId, InventoryDelta>, { postings }: Movement): void {
  for (const posting of postings) {
    if ('asset' in posting) continue;
    if ('giver' in posting) deltas.get(posting.giver)?.removed.items.push(posting.item);
    const { kind, attributes, bound } = 'content' in posting ? posting.content : posting;
    const version = ('version' in posting ? posting.version : 0) + 1;
    if (posting.receiver !== null) deltas.get(posting.receiver)?.set.items.push({ id: posting.item, version, kind, attributes, bound });
  }
}
