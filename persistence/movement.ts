import type { InventoryDelta } from '../schema/inventory-delta.ts';
import type { CommandId, HolderId, ItemId, PlayerId, TransactionId } from '../schema/ids.ts';
import type { Attributes } from '../schema/quantities.ts';
import type { RefusalCode } from '../schema/refusals.ts';

/** So many of an asset, from one holder to another; a null giver mints, a null receiver burns. */
export interface FungiblePosting {
  asset: string;
  quantity: number;
  giver: HolderId | null;
  receiver: HolderId | null;
}

export interface ItemContent {
  kind: string;
  attributes: Attributes;
  bound: boolean;
}

/**
 * A unique item leaves its holder at the version that the decision was made on; a null receiver burns it. Its content at
 * that version goes along: whoever receives it, on whatever shard, receives what was seen.
 */
export interface ItemPosting {
  item: ItemId;
  version: number;
  content: ItemContent;
  giver: HolderId;
  receiver: HolderId | null;
}

/** A unique item comes into being. */
export interface MintPosting extends ItemContent {
  item: ItemId;
  receiver: HolderId;
}

export type Posting = FungiblePosting | ItemPosting | MintPosting;

/** Who asked. A player's command lives on the player's shard; the service's on the shard of the command id's own slot. */
export type CommandActor = PlayerId | typeof SERVICE_ACTOR;
export const SERVICE_ACTOR = '00000000-0000-0000-0000-000000000000';

/** A request whose effect must happen once: its id, the hash of what was asked, and what it will be answered. */
export interface CommandRecord {
  actor: CommandActor;
  id: CommandId;
  hash: Buffer;
  /** Called inside the transaction with each local holder's new version; its result is stored as JSON. */
  answer: (versions: ReadonlyMap<HolderId, number>) => unknown;
}

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
  | { status: 'committed'; transactionId: TransactionId; deltas: InventoryDelta[]; answers: unknown[]; profile?: { player: PlayerId; xp: number; level: number } }
  /** One of its command ids already acted: what it answered then, and whether it asked the same. */
  | { status: 'known'; hash: Buffer; answer: unknown; command: number }
  | { status: 'stale'; items: StaleItem[] }
  | { status: 'refused'; code: RefusalCode; details: Record<string, unknown> };

const holders = new WeakMap<Movement, readonly HolderId[]>();

/** Every holder that a posting touches, once each. Every step of a settlement asks, so it is found once. */
export function holdersOf(movement: Movement): readonly HolderId[] {
  let found = holders.get(movement);
  if (found === undefined) {
    found = collectHolders(movement);
    holders.set(movement, found);
  }
  return found;
}

function collectHolders({ postings }: Movement): HolderId[] {
  const found = new Set<HolderId>();
  for (const posting of postings) {
    if ('giver' in posting && posting.giver !== null) found.add(posting.giver);
    if (posting.receiver !== null) found.add(posting.receiver);
  }
  return [...found];
}
