import type { ClientId, PlayerId } from '../schema/ids.ts';
import { invariant } from '../schema/invariant.ts';
import { Refusal } from '../schema/refusals.ts';
import { GroupCommit } from './group-commit.ts';
import type { Transact } from './routed-transact.ts';
import type { Statement } from './shard-transaction.ts';

const SIZE_MAX = 100;
const WAITING_MAX = 5_000;

/**
 * Of many, in the order in which everybody locks. Who is being written for is left out, and goes alone: nobody else waits for
 * that writer.
 */
const RAISE_EPOCHS: Statement = {
  name: 'take-sessions',
  text: `with asked as (select holder, client from unnest($1::uuid[], $2::uuid[]) as asked(holder, client)),
    free as (select v.holder from inventory v where v.holder = any($1::uuid[]) and not exists (select from player p where p.id = v.holder and p.erased_at is not null)
      order by v.holder for no key update of v skip locked)
  update inventory v set session_epoch = v.session_epoch + 1, session_client = a.client from free f join asked a using (holder) where v.holder = f.holder
  returning v.holder, v.session_epoch::float8 as epoch`,
};

const RAISE_EPOCH: Statement = {
  name: 'take-session',
  text: 'update inventory set session_epoch = session_epoch + 1, session_client = $2 where holder = $1 and not exists (select from player where id = $1 and erased_at is not null) returning session_epoch::float8 as epoch',
};

/** @returns the epoch of the player's newest session: higher than that of every earlier one. @throws {Refusal} UNKNOWN_PLAYER */
export type TakeSession = (playerId: PlayerId, clientId?: ClientId) => Promise<number>;

interface Taking {
  playerId: PlayerId;
  clientId: ClientId | null;
  epoch?: number;
}

/** Raises epochs, many in one transaction of their shard: after a process died, all its players come at once. [SE8] */
export function sessionTaker(transact: Transact, shardOf: (key: string) => number): TakeSession {
  const group = new GroupCommit<Taking>({ sizeMax: SIZE_MAX, waitingMax: WAITING_MAX, commit: takeTogether });

  async function takeTogether(taking: readonly Taking[]): Promise<void> {
    // Of a player's sessions that come at once each has an epoch of its own.
    const firsts = new Map(taking.toReversed().map((one) => [one.playerId, one]));
    const taken = await transact(firsts.keys(), 'session', async (transaction) => {
      const sent = transaction.parts.map(async (part) => {
        const here = [...firsts.values()].filter(({ playerId }) => transaction.shardOf(playerId) === part.shard.index);
        const rows = part.query<{ holder: PlayerId; epoch: number }>(RAISE_EPOCHS, [here.map(({ playerId }) => playerId), here.map(({ clientId }) => clientId)]);
        return await Promise.all([rows, transaction.confirm(part)]).then(([raised]) => raised);
      });
      return (await Promise.all(sent)).flat();
    });
    for (const { holder, epoch } of taken) (firsts.get(holder) as Taking).epoch = epoch;
  }

  /** Outside of the group, where nobody waits for it: it may wait for a writer. */
  async function takeAlone(taking: Taking): Promise<void> {
    const { playerId, clientId } = taking;
    const [taken] = await transact([playerId], 'session', async (transaction) => {
      const part = transaction.on(transaction.shardOf(playerId));
      const [rows] = await Promise.all([part.query<{ epoch: number }>(RAISE_EPOCH, [playerId, clientId]), transaction.confirm(part)]);
      return rows;
    });
    if (taken === undefined) throw new Refusal('UNKNOWN_PLAYER', { playerId });
    taking.epoch = taken.epoch;
  }

  return async (playerId, clientId) => {
    const taking: Taking = { playerId, clientId: clientId ?? null };
    await group.add(shardOf(playerId), taking);
    if (taking.epoch === undefined) await takeAlone(taking);
    invariant(taking.epoch !== undefined, 'a session that was taken has an epoch');
    return taking.epoch;
  };
}
