import { z } from 'zod';
import { PlayerId } from '../ids.ts';
import { AROUND_RADIUS_MAX } from '../leaderboard.ts';

/** Without a player it is one's own place. */
export const Around = z.strictObject({ playerId: PlayerId.optional(), radius: z.int().min(0).max(AROUND_RADIUS_MAX).default(5) });
/** The members of one's guild, by their scores. */
export const AmongGuild = z.strictObject({});
