import type { InventoryDelta } from '../schema/inventory-delta.ts';
import type { HolderId, ItemId, PlayerId, TransactionId } from '../schema/ids.ts';
import type { Attributes } from '../schema/quantities.ts';
import type { RefusalCode } from '../schema/refusals.ts';
import type { GuildFlush } from './guilds/flush.ts';
import type { CommandRecord, Posting } from './posting.ts';

/** One movement of value: everything in it happens, or nothing. [LD1] */
export interface Movement {
  reason: string;
  postings: readonly Posting[];
  /** At least one, and each id acts once. */
  commands: readonly CommandRecord[];
  /** Sessions that must still be current; a displaced one's movement is refused. [SE2] */
  fences?: readonly { player: PlayerId; epoch: number }[];
  /** Experience earned with it; not value, but it should not be earned twice. */
  experience?: { player: PlayerId; xp: number };
  /** What support does is kept by no freeze and no pause: it is what they are for. [OP4] */
  bySupport?: true;
  /** Decided under the locks: then there are no postings and no commands before that. [GA2] */
  guild?: GuildFlush;
}

/** An item posting that met another version than the decision was made on. */
export interface StaleItem {
  item: ItemId;
  /** What the item is now, at the same holder. */
  version: number;
  kind: string;
  attributes: Attributes;
}

export type MovementOutcome =
  /** `at`, where a guild's actions were decided before the locks: when the transaction began, as `GuildRow.now`. */
  | { status: 'committed'; transactionId: TransactionId; deltas: InventoryDelta[]; answers: unknown[]; profile?: { player: PlayerId; xp: number; level: number }; at?: number }
  /** One of its command ids already acted: what it answered then, and whether it asked the same. */
  | { status: 'known'; hash: Buffer; answer: unknown; command: number }
  | { status: 'stale'; items: StaleItem[] }
  | { status: 'refused'; code: RefusalCode; details: Record<string, unknown> };

/** To look through so many postings again costs less than to remember what was found. */
const FEW = 8;
const remembered = new WeakMap<Movement, readonly HolderId[]>();

/** Every holder that a posting touches, or a guild's actions may, once each. Every step of a settlement asks. */
export function holdersOf(movement: Movement): readonly HolderId[] {
  const { postings, guild } = movement;
  if (guild !== undefined) return guild.holders;
  if (postings.length <= FEW) return holdersAmong(postings);
  let found = remembered.get(movement);
  if (found === undefined) {
    found = [...new Set(postings.flatMap(endsOf))];
    remembered.set(movement, found);
  }
  return found;
}

function holdersAmong(postings: readonly Posting[]): readonly HolderId[] {
  const found: HolderId[] = [];
  for (const posting of postings) {
    const { receiver } = posting;
    if ('giver' in posting && posting.giver !== null && !found.includes(posting.giver)) found.push(posting.giver);
    if (receiver !== null && !found.includes(receiver)) found.push(receiver);
  }
  return found;
}

const endsOf = (posting: Posting): HolderId[] => ['giver' in posting ? posting.giver : null, posting.receiver].filter((end) => end !== null);

/** The items that its postings name. */
export function itemsOf({ postings }: Movement): ItemId[] {
  const items: ItemId[] = [];
  for (const posting of postings) if ('item' in posting) items.push(posting.item);
  return items;
}
