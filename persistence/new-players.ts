import type { PlayerId } from '../schema/ids.ts';
import { GroupCommit } from './group-commit.ts';
import { newId } from './new-id.ts';
import type { Transact } from './routed-transact.ts';
import { slotOf } from './slots.ts';
import type { Statement } from './shard-transaction.ts';

const SIZE_MAX = 100;
const WAITING_MAX = 5_000;

/** Players and their inventories, empty; the rest of both is as the tables say. */
const CREATE_PLAYERS: Statement = {
  name: 'create-players',
  text: `with born as (select * from unnest($1::uuid[], $2::smallint[], $3::text[], $4::text[]) as born(id, slot, name, region)),
    players as (insert into player (id, slot, name, region) select id, slot, name, region from born)
    insert into inventory (holder) select id from born`,
};

export interface NewPlayer {
  name: string;
  region: string;
}

type Born = NewPlayer & { id: PlayerId };

/** Makes players without an account, many in one transaction of their shard. [AC5] */
export function playerMaker(transact: Transact, shardOf: (key: string) => number): (player: NewPlayer) => Promise<PlayerId> {
  const group = new GroupCommit<Born>({
    sizeMax: SIZE_MAX,
    waitingMax: WAITING_MAX,
    async commit(born) {
      const ids = born.map(({ id }) => id);
      await transact(ids, 'account', async (transaction) => {
        // Sent in one go with the rows, ahead of them.
        const slotsTaken = transaction.takeSlots(ids);
        // A slot may have moved while they waited, and then they are on more shards than one.
        const inserts = transaction.parts.map((part) => {
          const here = born.filter(({ id }) => transaction.shardOf(id) === part.shard.index);
          return part.query(CREATE_PLAYERS, [here.map(({ id }) => id), here.map(({ id }) => slotOf(id)), here.map(({ name }) => name), here.map(({ region }) => region)]);
        });
        await Promise.all([slotsTaken, ...inserts]);
      });
    },
  });
  return async (player) => {
    const id = newId<PlayerId>();
    await group.add(shardOf(id), { ...player, id });
    return id;
  };
}
