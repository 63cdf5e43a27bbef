import type { CommandId } from '../schema/ids.ts';
import { Refusal } from '../schema/refusals.ts';
import { isLostRace } from './database-errors.ts';
import { homeOf, type CommandActor } from './posting.ts';
import type { RoutedRead } from './routed-read.ts';
import type { Shard } from './shard.ts';

export interface KnownCommand {
  hash: Buffer;
  answer: unknown;
}

/** What commands did, read by id on the shard where the command lives. */
export interface CommandReader {
  /**
   * With `awaitWriters`, a command is unknown only once nobody is writing for the player: a transaction that another
   * shard has committed may be prepared here still, and then it did act.
   * @throws {Refusal} BUSY when the writer does not end within the lock timeout
   */
  find(actor: CommandActor, id: CommandId, options?: { awaitWriters?: boolean }): Promise<KnownCommand | undefined>;
}

export function commandReader(read: RoutedRead): CommandReader {
  return {
    async find(actor, id, { awaitWriters = false } = {}) {
      const home = homeOf(actor, id);
      const found = await read([home], async (shard): Promise<[string, KnownCommand | undefined][]> => {
        const known = await findOn(shard, actor, id);
        // Who only looks first may be wrong: the write looks again.
        if (known !== undefined || !awaitWriters) return [[home, known]];
        await writersOf(shard, actor);
        // A second statement: what the writer wrote is not in the first one's snapshot.
        const written = await findOn(shard, actor, id);
        return written === undefined ? [] : [[home, written]];
      });
      return found.get(home);
    },
  };
}

async function findOn(shard: Shard, actor: CommandActor, id: CommandId): Promise<KnownCommand | undefined> {
  const { rows } = await shard.pool.query<KnownCommand>({
    name: 'find-command',
    text: 'select hash, answer from command where actor = $1 and id = $2',
    values: [actor, id],
  });
  return rows[0];
}

/** Every settlement holds its players' rows until it ends; this waits for that, and changes nothing. */
async function writersOf(shard: Shard, actor: CommandActor): Promise<void> {
  try {
    await shard.pool.query({ name: 'await-writers', text: 'select from inventory where holder = $1 for key share', values: [actor] });
  } catch (error) {
    if (isLostRace(error)) throw new Refusal('BUSY', { reason: 'a transaction of this player has not ended' });
    throw error;
  }
}
