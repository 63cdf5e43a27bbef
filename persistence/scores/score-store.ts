import type { CommandId, PlayerId } from '../../schema/ids.ts';
import { literal } from '../array-literal.ts';
import { isUniqueViolation } from '../database-errors.ts';
import type { ReachFaultPoint } from '../fault-points.ts';
import { GroupCommit } from '../group-commit.ts';
import type { RoutedRead } from '../routed-read.ts';
import type { Transact } from '../routed-transact.ts';
import { Turns } from '../turns.ts';
import type { ShardTransaction, Statement } from '../shard-transaction.ts';
import type { Transaction } from '../transaction.ts';
import { CLAIM, CLAIM_NEW, CLAIMED, COUNT, KEEP_SEASON, RECORD, UNCLAIM, type Merging } from './score-statements.ts';

/** A batch keeps the slots of all its players, and PostgreSQL's table of locks has an end. */
const BATCH_MAX = 250;
const WAITING_MAX = 20_000;
/** A commit takes a few milliseconds. */
const TURNS = { atOnceMax: 1, holdMaxMs: 10 };
const COUNTED_AT_ONCE_MAX = 250;
/** In which scores are merged, so that two batches never wait for each other. */
const MERGING_ORDER: readonly Merging[] = ['highest', 'latest', 'lowest', 'sum'];

/** A score that the service submits; the id acts once. */
export interface ScoreCommand {
  id: CommandId;
  /** SHA-256 of what was asked. */
  hash: Buffer;
  board: string;
  merging: Merging;
  player: PlayerId;
  value: number;
}

/** What a player has on a board, as PostgreSQL has it now. Versions rise by one per change of one score. */
export interface ScoreChange {
  player: PlayerId;
  board: string;
  season: number;
  region: string;
  value: number;
  version: number;
}

export type ScoreOutcome =
  /** `change` is absent where the score stayed as it was: it was better already, or this command acted before, which is `repeated`. */
  | { status: 'recorded'; season: number; score: number; change?: ScoreChange; repeated?: true }
  /** The id did something else before. */
  | { status: 'reused' }
  | { status: 'unknown-player' }
  /** No season of the board is open where the player is. */
  | { status: 'no-season' };

/** What the game counts, by the names that boards know it by. */
export type Counted = keyof typeof COUNT;

/** Scores as PostgreSQL has them. */
export interface ScoreStore {
  /**
   * Records a score by its board's rule, together with whatever else is waiting.
   * @throws {Refusal} BUSY when too many wait, or the process lost its lease
   * @throws {OutcomeUnknown} when the connection was lost during the commit: the same again answers
   */
  record(score: ScoreCommand): Promise<ScoreOutcome>;
  /** Brings a board up to what the game counts of these players. @returns what changed */
  count(source: Counted, board: string, players: readonly PlayerId[]): Promise<ScoreChange[]>;
  /** What these players have on a board now, for whoever does not know whether they have been told of a change. */
  current(board: string, players: readonly PlayerId[]): Promise<ScoreChange[]>;
  /** A player's own score in a season, open or closed; undefined without one. */
  find(player: PlayerId, board: string, season: number): Promise<{ region: string; score: number; rank?: number; regionRank?: number } | undefined>;
}

interface Claim {
  score: ScoreCommand;
  /** Nobody had the id before. */
  isFresh: boolean;
  isReused: boolean;
}

interface Entry {
  score: ScoreCommand;
  /** Its id was claimed just now, and what has happened under it need not be looked for. */
  isFresh: boolean;
  outcome: ScoreOutcome | undefined;
}

interface RecordRow {
  ix: number;
  knownHash: string | null;
  answer: { season: number; score: number } | null;
  season: number | null;
  region: string | null;
  score: number | null;
  version: number | null;
  exists: boolean;
}

