import type { PoolClient } from 'pg';
import type { PlayerId } from '../../../schema/ids.ts';
import { invariant } from '../../../schema/invariant.ts';
import { openPool } from '../kit/pool.ts';

/** Bounded, so that no statement sorts more than memory holds. */
const CHUNK = 50_000;
/** A slot's share of the keys varies, and a shard's share of the slots does. */
const CANDIDATES_PER_PLAYER = 1.5;
const CANDIDATES_MORE = 500;
/** So many are drawn for what is done to one player after the other. */
const DRAWN_MAX = 100_000;
export const SCORE_MAX = 10_000_000;

/**
 * Players on one shard, $1, spread over regions $4, with inventories, and scores on boards $5 for those of them whose place, counted
 * from $7, is within the board's share, $6. $2 ids are drawn, and those are kept, up to $3, that live here; every $8th is answered.
 */
const POPULATE = `
with born as materialized (
  select id, $7::int + row_number() over () as place from (
    select id from (select uuidv7() as id from generate_series(1, $2::int)) as candidate
    where slot_of(id::text) in (select slot from slot where shard = $1::int) limit $3::int) b),
here as materialized (select id, place, ($4::text[])[1 + place % cardinality($4::text[])] as region, (random() * ${SCORE_MAX})::bigint as value from born),
players as (insert into player (id, slot, name, region) select id, slot_of(id::text), 'Bencher ' || place, region from here),
inventories as (insert into inventory (holder) select id from here),
scores as (insert into score (player, board, season, region, value, changed_at)
  select id, board, 1, region, value, now() - random() * interval '30 days' from here join unnest($5::text[], $6::int[]) as b(board, upto) on place <= upto),
counted as (select count(*)::int as born from here)
select id as player, region, value::float8 as value, born from counted left join here on place % $8::int = 0`;

/** A player with what every board says of it. */
export interface Scorer {
  player: PlayerId;
  region: string;
  value: number;
}

export interface BoardSize {
  name: string;
  /** How many have a score on it. */
  players: number;
}

export interface BulkScores {
  /** The largest first: all players are on it. */
  boards: readonly [BoardSize, ...BoardSize[]];
  regions: readonly string[];
}

/** Makes many players with scores in little time, past the features. @returns some of them, by shard */
export async function populateBoards(urls: readonly string[], { boards, regions }: BulkScores): Promise<Scorer[][]> {
  const share = ({ players }: BoardSize) => Math.ceil(players / urls.length);
  const every = Math.max(1, Math.floor(boards[0].players / DRAWN_MAX));
  return await Promise.all(urls.map((url, shard) => fill(url, shard)));

  async function fill(url: string, shard: number): Promise<Scorer[]> {
    // Its own connection: a shard's pool gives a statement a minute.
    const pool = openPool({ connectionString: url, max: 1 });
    const client = await pool.connect();
    try {
      const drawn: Scorer[] = [];
      for (let done = 0; done < share(boards[0]); ) done += await fillSome(client, shard, done, drawn);
      await client.query('vacuum analyze');
      return drawn;
    } finally {
      client.release();
      await pool.end();
    }
  }

  async function fillSome(client: PoolClient, shard: number, done: number, drawn: Scorer[]): Promise<number> {
    const count = Math.min(CHUNK, share(boards[0]) - done);
    const candidates = urls.length === 1 ? count : Math.ceil(count * urls.length * CANDIDATES_PER_PLAYER) + CANDIDATES_MORE;
    const { rows } = await client.query<Scorer & { player: PlayerId | null; born: number }>(POPULATE, [shard, candidates, count, regions, boards.map(({ name }) => name), boards.map(share), done, every]);
    for (const { player, region, value } of rows) if (player !== null) drawn.push({ player, region, value });
    const born = rows[0]?.born ?? 0;
    invariant(born > 0, 'some of the keys drawn live here');
    return born;
  }
}
