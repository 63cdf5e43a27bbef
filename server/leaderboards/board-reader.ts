import { LRUCache } from 'lru-cache';
import type { Storage } from '../../persistence/index.ts';
import type { PlayerId } from '../../schema/ids.ts';
import { GLOBAL, TOP_MAX, type BoardPlace, type BoardRow, type BoardRows } from '../../schema/leaderboard.ts';
import { Refusal } from '../../schema/refusals.ts';
import type { BoardOf, Catalog } from '../catalog/index.ts';
import { JoinedReads } from './joined-reads.ts';
import { compareRows, mergeWindows, rankRows, type LastTop, type Ranked, type RegionRow } from './merge.ts';
import { Names } from './names.ts';
import type { Regions } from './regions.ts';
import { regionOf } from './score-pusher.ts';
import { bestOf, windowsAround } from './shares.ts';

const CLOSED_CACHED_MAX = 200;
/** Names change, places do not. */
const CLOSED_TTL_MS = 10_000;
const HOMES_CACHED_MAX = 200_000;

export interface BoardReaderOptions {
  storage: Pick<Storage, 'scores' | 'seasons' | 'guilds'>;
  catalog: Pick<Catalog, 'board'>;
  regions: Regions;
  /** The number of a board's open season. */
  seasonOf: (board: string) => number;
}

/** Tops, places and what is around them, over regions that are asked in parallel; of seasons that are over, what PostgreSQL has. [LB2] [LB6] */
export class BoardReader {
  readonly #options: BoardReaderOptions;
  /** In which region a player's scores stand, once somebody found it out: it does not change within a season. */
  readonly #homes = new LRUCache<string, string>({ max: HOMES_CACHED_MAX });
  readonly #closedTops = new LRUCache<string, BoardRows>({ max: CLOSED_CACHED_MAX, ttl: CLOSED_TTL_MS });
  readonly #tops: JoinedReads<string, BoardRows>;
  readonly #lastTops = new Map<string, { top: BoardRows; isSteady: boolean }>();
  readonly #names: Names;

  constructor(options: BoardReaderOptions) {
    this.#options = options;
    this.#tops = new JoinedReads((key) => this.#readTop(key));
    this.#names = new Names((players) => options.storage.guilds.names(players));
  }

  /** The best, at most 100, and as long as nothing changes the same object. @throws {Refusal} BAD_REQUEST */
  async top(boardName: string, region: string = GLOBAL): Promise<BoardRows> {
    this.#scopeOf(boardName, region);
    return await this.#tops.get(`${boardName} ${region}`);
  }

  /** A player's own place. @throws {Refusal} BAD_REQUEST */
  async place(boardName: string, playerId: PlayerId, region: string = GLOBAL): Promise<BoardPlace> {
    const { board, season, regions } = this.#scopeOf(boardName, region);
    const own = await this.#find(board, season, playerId, regions);
    const place = { board: board.name, region, season, playerId };
    if (own.row === undefined) return { ...place, rank: null, score: own.score ?? null, missing: own.missing };
    // Who did not answer once is not waited for again.
    const { rank, missing } = await this.#rankOf(board, season, regions.filter((name) => !own.missing.includes(name)), own.row.value);
    return { ...place, rank, score: own.row.value, missing: regions.filter((name) => own.missing.includes(name) || missing.includes(name)) };
  }

