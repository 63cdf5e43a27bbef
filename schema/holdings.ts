import type { GuildId, ItemId, PlayerId } from './ids.ts';
import type { Attributes } from './quantities.ts';

/** A unique item, as one holder has it. */
export interface Item {
  id: ItemId;
  kind: string;
  version: number;
  bound: boolean;
  attributes: Attributes;
}

/** All that a holder has, at one version. */
export interface Holdings {
  version: number;
  fungibles: Record<string, number>;
  items: Item[];
}

export interface Profile {
  id: PlayerId;
  name: string;
  region: string;
  level: number;
  xp: number;
  guildId: GuildId | null;
}

/** A player as the service API answers: durable truth, read from PostgreSQL. */
export interface PlayerRecord extends Profile {
  slot: number;
  shard: number;
  inventoryVersion: number;
  fungibles: Record<string, number>;
  items: Item[];
}
