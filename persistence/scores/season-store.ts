import type { PoolClient } from 'pg';
import type { PlayerId } from '../../schema/ids.ts';
import { invariant } from '../../schema/invariant.ts';
import { takeMoveLock } from '../reshard/move-lock.ts';
import type { Transact } from '../routed-transact.ts';
import type { Shard } from '../shard.ts';
import { openStream, type RowStream } from './row-stream.ts';
import type { SlotMap } from '../slot-map.ts';
import { STOP_SCORES } from './score-statements.ts';

const PLACES_AT_ONCE = 500;
const FORGOTTEN_AT_ONCE = 5_000;

/** The season of a board that is open. */
export interface OpenSeason {
  board: string;
  number: number;
  /** Unix milliseconds by the first shard's clock; null when nothing ends it. */
  endsAt: number | null;
}

export interface Seasons {
  /** By the first shard's clock, in Unix milliseconds. */
  now: number;
  open: Map<string, OpenSeason>;
  /** Closed, and their places are not written down yet. */
  unarchived: { board: string; number: number }[];
}

/** A row of a season, the best first. */
export interface FinalScore {
  player: PlayerId;
  region: string;
  value: number;
}

/** A place in a season that was closed. */
export interface FinalPlace extends FinalScore {
  rank: number;
  regionRank: number;
}

/** How a season's places are told. */
export interface FinalOrder {
  isLower: boolean;
  /** In which of the board's regions somebody stands who is at home in that one. */
  regionOf: (home: string) => string;
}

export interface ClosedSeason {
  number: number;
  startedAt: number;
  closedAt: number;
  /** How many stood on it; null while their places are not written down yet. */
  players: number | null;
}

/** Seasons: which is open stands on every shard, and the first shard decides. [LB8] */
export interface SeasonStore {
  /** As the first shard has them. */
  read(): Promise<Seasons>;
  /** Begins the first season of boards that have none, and tells every shard what the first one says. */
  ensure(boards: readonly string[]): Promise<void>;
  /** Says when the open season ends. Nothing happens if that season is closed. */
  schedule(board: string, number: number, endsAt: number | null): Promise<void>;
  /**
   * Ends a season that is over by the first shard's clock, and opens the next. Every score that is committed is in one of both.
   * @returns whether it was this call that closed it: of any number, one is
   */
  close(board: string, number: number, nextEndsAt: number | null): Promise<boolean>;
  /**
   * Writes down the places of a closed season, then forgets its scores. It may be interrupted and run again.
   * @returns how many players; undefined when somebody else is at it, or slots are being moved: later
   */
  archive(board: string, number: number, how: FinalOrder): Promise<number | undefined>;
  /** Whether the places of a season are all written down. */
  isArchived(board: string, number: number): Promise<boolean>;
  /** The best places of a closed season; in a region by their places there. */
  places(board: string, number: number, region: string | undefined, limit: number): Promise<FinalPlace[]>;
  /** The newest first. */
  closed(board: string): Promise<ClosedSeason[]>;
}

interface SeasonRow {
  board: string;
  number: number;
  endsAt: number | null;
  now: number;
  isOpen: boolean;
}

const READ = `select board, number, (extract(epoch from ends_at) * 1000)::float8 as "endsAt", (extract(epoch from clock_timestamp()) * 1000)::float8 as now,
  closed_at is null as "isOpen" from season where closed_at is null or archived_at is null order by board, number`;
const BEGIN = `insert into season (board, number) select board, 1 from unnest($1::text[]) as b(board)
  where not exists (select from season s where s.board = b.board) on conflict do nothing`;
/** Every shard says of the open seasons, $1 with their numbers $2, what the first one does. What is still to be written down is the first one's to know. */
const ADOPT = `with told as (select * from unnest($1::text[], $2::int[]) as t(board, number)),
  ended as (update season s set closed_at = now(), archived_at = now() from told t where s.board = t.board and s.closed_at is null and s.number < t.number returning s.board)
  select count(*) from ended`;
const ADOPT_OPEN = `insert into season (board, number) select board, number from unnest($1::text[], $2::int[]) as t(board, number)
  where not exists (select from season s where s.board = t.board and s.number >= t.number) on conflict do nothing`;
