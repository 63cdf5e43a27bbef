import { setTimeout as delay } from 'node:timers/promises';
import type { CommandReader, Movement } from '../../persistence/index.ts';
import { invariant } from '../../schema/invariant.ts';

/** `settled` and `nothing` are final; `unknown` means that the database did not say within the time. */
export type Fate = 'settled' | 'nothing' | 'unknown';

export interface Patience {
  retryMs: number;
  /** Far longer than a resolver needs, and than a database that starts again. */
  maxMs: number;
}

const PATIENCE: Patience = { retryMs: 1_000, maxMs: 180_000 };

/**
 * What became of a settlement whose submission failed, by one of its commands: all of them are written with it. [TR12]
 *
 * `nothing` is final, because the database is asked after the submission gave up, and in this order:
 * 1. No new transaction begins: the ledger retries no more, and the window submits nothing while it settles.
 * 2. One that may commit still holds the rows of both players. It took them FOR UPDATE in its first statement, whose
 *    answer was waited for before a commit or a prepare was sent. It keeps them to its end, whether its client is there
 *    or not: in a backend that is busy with the COMMIT of a lost connection, and as a prepared transaction, also over a
 *    restart of PostgreSQL, which lets nobody in before it has recovered.
 * 3. `awaitWriters` takes the player's row FOR KEY SHARE, which FOR UPDATE excludes, so it waits for that end. A commit
 *    is visible before its locks are released, and the look afterwards is a new statement with a new snapshot.
 * 4. Over several shards the part on this player's shard decides for all. On the home shard, its commit is the commit
 *    point. On another, it was prepared before the home's COMMIT was sent, and it is rolled back only by the decision to
 *    abort, on whose row a late COMMIT of the home fails.
 * A backend that only waits for the rows can get them later, but it never commits: nobody is left to tell it to.
 *
 * BUSY (the writer has not ended), a lost connection, and whatever else keeps the answer away mean: ask again.
 */
export async function fateOf(commands: CommandReader, movement: Movement, { retryMs, maxMs }: Patience = PATIENCE): Promise<Fate> {
  const [command] = movement.commands;
  invariant(command, 'a movement answers a command');
  const giveUp = new AbortController();
  const ask = async (): Promise<Fate> => {
    for (;;) {
      try {
        const known = await commands.find(command.actor, command.id, { awaitWriters: true });
        // An id that did something else before cannot have settled this: its row is in the way.
        return known?.hash.equals(command.hash) ? 'settled' : 'nothing';
      } catch {
        // No answer yet. Throws when the time is over.
        await delay(retryMs, undefined, { signal: giveUp.signal });
      }
    }
  };
  // Also over a look that never comes back, as on a connection that was cut without a word.
  const late = delay(maxMs, 'unknown' as const, { signal: giveUp.signal });
  return await Promise.race([ask(), late]).finally(() => giveUp.abort());
}
