import { defineEntity, p } from '@mikro-orm/postgresql';

/** One row per holder: its lock, its version and the epoch that fences displaced sessions. */
export const Inventory = defineEntity({
  name: 'Inventory',
  tableName: 'inventory',
  properties: {
    holder: p.uuid().primary(),
    version: p.bigint('number').default(0),
    sessionEpoch: p.bigint('number').default(0),
    /** Which client took that session, if it said so. */
    sessionClient: p.uuid().nullable(),
    /** By support: nothing of value leaves or enters. */
    frozen: p.boolean().default(false),
    /** How many trades this holder ever completed. */
    traded: p.bigint('number').default(0),
  },
});

/** How many of one asset a holder has; zero rows stay, so that a busy balance is updated in place. */
export const Balance = defineEntity({
  name: 'Balance',
  tableName: 'balance',
  properties: {
    holder: p.uuid().primary(),
    asset: p.string().length(32).primary(),
    quantity: p.bigint('number'),
  },
});

/** A unique item and who holds it. */
export const Item = defineEntity({
  name: 'Item',
  tableName: 'item',
  properties: {
    id: p.uuid().primary(),
    holder: p.uuid(),
    kind: p.string().length(32),
    attributes: p.json<Record<string, unknown>>(),
    version: p.integer(),
    bound: p.boolean(),
  },
});
