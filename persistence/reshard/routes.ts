import { invariant } from '../../schema/invariant.ts';
import type { Shard } from '../shard.ts';
import type { SlotMove } from './move.ts';

/** What of a plan goes from one shard to one other. */
export interface Route {
  source: number;
  target: number;
  /** Ascending. */
  slots: number[];
  players: number;
  rows: number;
}

const WEIGH = `
  with s as materialized (select slot, target from unnest($1::int[], $2::int[]) as s(slot, target)),
  h as materialized (select v.holder, s.target from s join inventory v on slot_of(v.holder::text) = s.slot),
  found as (
    select target, 1 as players, 2 as rows from h
    union all select h.target, 0, 1 from h join balance b on b.holder = h.holder
    union all select h.target, 0, 1 from h join item i on i.holder = h.holder
    union all select h.target, 0, 1 from h join command c on c.actor = h.holder
    union all select s.target, 0, 1 from s join account a on slot_of(a.login) = s.slot
    union all select s.target, 0, 1 from command c join s on s.slot = slot_of(c.id::text) where c.actor = '00000000-0000-0000-0000-000000000000'
    union all select coalesce(g.target, r.target), 0, 1 from ledger l left join h g on g.holder = l.giver left join h r on r.holder = l.receiver
      where g.target is not null or r.target is not null)
  select target, sum(players)::int as players, sum(rows)::float8 as rows from found group by target`;

/** Who and how much is about to move, by where from and where to. Counts as of now; players go on playing. */
export async function weighMoves(shards: readonly Shard[], owners: ArrayLike<number>, moves: readonly SlotMove[]): Promise<Route[]> {
  const bySource = Map.groupBy(moves, ({ slot }) => owners[slot] as number);
  const routes = await Promise.all(
    [...bySource].map(async ([source, leaving]) => {
      const counts = await weighOn(shards[source], leaving);
      const byTarget = Map.groupBy(leaving, ({ target }) => target);
      return [...byTarget].map(([target, group]): Route => {
        const { players = 0, rows = 0 } = counts.get(target) ?? {};
        return { source, target, slots: group.map(({ slot }) => slot).toSorted((a, b) => a - b), players, rows };
      });
    }),
  );
  return routes.flat().toSorted((a, b) => a.source - b.source || a.target - b.target);
}

async function weighOn(shard: Shard | undefined, moves: readonly SlotMove[]): Promise<Map<number, { players: number; rows: number }>> {
  invariant(shard, 'what holds a slot is a shard');
  const client = await shard.pool.connect();
  try {
    // A ledger is long, and nobody waits for this.
    await client.query('set statement_timeout = 0; set enable_seqscan = on');
    const { rows } = await client.query<{ target: number; players: number; rows: number }>(WEIGH, [moves.map(({ slot }) => slot), moves.map(({ target }) => target)]);
    return new Map(rows.map(({ target, ...counts }) => [target, counts]));
  } finally {
    client.release(true);
  }
}
