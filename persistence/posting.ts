import type { CommandId, HolderId, ItemId, PlayerId } from '../schema/ids.ts';
import type { Attributes } from '../schema/quantities.ts';

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

/** Who asked. A player's command lives on the player's shard; the service's and the operators' on the shard of the command id's own slot. */
export type CommandActor = PlayerId | typeof SERVICE_ACTOR | typeof OPERATOR_ACTOR;
export const SERVICE_ACTOR = '00000000-0000-0000-0000-000000000000';
/** Whose commands are the record of what support did: each is answered with what, why, and to whom. [OP1] */
export const OPERATOR_ACTOR = '00000000-0000-0000-0000-000000000001';

/** The key by which a command is stored: its player, or of who is no player the command's own id. */
export function homeOf(actor: CommandActor, id: string): string {
  return isPlayer(actor) ? actor : id;
}

export function isPlayer(actor: CommandActor): actor is PlayerId {
  return actor !== SERVICE_ACTOR && actor !== OPERATOR_ACTOR;
}

/** A request whose effect must happen once: its id, the hash of what was asked, and what it will be answered. */
export interface CommandRecord {
  actor: CommandActor;
  id: CommandId;
  hash: Buffer;
  /** Called inside the transaction with each local holder's new version; its result is stored as JSON. */
  answer: (versions: ReadonlyMap<HolderId, number>) => unknown;
}
