import type { CommandId } from '../schema/ids.ts';
import { invariant } from '../schema/invariant.ts';
import { Refusal } from '../schema/refusals.ts';
import { isLostRace } from './database-errors.ts';
import { inGroups } from './group-read.ts';
import { homeOf, type CommandActor } from './posting.ts';
import type { RoutedRead } from './routed-read.ts';
import type { Shard } from './shard.ts';
import type { Statement } from './shard-transaction.ts';

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

/**
 * With a command whether anybody may be writing for its player, seen in the same moment: a writer has marked the row that it locks
 * before it writes, and whoever wrote after this snapshot has as well. A row that nobody marked needs no waiting.
 */
const FIND: Statement = {
  name: 'find-commands',
  text: `select k.place::int as place, c.hash, c.answer, coalesce(v.xmax::text = '0', false) as quiet
    from unnest($1::uuid[], $2::uuid[]) with ordinality as k(actor, id, place)
    left join command c on c.actor = k.actor and c.id = k.id left join inventory v on v.holder = k.actor`,
};

interface Found {
  known: KnownCommand | undefined;
  /** Nobody was writing for the player. */
  quiet: boolean;
}

export function commandReader(read: RoutedRead): CommandReader {
  const findMany = inGroups<string, Found>(async ({ pool }, keys) => {
    const named = keys.map((key) => key.split('/'));
    const { rows } = await pool.query<{ place: number; hash: Buffer | null; answer: unknown; quiet: boolean }>({ ...FIND, values: [named.map(([actor]) => actor), named.map(([, id]) => id)] });
    return rows.map(({ place, hash, answer, quiet }) => [keys[place - 1] as string, { known: hash === null ? undefined : { hash, answer }, quiet }]);
  });
  const findOn = async (shard: Shard, actor: CommandActor, id: CommandId): Promise<Found> => {
    const [found] = await findMany(shard, [`${actor}/${id}`]);
    invariant(found, 'a shard answers for every command that it is asked for');
    return found[1];
  };
  return {
    async find(actor, id, { awaitWriters = false } = {}) {
      const home = homeOf(actor, id);
      const found = await read([home], async (shard): Promise<[string, KnownCommand | undefined][]> => {
        const { known, quiet } = await findOn(shard, actor, id);
        // Who only looks first may be wrong: the write looks again.
        if (known !== undefined || !awaitWriters) return [[home, known]];
        if (quiet) return [];
        await writersOf(shard, actor);
        // A second statement: what the writer wrote is not in the first one's snapshot.
        const { known: written } = await findOn(shard, actor, id);
        return written === undefined ? [] : [[home, written]];
      });
      return found.get(home);
    },
  };
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
