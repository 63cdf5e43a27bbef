import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';

/** Who a player is; what the player has is in `inventory`, `balance` and `item`. */
export const Player = defineEntity({
  name: 'Player',
  tableName: 'player',
  properties: {
    id: p.uuid().primary(),
    slot: p.smallint(),
    name: p.string().length(24),
    region: p.string().length(32),
    level: p.integer().default(1),
    xp: p.bigint('number').default(0),
    /** How many things this player ever gathered. */
    gathered: p.bigint('number').default(0),
    guildId: p.uuid().nullable(),
    /** The e-mail that this player signs in with; null while anonymous. Set once. */
    login: p.string().length(320).nullable(),
    /** From then on the row is only what the ledger's ids refer to. */
    erasedAt: p.datetime().nullable(),
    createdAt: p.datetime().defaultRaw('now()'),
  },
});
export type Player = InferEntity<typeof Player>;
