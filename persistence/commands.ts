import type { CommandId } from '../schema/ids.ts';
import { SERVICE_ACTOR, type CommandActor } from './movement.ts';
import type { Shard } from './shard.ts';

export interface KnownCommand {
  hash: Buffer;
  answer: unknown;
}

/** What commands did, read by id on the shard where the command lives. */
export interface CommandReader {
  find(actor: CommandActor, id: CommandId): Promise<KnownCommand | undefined>;
}

export function commandReader(shards: readonly Shard[], shardOf: (key: string) => number): CommandReader {
  return {
    async find(actor, id) {
      const shard = shards[shardOf(actor === SERVICE_ACTOR ? id : actor)];
      const found = await shard?.pool.query<KnownCommand>({
        name: 'find-command',
        text: 'select hash, answer from command where actor = $1 and id = $2',
        values: [actor, id],
      });
      return found?.rows[0];
    },
  };
}