  /** The rows around a player's place; none if the player has no place. @throws {Refusal} BAD_REQUEST */
  async around(boardName: string, playerId: PlayerId, region: string, radius: number): Promise<BoardRows> {
    const { board, season, regions } = this.#scopeOf(boardName, region);
    const own = await this.#find(board, season, playerId, regions);
    if (own.row === undefined) return { board: board.name, region, season, rows: [], missing: own.missing };
    const place = own.row;
    const isLower = board.order === 'ascending';
    const near = regions.filter((name) => !own.missing.includes(name));
    const windows = await windowsAround(this.#options.regions, { board, season, regions: near }, place, radius);
    const lacking = (more: readonly string[]) => regions.filter((name) => !windows.has(name) || more.includes(name));
    const merged = mergeWindows([...windows.values()], place, radius, isLower);
    const first = merged.rows[0];
    if (first === undefined) return { board: board.name, region, season, rows: [], missing: lacking([]) };
    const { rank, missing } = merged.rank !== undefined ? { rank: merged.rank, missing: [] } : await this.#rankOf(board, season, [...windows.keys()], first.value);
    return { board: board.name, region, season, rows: await this.#named(rankRows(merged.rows, merged.before, rank)), missing: lacking(missing) };
  }

  /** These players, ranked among themselves. @throws {Refusal} BAD_REQUEST */
  async among(boardName: string, players: readonly PlayerId[], region: string = GLOBAL): Promise<BoardRows> {
    const { board, season, regions } = this.#scopeOf(boardName, region);
    const { answers, missing } = await this.#options.regions.ask(board, season, regions, (sets, name) => sets.scores(name, players));
    const rows: RegionRow[] = [];
    for (const [name, scores] of answers) for (const [at, value] of scores.entries()) if (value !== null) rows.push({ player: players[at] as PlayerId, value, region: name });
    const ordered = rows.toSorted(compareRows(board.order === 'ascending'));
    return { board: board.name, region, season, rows: await this.#named(rankRows(ordered, 0, 1)), missing };
  }

  /**
   * The final places of a season that is over; of the open one, and of one that is not written down yet, what the sets have.
   * @throws {Refusal} BAD_REQUEST
   */
  async seasonTop(boardName: string, season: number, region: string = GLOBAL): Promise<BoardRows> {
    const { board, season: open, regions } = this.#scopeOf(boardName, region);
    const key = `${boardName} ${season} ${region}`;
    const cached = this.#closedTops.get(key);
    if (cached !== undefined) return cached;
    const top = season === open ? await this.top(boardName, region) : undefined;
    if (top?.missing.length === 0) return top;
    const { seasons } = this.#options.storage;
    // It may be over by now, and its sets forgotten.
    if (season <= open && !(await seasons.isArchived(boardName, season))) return top ?? (await this.#topOf(board, season, region, regions));
    const places = await seasons.places(boardName, season, region === GLOBAL ? undefined : region, TOP_MAX);
    const rows = places.map(({ player, value, region: own, rank, regionRank }): Ranked => ({ rank: region === GLOBAL ? rank : regionRank, playerId: player, score: value, region: own }));
    const final = { board: boardName, region, season, rows: await this.#named(rows), missing: [] };
    // One that has not begun, as far as is known here, is not over.
    if (season <= open) this.#closedTops.set(key, final);
    return final;
  }

  async #readTop(key: string): Promise<BoardRows> {
    const [boardName = '', region = ''] = key.split(' ');
    const { board, season, regions } = this.#scopeOf(boardName, region);
    const before = this.#lastTops.get(key);
    const read = await this.#topOf(board, season, region, regions, before && { rows: before.top.rows, isSteady: before.isSteady });
    // Meanwhile another one may have been read.
    const last = this.#lastTops.get(key)?.top;
    const isSteady = last !== undefined && isSame(last, read);
    const top = isSteady ? last : read;
    this.#lastTops.set(key, { top, isSteady });
    return top;
  }

  async #topOf(board: BoardOf, season: number, region: string, regions: readonly string[], last: LastTop = { rows: [], isSteady: false }): Promise<BoardRows> {
    const { rows, missing } = await bestOf(this.#options.regions, { board, season, regions }, last);
    return { board: board.name, region, season, rows: await this.#named(rankRows(rows, 0, 1)), missing };
  }

  async #rankOf(board: BoardOf, season: number, regions: readonly string[], value: number): Promise<{ rank: number; missing: string[] }> {
    const { answers, missing } = await this.#options.regions.ask(board, season, regions, (sets, name) => sets.better(name, [value]));
    return { rank: 1 + [...answers.values()].reduce((sum, [count = 0]) => sum + count, 0), missing };
  }

  /** Where a player stands: in the sets, or else, where those do not say, what PostgreSQL has. */
  async #find(board: BoardOf, season: number, player: PlayerId, regions: readonly string[]): Promise<{ row?: RegionRow; score?: number; missing: string[] }> {
    const key = `${board.name} ${season} ${player}`;
    const home = this.#homes.get(key);
    const asked = home !== undefined && regions.includes(home) ? [home] : regions;
    const { answers, missing } = await this.#options.regions.ask(board, season, asked, (sets, name) => sets.scores(name, [player]));
    for (const [region, [value]] of answers) {
      if (value === null || value === undefined) continue;
      this.#homes.set(key, region);
      return { row: { player, value, region }, missing };
    }
    if (asked.length < regions.length && missing.length === 0) {
      this.#homes.delete(key);
      return await this.#find(board, season, player, regions);
    }
    const stored = await this.#options.storage.scores.find(player, board.name, season);
    if (stored === undefined) return { missing };
    const region = regionOf(board, stored.region);
    if (!regions.includes(region)) return { missing };
    // Its own region is away: the others still know how many are better.
    return missing.includes(region) && regions.length > 1 ? { row: { player, value: stored.score, region }, missing } : { score: stored.score, missing };
  }

  #scopeOf(boardName: string, region: string): { board: BoardOf; season: number; regions: readonly string[] } {
    const board = this.#options.catalog.board(boardName);
    if (region !== GLOBAL && !board.regions.includes(region)) throw new Refusal('BAD_REQUEST', { region, reason: 'the board has no such region' });
    return { board, season: this.#options.seasonOf(boardName), regions: region === GLOBAL ? board.regions : [region] };
  }

  async #named(rows: readonly Ranked[]): Promise<BoardRow[]> {
    const names = await this.#names.of(rows.map(({ playerId }) => playerId));
    return rows.map(({ rank, playerId, score, region }, at) => ({ rank, playerId, name: names[at] ?? '', score, region }));
  }
}

function isSame(a: BoardRows, b: BoardRows): boolean {
  return (
    a.season === b.season && a.rows.length === b.rows.length && a.missing.join() === b.missing.join() &&
    a.rows.every((row, at) => {
      const other = b.rows[at];
      return row.playerId === other?.playerId && row.score === other.score && row.name === other.name && row.rank === other.rank;
    })
  );
}