export function scoreStore(transact: Transact, read: RoutedRead, shardOf: (key: string) => number, reach: ReachFaultPoint): ScoreStore {
  const claims = new GroupCommit<Claim>({ sizeMax: BATCH_MAX, waitingMax: WAITING_MAX, turns: new Turns(TURNS), commit: (batch) => claim(transact, batch) });
  const records = new GroupCommit<Entry>({ sizeMax: BATCH_MAX, waitingMax: WAITING_MAX, turns: new Turns(TURNS), commit: (batch) => record(transact, batch) });
  return {
    /** Claimed first, where the id lives: then nothing else can happen under it, and the score itself needs one shard only. */
    async record(score) {
      const mine: Claim = { score, isFresh: false, isReused: false };
      await claims.add(shardOf(score.id), mine);
      if (mine.isReused) return { status: 'reused' };
      reach('claimed', 'score');
      const entry: Entry = { score, isFresh: mine.isFresh, outcome: undefined };
      const lane = shardOf(score.player);
      // The same id through another process at this moment: whoever lost reads what the other wrote.
      await records.add(lane, entry).catch(async (error: unknown) => {
        if (!isUniqueViolation(error)) throw error;
        entry.isFresh = false;
        await records.add(lane, entry);
      });
      reach('recorded', 'score');
      const outcome = entry.outcome ?? { status: 'no-season' };
      if (outcome.status !== 'recorded') await unclaim(transact, score);
      return outcome;
    },
    async count(source, board, players) {
      const changes: ScoreChange[] = [];
      for (const lane of Map.groupBy(players, shardOf).values()) {
        for (let at = 0; at < lane.length; at += COUNTED_AT_ONCE_MAX) changes.push(...(await countSome(transact, source, board, lane.slice(at, at + COUNTED_AT_ONCE_MAX))));
      }
      return changes;
    },
    async current(board, players) {
      const found = await read(players, async ({ pool }, here) => {
        const { rows } = await pool.query<ScoreChange>({ name: 'score-current', text: CURRENT, values: [here, board] });
        return [...Map.groupBy(rows, ({ player }) => player)];
      });
      return [...found.values()].flat();
    },
    async find(player, board, season) {
      const found = await read([player], async ({ pool }) => {
        const { rows } = await pool.query<{ region: string; score: number; rank: number | null; regionRank: number | null }>({ name: 'score-find', text: FIND, values: [player, board, season] });
        return rows.map(({ rank, regionRank, ...row }) => [player, { ...row, ...(rank !== null && { rank }), ...(regionRank !== null && { regionRank }) }]);
      });
      return found.get(player);
    },
  };
}

const CURRENT = `select c.player, board, season, region, value::float8 as value, version::float8 as version
  from unnest($1::uuid[]) as p(player) cross join lateral (select * from score where player = p.player and board = $2 offset 0) c`;

const FIND = `select region, value::float8 as score, null::float8 as rank, null::float8 as "regionRank" from score where player = $1 and board = $2 and season = $3
  union all select region, value::float8, rank::float8, region_rank::float8 from score_result where player = $1 and board = $2 and season = $3
  order by rank nulls last limit 1`;

/** Ids are new, but for those that are asked again: to write them so costs a third less than to look first whether they are. */
async function claim(transact: Transact, batch: readonly Claim[]): Promise<void> {
  const ids = new Set(batch.map(({ score }) => score.id));
  if (ids.size < batch.length) return await claimNew(transact, batch);
  await onEachPart(transact, batch, 'along', async (part, here) => {
    await part.query(CLAIM, [literal(here.map(({ score }) => score.id)), literal(here.map(({ score }) => score.hash.toString('hex')))]);
    for (const one of here) one.isFresh = true;
  }).catch(async (error: unknown) => {
    if (!isUniqueViolation(error)) throw error;
    await claimNew(transact, batch);
  });
}

async function claimNew(transact: Transact, batch: readonly Claim[]): Promise<void> {
  await onEachPart(transact, batch, 'behind its answers', async (part, here) => {
    const hashes = new Map(here.map(({ score }) => [score.id, score.hash.toString('hex')]));
    const fresh = new Set((await part.query<{ id: CommandId }>(CLAIM_NEW, [literal([...hashes.keys()]), literal([...hashes.values()])])).map(({ id }) => id));
    const others = [...hashes.keys()].filter((id) => !fresh.has(id));
    const rows = others.length === 0 ? [] : await part.query<{ id: CommandId; hash: string }>(CLAIMED, [literal(others)]);
    const stored = new Map(rows.map(({ id, hash }) => [id, hash]));
    for (const one of here) {
      one.isReused = (fresh.has(one.score.id) ? hashes : stored).get(one.score.id) !== one.score.hash.toString('hex');
      one.isFresh = fresh.has(one.score.id) && !one.isReused;
    }
  });
}

async function onEachPart(transact: Transact, batch: readonly Claim[], commit: Commits, work: (part: ShardTransaction, here: readonly Claim[]) => Promise<void>): Promise<void> {
  const ids = batch.map(({ score }) => score.id);
  await transact(ids, 'score-claim', async (transaction) => {
    await keptFor(transaction, ids, commit, () => transaction.parts.map((part) => work(part, batch.filter(({ score }) => transaction.shardOf(score.id) === part.shard.index))));
  });
}

