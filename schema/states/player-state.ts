import { schema, t, type SchemaType } from '@colyseus/schema';

/**
 * A unique item as its holder sees it; `attributes` is JSON text, because a patch carries it whole or not at all. Counts and
 * versions are `number`: whole and exact to 2^53 - 1, in as many bytes as they need. [DS3]
 */
export const ItemState = schema(
  {
    kind: t.string().default(''),
    version: t.number().default(0),
    bound: t.boolean().default(false),
    attributes: t.string().default('{}'),
  },
  'ItemState',
);
export type ItemState = SchemaType<typeof ItemState>;

/** The private state of one player: only that player's own room holds it, so nothing is filtered. */
export const PlayerState = schema(
  {
    playerId: t.string().default(''),
    name: t.string().default(''),
    region: t.string().default(''),
    level: t.uint16().default(1),
    xp: t.uint64().default(0),
    inventoryVersion: t.number().default(0),
    fungibles: t.map('number'),
    items: t.map(ItemState),
    guildId: t.string().default(''),
    guildRank: t.string().default(''),
  },
  'PlayerState',
);
export type PlayerState = SchemaType<typeof PlayerState>;