const CLOSE = `update season set closed_at = now() where board = $1 and number = $2 and closed_at is null and ends_at <= clock_timestamp() returning number`;
const OPEN_NEXT = `insert into season (board, number, ends_at) values ($1, $2, to_timestamp($3::float8 / 1000))`;
const IN_ORDER = (isLower: boolean) => `select player, region, value::float8 as value from score where board = $1 and season = $2 order by value ${isLower ? 'asc' : 'desc'}, player`;
const WRITE_PLACES = `insert into score_result (player, board, season, region, value, counted, rank, region_rank)
  select r.player, r.board, r.season, p.region, r.value, r.counted, p.rank, p.region_rank
  from unnest($3::uuid[], $4::bigint[], $5::bigint[], $6::text[]) as p(player, rank, region_rank, region) join score r on r.player = p.player and r.board = $1 and r.season = $2
  on conflict do nothing`;
const FORGET_SCORES = `delete from score where ctid = any(array(select ctid from score where board = $1 and season = $2 limit ${FORGOTTEN_AT_ONCE}))`;
const ARCHIVED = 'update season set archived_at = now(), players = $3 where board = $1 and number = $2 and archived_at is null';

export function seasonStore(shards: readonly Shard[], map: SlotMap, transact: Transact): SeasonStore {
  const first = (): Shard => {
    const [shard] = shards;
    invariant(shard, 'there is a first shard');
    return shard;
  };
  const readOn = async (shard: Shard) => (await shard.pool.query<SeasonRow>(READ)).rows;

  /** Stops the writers of scores on a shard for as long as it takes: a few statements. */
  async function alone<Result>(shard: Shard, work: (client: PoolClient) => Promise<Result>): Promise<Result> {
    const client = await shard.pool.connect();
    let broken = true;
    try {
      await client.query('begin');
      await client.query(STOP_SCORES);
      const result = await work(client);
      await client.query('commit');
      broken = false;
      return result;
    } catch (error) {
      broken = !(await client.query('rollback').then(() => true, () => false));
      throw error;
    } finally {
      client.release(broken);
    }
  }

  /** @returns whether every shard says what the first one does; one that is away is told when it is back */
  async function adoptEverywhere(): Promise<boolean> {
    const says = (rows: readonly SeasonRow[]) => new Map(rows.filter(({ isOpen }) => isOpen).map(({ board, number }) => [board, number]));
    const wanted = says(await readOn(first()));
    const values = [[...wanted.keys()], [...wanted.values()]];
    const told = await Promise.allSettled(
      shards.slice(1).map(async (shard) => {
        const held = says(await readOn(shard));
        if ([...wanted].every(([board, number]) => (held.get(board) ?? 0) >= number)) return;
        await alone(shard, async (client) => {
          await client.query(ADOPT, values);
          await client.query(ADOPT_OPEN, values);
        });
      }),
    );
    return told.every(({ status }) => status === 'fulfilled');
  }

  return {
    async read() {
      const rows = await readOn(first());
      return {
        now: rows[0]?.now ?? Date.now(),
        open: new Map(rows.filter(({ isOpen }) => isOpen).map(({ board, number, endsAt }) => [board, { board, number, endsAt }])),
        unarchived: rows.filter(({ isOpen }) => !isOpen).map(({ board, number }) => ({ board, number })),
      };
    },

    async ensure(boards) {
      if (boards.length > 0) await first().pool.query(BEGIN, [[...boards]]);
      await adoptEverywhere();
    },

    async schedule(board, number, endsAt) {
      await first().pool.query('update season set ends_at = to_timestamp($3::float8 / 1000) where board = $1 and number = $2 and closed_at is null', [board, number, endsAt]);
    },

    async close(board, number, nextEndsAt) {
      const closed = await alone(first(), async (client) => {
        const { rowCount } = await client.query(CLOSE, [board, number]);
        if (rowCount !== 1) return false;
        await client.query(OPEN_NEXT, [board, number + 1, nextEndsAt]);
        return true;
      });
      await adoptEverywhere();
      return closed;
    },

    async archive(board, number, how) {
      // Nobody writes to a closed season, and while this lock is held no row goes from one shard to another.
      const keeper = await first().pool.connect();
      try {
        if (!(await takeMoveLock(keeper))) return undefined;
        await map.keepUp();
        // On a shard that does not know yet, somebody may still write to it.
        if (!(await adoptEverywhere())) return undefined;
        await writePlaces(board, number, how);
        // Only now: who is interrupted while forgetting writes no place anew.
        await Promise.all(shards.map((shard) => forgetScores(shard, board, number)));
        const counts = await Promise.all(shards.map(async ({ pool }) => (await pool.query<{ count: number }>('select count(*)::float8 as count from score_result where board = $1 and season = $2 and rank > 0', [board, number])).rows[0]?.count ?? 0));
        const players = counts.reduce((sum, count) => sum + count, 0);
        await keeper.query(ARCHIVED, [board, number, players]);
        return players;
      } finally {
        // The lock is the session's, and ends with it.
        keeper.release(true);
      }
    },

    async isArchived(board, number) {
      const { rows } = await first().pool.query('select from season where board = $1 and number = $2 and archived_at is not null', [board, number]);
      return rows.length > 0;
    },

    async places(board, number, region, limit) {
      const rank = region === undefined ? 'rank' : 'region_rank';
      const text = `select player, region, value::float8 as value, rank::float8 as rank, region_rank::float8 as "regionRank" from score_result
        where board = $1 and season = $2 and rank > 0 and ($3::text is null or region = $3) order by ${rank} limit $4`;
      const found = await Promise.all(shards.map(async ({ pool }) => (await pool.query<FinalPlace>(text, [board, number, region ?? null, limit])).rows));
      const place = (one: FinalPlace) => (region === undefined ? one.rank : one.regionRank);
      return found.flat().toSorted((a, b) => place(a) - place(b) || (a.player < b.player ? -1 : 1)).slice(0, limit);
    },

    async closed(board) {
      const { rows } = await first().pool.query<ClosedSeason>(
        `select number, (extract(epoch from started_at) * 1000)::float8 as "startedAt", (extract(epoch from closed_at) * 1000)::float8 as "closedAt",
          case when archived_at is not null then players::float8 end as players from season where board = $1 and closed_at is not null order by number desc limit 100`,
        [board],
      );
      return rows;
    },
  };

  /** Reads every shard in order and merges: a place is how many stand before, and equal scores share one. */
  async function writePlaces(board: string, number: number, { isLower, regionOf }: FinalOrder): Promise<void> {
    const streams = await Promise.all(shards.map((shard) => openStream<FinalScore>(shard, IN_ORDER(isLower), [board, number])));
    const waiting = shards.map((): FinalPlace[] => []);
    const [all, inRegion] = [new Counter(), new Map<string, Counter>()];
    try {
      for (;;) {
        const next = await takeBest(streams, isLower);
        if (next === undefined) break;
        const name = regionOf(next.region);
        const region = inRegion.get(name) ?? new Counter();
        inRegion.set(name, region);
        const shard = map.view.shardOf(next.player);
        const here = waiting[shard] as FinalPlace[];
        here.push({ ...next, region: name, rank: all.place(next.value), regionRank: region.place(next.value) });
        if (here.length >= PLACES_AT_ONCE) await write(board, number, here.splice(0));
      }
      for (const here of waiting) if (here.length > 0) await write(board, number, here);
    } finally {
      await Promise.all(streams.map((stream) => stream.close()));
    }
  }

  async function write(board: string, number: number, places: readonly FinalPlace[]): Promise<void> {
    const keys = places.map(({ player }) => player);
    await transact(keys, 'season-places', async (transaction) => {
      await transaction.takeSlots(keys);
      for (const part of transaction.parts) {
        const here = places.filter(({ player }) => transaction.shardOf(player) === part.shard.index);
        await part.raw(WRITE_PLACES, [board, number, here.map(({ player }) => player), here.map(({ rank }) => rank), here.map(({ regionRank }) => regionRank), here.map(({ region }) => region)]);
      }
    });
  }
}

