import type { Bench } from './kit/bench.ts';
import { openBenchRedis } from './kit/redis.ts';
import { churnRows } from './sessions/churn.ts';
import { loginRows } from './sessions/logins.ts';
import { lookupRows } from './sessions/lookups.ts';
import { takeOverRows } from './sessions/take-overs.ts';

/** Who is where, taking over from another device, coming in, and what session objects cost. */
export const sessions: Bench = {
  name: 'sessions',
  title: 'Sessions: the store against bare Redis, a take-over and new accounts against the same by hand, pooled objects against new ones (Redis, PostgreSQL with fsync on, server and clients on this machine)',
  async run({ rounds, playersMax }) {
    const redis = await openBenchRedis();
    try {
      return [...(await lookupRows(redis.link, rounds)), ...(await takeOverRows(redis.link, rounds)), ...(await churnRows(rounds)), ...(await loginRows(rounds, playersMax))];
    } finally {
      await redis.close();
    }
  },
};
