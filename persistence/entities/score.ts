import { defineEntity, p } from '@mikro-orm/postgresql';

/** A season of a board, on every shard; the one that is open is not closed. */
export const Season = defineEntity({
  name: 'Season',
  tableName: 'season',
  properties: {
    board: p.string().length(32).primary(),
    number: p.integer().primary(),
    startedAt: p.datetime().defaultRaw('now()'),
    endsAt: p.datetime().nullable(),
    closedAt: p.datetime().nullable(),
    archivedAt: p.datetime().nullable(),
    /** How many stood on it in the end. */
    players: p.bigint('number').nullable(),
  },
});

/** What a player has on a board in a season that is open, or not archived yet. */
export const ScoreEntry = defineEntity({
  name: 'ScoreEntry',
  tableName: 'score',
  properties: {
    player: p.uuid().primary(),
    board: p.string().length(32).primary(),
    season: p.integer().primary(),
    region: p.string().length(32),
    value: p.bigint('number'),
    /** How much of what the game counts of this player is in the value, or in those of earlier seasons. */
    counted: p.bigint('number').default(0),
    /** Rises with each change, so that what is late is told from what is new. */
    version: p.bigint('number').default(1),
    changedAt: p.datetime().defaultRaw('now()'),
  },
});