/** Gives out places to scores that come in order; equal ones share theirs: 1, 1, 3. */
class Counter {
  #count = 0;
  #rank = 0;
  #value: number | undefined;

  place(value: number): number {
    this.#count++;
    if (value !== this.#value) this.#rank = this.#count;
    this.#value = value;
    return this.#rank;
  }
}

async function takeBest(streams: readonly RowStream<FinalScore>[], isLower: boolean): Promise<FinalScore | undefined> {
  const isBefore = (a: FinalScore, b: FinalScore) => (a.value === b.value ? a.player < b.player : a.value < b.value === isLower);
  let best: RowStream<FinalScore> | undefined;
  for (const stream of streams) if (stream.head !== undefined && (best?.head === undefined || isBefore(stream.head, best.head))) best = stream;
  return await best?.take();
}

async function forgetScores({ pool }: Shard, board: string, number: number): Promise<void> {
  const client = await pool.connect();
  let broken = true;
  try {
    await client.query('set enable_seqscan = on; set plan_cache_mode = force_custom_plan');
    while (((await client.query(FORGET_SCORES, [board, number])).rowCount ?? 0) > 0);
    await client.query('reset enable_seqscan; reset plan_cache_mode');
    broken = false;
  } finally {
    client.release(broken);
  }
}
