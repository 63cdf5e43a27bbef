import type { Statement } from '../shard-transaction.ts';
import { SERVICE_ACTOR } from '../posting.ts';

const BOUND = 9_007_199_254_740_991n;

/** Any number, the same in every process: shared by who writes a score, alone by who closes a season. */
export const SEASON_LOCK = 7_203_454;
export const KEEP_SEASON: Statement = { name: 'keep-season', text: `select pg_advisory_xact_lock_shared(${SEASON_LOCK})` };
export const STOP_SCORES = `select pg_advisory_xact_lock(${SEASON_LOCK})`;

/** What stands as the answer of a claim, which nobody is answered with. Not null, which a slot that moves would take for absent. */
const CLAIM_ANSWER = '{}';

/** The command ids of scores on their own slots, $1 with their hashes $2: who comes later with another score under one is refused. Fails when one is there. */
const CLAIM_TEXT = `insert into command (actor, id, hash, answer) select '${SERVICE_ACTOR}', id, decode(hash, 'hex'), '${CLAIM_ANSWER}'
    from unnest($1::uuid[], $2::text[]) as c(id, hash) order by id`;
export const CLAIM: Statement = { name: 'score-claim', text: CLAIM_TEXT };
/** As CLAIM, of ids that may be there: answers those that are new. */
export const CLAIM_NEW: Statement = { name: 'score-claim-new', text: `${CLAIM_TEXT} on conflict do nothing returning id` };
/** What stands under ids that were claimed before. */
export const CLAIMED: Statement = {
  name: 'score-claimed',
  text: `select id, k.hash from unnest($1::uuid[]) as c(id) cross join lateral (select encode(hash, 'hex') as hash from command where actor = '${SERVICE_ACTOR}' and command.id = c.id offset 0) k`,
};
/** Of a score that was refused: nothing happened under its id. */
export const UNCLAIM: Statement = {
  name: 'score-unclaim',
  text: `delete from command where actor = '${SERVICE_ACTOR}' and id = $1 and hash = decode($2, 'hex') and answer = '${CLAIM_ANSWER}'`,
};

/** What of the game's counts is in the scores of earlier seasons of a player, `t`. */
const BASE = `greatest(
  coalesce((select max(counted) from score e where e.player = t.player and e.board = t.board and e.season < t.season), 0),
  coalesce((select max(counted) from score_result e where e.player = t.player and e.board = t.board and e.season < t.season), 0))`;

export type Merging = 'highest' | 'lowest' | 'latest' | 'sum';

const MERGED: Record<Merging, string> = {
  highest: 'greatest(r.value, excluded.value)',
  lowest: 'least(r.value, excluded.value)',
  latest: 'excluded.value',
  sum: `least(r.value::numeric + excluded.value, ${BOUND})::bigint`,
};
/** What cannot change a score writes nothing: a best score is seldom beaten. */
const CHANGES: Record<Merging, string> = {
  highest: 't.held is null or t.value > t.held',
  lowest: 't.held is null or t.value < t.held',
  latest: 'true',
  sum: 'true',
};

/**
 * Scores of one rule, each player and board at most once: rows of ($1 player, $2 command, $3 hash, $4 board, $5 value, $6 whether its
 * id was claimed just now, so that nothing can have happened under it), their places from 1. A command that acted before is answered as then; the others are merged into the score of the season that is open here, and remembered.
 * The caller keeps the season and the players' slots where they are. [LB3] [LB4]
 *
 * What a row depends on is looked up beside it, row by row, and what was written is joined by hashing. PostgreSQL must think that there are
 * many rows, or it compares each with each: so they come from a series, whose length it does not guess, and `acts` is a column of truth,
 * of which it takes half.
 */
