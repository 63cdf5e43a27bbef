import type { InventoryDelta } from '../schema/inventory-delta.ts';
import type { HolderId, ItemId, PlayerId } from '../schema/ids.ts';
import { invariant } from '../schema/invariant.ts';
import { firstRefusal, type RefusalCode } from '../schema/refusals.ts';
import { holdersOf, type MovementOutcome, type StaleItem } from './movement.ts';
import type { Entry, Leaving } from './settle-input.ts';

/** One row of a settle statement; `tag` says what it is about. */
export interface SettleRow {
  tag: 'bad' | 'leaving' | 'version' | 'balance' | 'item';
  ix: number;
  holder: HolderId;
  key: string;
  n: number;
  doc: unknown;
  [column: string]: unknown;
}

type Denied = Exclude<MovementOutcome, { status: 'committed' }>;

/** What is known of a batch while it is checked: who may not, and what leaves which shard. */
export interface Verdicts {
  denied: Map<number, Denied>;
  leaving: Map<string, Leaving>;
}

export const emptyVerdicts = (): Verdicts => ({ denied: new Map(), leaving: new Map() });

/**
 * Notes why a movement must not happen. What is already known wins over all (it happened before); then the refusal
 * that comes first in the table; a stale version last, because it may be read again. [RF1]
 */
export function deny(verdicts: Verdicts, row: SettleRow): void {
  const denied = verdicts.denied.get(row.ix);
  const said = outcomeOf(row);
  verdicts.denied.set(row.ix, denied === undefined ? said : stronger(denied, said));
}

function outcomeOf({ key, doc }: SettleRow): Denied {
  const details = doc as Record<string, unknown>;
  switch (key) {
    case 'KNOWN':
      return { status: 'known', hash: Buffer.from(String(details['hash']), 'hex'), answer: details['answer'], command: Number(details['place']) };
    case 'STALE':
      return { status: 'stale', items: [{ ...details, item: details['item'] } as unknown as StaleItem] };
    case 'OVERFLOW':
      return { status: 'refused', code: 'BAD_REQUEST', details: { ...details, reason: 'the receiver would hold more than 2^53 - 1' } };
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

/** Turns the rows that the shards answered into one outcome per movement, with one delta per touched holder. */
export function collectOutcomes(
  entries: readonly Entry[],
  verdicts: Verdicts,
  rows: readonly SettleRow[],
  answers: readonly unknown[][],
  profiles: ReadonlyMap<PlayerId, { xp: number; level: number }>,
): MovementOutcome[] {
  const deltas = deltasOf(rows);
  return entries.map(({ ix, movement, transactionId }) => {
    const denied = verdicts.denied.get(ix);
    if (denied !== undefined) return denied;
    for (const posting of movement.postings) {
      if ('item' in posting && 'giver' in posting) deltas.get(posting.giver)?.removed.items.push(posting.item);
    }
    const touched = holdersOf(movement).map((holder) => deltas.get(holder));
    invariant(touched.every((delta) => delta !== undefined), 'every touched holder has a new version');
    const outcome: MovementOutcome = { status: 'committed', transactionId, deltas: touched, answers: [...(answers[ix] ?? [])] };
    const player = movement.experience?.player;
    const profile = player && profiles.get(player);
    return player && profile ? { ...outcome, profile: { player, ...profile } } : outcome;
  });
}

function deltasOf(rows: readonly SettleRow[]): Map<HolderId, InventoryDelta> {
  const deltas = new Map<HolderId, InventoryDelta>();
  for (const { tag, holder, n } of rows) {
    if (tag === 'version') deltas.set(holder, { holderId: holder, version: n, set: { fungibles: {}, items: [] }, removed: { fungibles: [], items: [] } });
  }
  for (const { tag, holder, key, n, doc } of rows) {
    const delta = deltas.get(holder);
    if (delta === undefined) continue;
    if (tag === 'balance' && n > 0) delta.set.fungibles[key] = n;
    if (tag === 'balance' && n === 0) delta.removed.fungibles.push(key);
    if (tag === 'item') delta.set.items.push({ id: key as ItemId, version: n, ...(doc as Leaving) });
  }
  return deltas;
}