async function unclaim(transact: Transact, { id, hash }: ScoreCommand): Promise<void> {
  await transact([id], 'score-unclaim', async (transaction) => {
    await Promise.all([transaction.takeSlots([id]), transaction.on(transaction.shardOf(id)).query(UNCLAIM, [id, hash.toString('hex')])]);
  });
}

async function record(transact: Transact, batch: readonly Entry[]): Promise<void> {
  const players = batch.map(({ score }) => score.player);
  await transact(players, 'score', async (transaction) => {
    await keptFor(transaction, players, 'along', () => transaction.parts.flatMap((part) => {
      const here = batch.filter(({ score }) => transaction.shardOf(score.player) === part.shard.index);
      return roundsOf(here).map(async ([merging, round]) => {
        const rows = await part.query<RecordRow>(RECORD[merging], columnsOf(round));
        for (const row of rows) (round[row.ix - 1] as Entry).outcome = outcomeOf((round[row.ix - 1] as Entry).score, row);
      });
    }), [KEEP_SEASON]);
  });
}

async function countSome(transact: Transact, source: Counted, board: string, players: readonly PlayerId[]): Promise<ScoreChange[]> {
  return await transact(players, 'score-count', async (transaction) => {
    const changes = await keptFor(transaction, players, 'behind its answers', () => transaction.parts.map((part) => part.query<ScoreChange>(COUNT[source], [literal(players.filter((player) => transaction.shardOf(player) === part.shard.index)), board])), [KEEP_SEASON]);
    if (changes.every((rows) => rows.length === 0)) transaction.abandon();
    return changes.flat();
  });
}

/** Whether what is written can be committed in the same round trip, or its answers decide whether it is. */
type Commits = 'along' | 'behind its answers';

/**
 * Sends, ahead of what is written, that the slots of these keys stay where they are, and whatever else must stay as it is; and over one
 * shard the commit behind it. @param write sends everything at once
 */
async function keptFor<Answer>(transaction: Transaction, keys: readonly string[], commits: Commits, write: () => Promise<Answer>[], kept: readonly Statement[] = []): Promise<Answer[]> {
  const isAlone = commits === 'along' && transaction.parts.length === 1;
  const sent = [isAlone ? transaction.takeSlotsOrFail(keys) : transaction.takeSlots(keys), ...transaction.parts.flatMap((part) => kept.map((statement) => part.query(statement, [])))];
  const written = write();
  if (isAlone) transaction.endBehind();
  const [answers] = await Promise.all([Promise.all(written), ...sent]);
  return answers;
}

/** By rule, and none with a player and board twice: a set-based statement knows no order. */
function roundsOf(entries: readonly Entry[]): [Merging, Entry[]][] {
  const rounds: [Merging, Entry[]][] = [];
  for (const merging of MERGING_ORDER) {
    const turns = new Map<string, number>();
    const byTurn: Entry[][] = [];
    for (const entry of entries) {
      if (entry.score.merging !== merging) continue;
      const key = `${entry.score.player} ${entry.score.board}`;
      const turn = turns.get(key) ?? 0;
      turns.set(key, turn + 1);
      (byTurn[turn] ??= []).push(entry);
    }
    for (const turn of byTurn) rounds.push([merging, turn]);
  }
  return rounds;
}

/** @see PostgreSQL manual, 8.15.6 Array Input and Output Syntax; names of boards need no quotes */
function columnsOf(entries: readonly Entry[]): string[] {
  const column = (of: (score: ScoreCommand) => string | number) => literal(entries.map(({ score }) => of(score)));
  return [column(({ player }) => player), column(({ id }) => id), column(({ hash }) => hash.toString('hex')), column(({ board }) => board), column(({ value }) => value), literal(entries.map(({ isFresh }) => isFresh))];
}

function outcomeOf({ player, board, hash }: ScoreCommand, { knownHash, answer, season, region, score, version, exists }: RecordRow): ScoreOutcome {
  if (knownHash !== null && answer !== null) return knownHash === hash.toString('hex') ? { status: 'recorded', ...answer, repeated: true } : { status: 'reused' };
  if (!exists) return { status: 'unknown-player' };
  if (season === null || score === null) return { status: 'no-season' };
  return { status: 'recorded', season, score, ...(region !== null && version !== null && { change: { player, board, season, region, value: score, version } }) };
}