const record = (merging: Merging): Statement => ({
  name: `score-record-${merging}`,
  text: `with s as materialized (select board, number as season from season where closed_at is null),
p as materialized (select ix, ($1::uuid[])[ix] as player, ($2::uuid[])[ix] as command, decode(($3::text[])[ix], 'hex') as hash, ($4::text[])[ix] as board, ($5::bigint[])[ix] as value, ($6::bool[])[ix] as fresh
  from generate_series(1, cardinality($1::uuid[])) as ix),
t as materialized (select p.*, l.region, s.season, k.known, k.answer, c.held, k.known is null and l.region is not null and s.season is not null as acts from p
  left join lateral (select hash as known, answer from command where not p.fresh and actor = p.player and id = p.command offset 0) k on true
  left join lateral (select region from player where id = p.player offset 0) l on true
  left join s on s.board = p.board
  left join lateral (select value as held from score where player = p.player and board = p.board and season = s.season offset 0) c on true),
written as (insert into score as r (player, board, season, region, value, counted)
  select t.player, t.board, t.season, t.region, t.value, case when t.held is null then ${BASE} else 0 end
  from t where t.acts and (${CHANGES[merging]}) order by t.board, t.player
  on conflict (player, board, season) do update set value = ${MERGED[merging]}, version = r.version + 1, changed_at = now()
  returning player, board, region, value, version),
told as materialized (select t.*, w.region as stands, w.version, coalesce(w.value, t.held) as score from t left join written w on w.player = t.player and w.board = t.board),
answered as (insert into command (actor, id, hash, answer)
  select player, command, hash, jsonb_build_object('season', season, 'score', score) from told where acts)
select ix, encode(known, 'hex') as "knownHash", answer, region is not null as "exists", season, stands as region, score::float8 as score, version::float8 as version from told`,
});
export const RECORD: Record<Merging, Statement> = { highest: record('highest'), lowest: record('lowest'), latest: record('latest'), sum: record('sum') };

/**
 * What the game counts of players, $1, as a score on a board, $2: by how much more it counts than the scores have in them, so
 * that it may run at any time and any number of times. [LB7]
 */
const countedInto = (name: string, count: string): Statement => ({
  name: `score-${name}`,
  text: `with t as materialized (select d.player, $2::text as board, l.region, s.number as season, c.total from unnest($1::uuid[]) as d(player)
  cross join lateral (select region, gathered from player where id = d.player offset 0) l
  cross join lateral (select ${count} as total from inventory where holder = d.player offset 0) c
  join season s on s.board = $2 and s.closed_at is null)
insert into score as r (player, board, season, region, value, counted)
  select player, board, season, region, total - base, total from (
    select t.*, case when h.counted is null then ${BASE} else 0 end as base from t
      left join lateral (select counted from score where player = t.player and board = t.board and season = t.season offset 0) h on true
    where t.total > coalesce(h.counted, 0)) n
  where total > base order by player
  on conflict (player, board, season) do update set value = least(r.value::numeric + excluded.counted - r.counted, ${BOUND})::bigint, counted = excluded.counted, version = r.version + 1, changed_at = now()
    where excluded.counted > r.counted
  returning player, board, season, region, value::float8 as value, version::float8 as version`,
});

/** How much gold players, $1, have now. `counted` is the inventory's version at which they had it: of two who look, the later look stays. */
const WEALTH: Statement = {
  name: 'score-wealth',
  text: `with t as materialized (select d.player, $2::text as board, l.region, s.number as season, v.version, coalesce(b.quantity, 0) as total from unnest($1::uuid[]) as d(player)
  cross join lateral (select region from player where id = d.player offset 0) l
  cross join lateral (select version from inventory where holder = d.player offset 0) v
  left join lateral (select quantity from balance where holder = d.player and asset = 'gold' offset 0) b on true
  join season s on s.board = $2 and s.closed_at is null)
insert into score as r (player, board, season, region, value, counted)
  select t.player, t.board, t.season, t.region, t.total, t.version from t
    left join lateral (select counted from score where player = t.player and board = t.board and season = t.season offset 0) h on true
  where t.version > coalesce(h.counted, 0) order by t.player
  on conflict (player, board, season) do update set value = excluded.value, counted = excluded.counted, version = r.version + 1, changed_at = now()
    where excluded.counted > r.counted
  returning player, board, season, region, value::float8 as value, version::float8 as version`,
};

export const COUNT = { gathered: countedInto('gathered', 'l.gathered'), trades: countedInto('trades', 'traded'), wealth: WEALTH };
