import { schema, t, type SchemaType } from '@colyseus/schema';

export const LeaderboardRow = schema(
  {
    rank: t.uint32().default(0),
    playerId: t.string().default(''),
    name: t.string().default(''),
    score: t.number().default(0),
    region: t.string().default(''),
  },
  'LeaderboardRow',
);
export type LeaderboardRow = SchemaType<typeof LeaderboardRow>;

/** The best of a board, or of one region of it; anyone who is signed in may look. */
export const LeaderboardState = schema(
  {
    board: t.string().default(''),
    region: t.string().default(''),
    season: t.uint32().default(0),
    /** At most 100, the best first. */
    top: t.array(LeaderboardRow),
    /** Regions that could not be asked: their players are not in `top`. */
    missing: t.array('string'),
  },
  'LeaderboardState',
);
export type LeaderboardState = SchemaType<typeof LeaderboardState>;
