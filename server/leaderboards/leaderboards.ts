import type { ClosedSeason, Counted, Movement, MovementOutcome, ReachFaultPoint, ScoreChange, Storage } from '../../persistence/index.ts';
import { holdersOf, SERVICE_ACTOR } from '../../persistence/index.ts';
import type { PlayerId } from '../../schema/ids.ts';
import { GLOBAL, type BoardInfo, type BoardPlace, type BoardRows } from '../../schema/leaderboard.ts';
import type { SubmitScore, SubmitScoreAnswer } from '../../schema/messages/service.ts';
import { Refusal } from '../../schema/refusals.ts';
import type { BoardOf, Catalog } from '../catalog/index.ts';
import { Idempotency } from '../ledger/index.ts';
import type { Metrics } from '../telemetry/index.ts';
import { BoardKeeper, type Filled } from './board-keeper.ts';
import { BoardReader } from './board-reader.ts';
import { Counting } from './counting.ts';
import { LiveBoards } from './live-boards.ts';
import { Regions, type RegionSets } from './regions.ts';
import { regionOf, ScorePusher } from './score-pusher.ts';
import { SeasonClock } from './season-clock.ts';

/** How long an answer waits for the sorted sets, once the score is in PostgreSQL. */
const PUSHED_MAX_MS = 100;
/** For how long a start waits for the boards. */
const FILLED_MAX_MS = 2_000;
const LIVE_EVERY_MS = 1_000;
const CLOCK_EVERY_MS = 1_000;
const KEEPER_EVERY_MS = 1_000;
/** What a process that died may have left out is not older: it was pushed within moments of its commit. */
const LEFT_OUT_MS = 120_000;
/** Whoever starts alone looks after what was done so long ago, once. */
const LEFT_OUT_ALONE_MS = 3_600_000;

export interface LeaderboardsOptions {
  storage: Pick<Storage, 'scores' | 'seasons' | 'scoreScan' | 'guilds'>;
  catalog: Catalog;
  metrics: Metrics;
  reach: ReachFaultPoint;
  /** Which sets a region has; one that is not named is served by `others`. */
  sets: ReadonlyMap<string, RegionSets>;
  others: RegionSets;
  onFault: (error: unknown, what: string) => void;
  onFilled?: (filled: Filled) => void;
  onSeason?: (what: { board: string; season: number; archived?: number }) => void;
}

/** Boards of scores: PostgreSQL has them, sorted sets by region serve them. [LB1] … [LB9] */
export class Leaderboards {
  readonly #options: LeaderboardsOptions;
  readonly #regions: Regions;
  readonly #pusher: ScorePusher;
  readonly #clock: SeasonClock;
  readonly #keeper: BoardKeeper;
  readonly #counting: Counting;
  readonly #reader: BoardReader;
  readonly #live: LiveBoards;
  /** A score's own store knows what acted: a claim without a score is no answer. */
  readonly #once = new Idempotency({ find: async () => undefined });
  /** What was complete when this process started: it may be behind. */
  #filledBefore: ReadonlySet<string> = new Set();

  constructor(options: LeaderboardsOptions) {
    const { storage, catalog, sets, others, onFault, onFilled, onSeason } = options;
    this.#options = options;
    const boards = () => catalog.boards;
    const boardOf = (name: string) => catalog.boards.find((board) => board.name === name);
    const wake = () => void this.#keeper.look();
    this.#regions = new Regions({ sets, others, onIncomplete: wake });
    this.#pusher = new ScorePusher({
      regions: this.#regions,
      boardOf,
      onIncomplete: wake,
      onOverflow: (name) => this.#keeper.lose(name),
      onFault: (error) => onFault(error, 'scores wait for a region that does not take them'),
    });
    this.#clock = new SeasonClock({
      store: storage.seasons,
      boards,
      regions: this.#regions,
      onOpened: (board, season) => {
        onSeason?.({ board, season });
        wake();
      },
      onArchived: (board, season, archived) => onSeason?.({ board, season, archived }),
      onFault: (error) => onFault(error, 'seasons were not looked after'),
    });
    this.#keeper = new BoardKeeper({
      regions: this.#regions,
      scan: storage.scoreScan,
      boards,
      seasonOf: (board) => this.#clock.numberOf(board),
      refreshSeasons: () => this.#clock.look(),
      onFilled: (filled) => {
        options.metrics.boardsFilled.inc();
        onFilled?.(filled);
      },
      onFault: (error) => onFault(error, 'a leaderboard was not filled'),
    });
    this.#counting = new Counting({
      store: storage.scores,
      boardsFedBy: (source: Counted) => catalog.boards.filter((board) => board.source === source).map(({ name }) => name),
      push: (changes) => this.#pusher.push(changes),
      onFault: (error) => onFault(error, 'scores were not counted'),
    });
    this.#reader = new BoardReader({ storage, catalog, regions: this.#regions, seasonOf: (board) => this.#clock.numberOf(board) ?? 1 });
    this.#live = new LiveBoards({ top: (board, region) => this.top(board, region), has: (board, region) => this.has(board, region), onFault: (error) => onFault(error, 'a live leaderboard was not read') });
  }

  /** Opens what is due and fills what is missing, now and from now on. Small boards are filled when it resolves, large ones in a while. */
  async start(): Promise<void> {
    // A shard that is away is asked again in a second.
    await this.#clock.tick().catch((error: unknown) => this.#options.onFault(error, 'seasons were not looked after'));
    this.#filledBefore = await this.#filledNow();
    this.#clock.start(CLOCK_EVERY_MS);
    this.#keeper.start(KEEPER_EVERY_MS);
    this.#live.start(LIVE_EVERY_MS);
    await within(this.#keeper.look(), FILLED_MAX_MS);
  }

  /** Looks after what others may have left out that are gone by now. @param alone no other process of these shards lives */
  lookBack({ alone }: { alone: boolean }): void {
    const report = (error: unknown) => this.#options.onFault(error, 'what was left out was not looked after');
    void this.recover(alone ? LEFT_OUT_ALONE_MS : LEFT_OUT_MS).catch(report);
    if (alone) void this.#refresh(this.#filledBefore).catch(report);
  }

  async stop(): Promise<void> {
    this.#live.stop();
    await this.#clock.stop();
    await this.#counting.stop().catch(() => undefined); // it is in the counts, and comes with the player's next deed
    await this.#keeper.stop();
    this.#pusher.stop();
  }

  /** How long scores wait for the sorted sets of the region that is slowest, in ms. */
  get lagMs(): number {
    return this.#pusher.lagMs;
  }

  /** Hears of every movement that was committed. */
  note(movement: Movement, outcome: MovementOutcome): void {
    this.#counting.note(movement, outcome.status === 'known' ? holdersOf(movement) : [], outcome);
  }

  /** Looks after what a process that is gone may have left out. */
  async recover(withinMs = LEFT_OUT_MS): Promise<void> {
    const { scoreScan } = this.#options.storage;
    this.#counting.touch(await scoreScan.activeWithin(withinMs));
    await scoreScan.changedWithin(withinMs, (changes) => this.#pushSoon(changes));
  }

  /**
   * Submits a score by its board's rule; the command id acts once. [LB1] [LB3] [LB4]
   * @throws {Refusal} BAD_REQUEST for an unknown board, or a sum that would fall; COMMAND_REUSED, UNKNOWN_PLAYER, BUSY
   */
  async submit(body: SubmitScore): Promise<SubmitScoreAnswer> {
    const board = this.#options.catalog.board(body.board);
    if (board.rule === 'sum' && body.score < 0) throw new Refusal('BAD_REQUEST', { reason: 'a sum only rises: submit 0 or more', score: body.score });
    return await this.#once.once({ actor: SERVICE_ACTOR, id: body.commandId, type: 'score', payload: body }, (hash) => this.#submit(board, body, hash));
  }

  async #submit(board: BoardOf, { commandId, playerId, score }: SubmitScore, hash: Buffer): Promise<SubmitScoreAnswer> {
    const { storage, metrics } = this.#options;
    const merging = board.rule !== 'best' ? board.rule : board.order === 'ascending' ? 'lowest' : 'highest';
    const record = () => storage.scores.record({ id: commandId, hash, board: board.name, merging, player: playerId, value: score });
    let outcome = await record();
    if (outcome.status === 'no-season') {
      await storage.seasons.ensure([board.name]);
      outcome = await record();
    }
    metrics.scores.inc({ outcome: outcome.status });
    switch (outcome.status) {
      case 'reused':
        throw new Refusal('COMMAND_REUSED', { commandId });
      case 'unknown-player':
        throw new Refusal('UNKNOWN_PLAYER', { playerId });
      case 'no-season':
        throw new Refusal('BUSY', { reason: 'no season is open' });
      case 'recorded':
        if (outcome.change !== undefined) await within(this.#pusher.push([outcome.change]), PUSHED_MAX_MS);
        // Whoever recorded it may not have heard so.
        if (outcome.repeated) await within(this.#pusher.push(await storage.scores.current(board.name, [playerId])), PUSHED_MAX_MS);
        this.#options.reach('pushed', 'score');
        return { commandId, board: board.name, playerId, season: outcome.season, score: outcome.score };
    }
  }

  /** What boards there are. */
  list(): BoardInfo[] {
    return this.#options.catalog.boards.map((board) => ({
      name: board.name,
      title: board.title,
      order: board.order,
      rule: board.rule,
      regions: [...board.regions],
      season: this.#clock.numberOf(board.name) ?? 1,
      endsAt: this.#clock.endOf(board.name),
    }));
  }

  /** Whether there is such a board, and such a region of it. */
  has(board: string, region: string): boolean {
    return this.#options.catalog.boards.some(({ name, regions }) => name === board && (region === GLOBAL || regions.includes(region)));
  }

  /** The best, at most 100, and as long as nothing changes the same object. @throws {Refusal} BAD_REQUEST */
  top(board: string, region?: string): Promise<BoardRows> {
    return this.#reader.top(board, region);
  }

  /** A player's own place. @throws {Refusal} BAD_REQUEST */
  place(board: string, playerId: PlayerId, region?: string): Promise<BoardPlace> {
    return this.#reader.place(board, playerId, region);
  }

  /** The rows around a player's place; none if the player has no place. @throws {Refusal} BAD_REQUEST */
  around(board: string, playerId: PlayerId, region: string, radius: number): Promise<BoardRows> {
    return this.#reader.around(board, playerId, region, radius);
  }

  /** These players, ranked among themselves. @throws {Refusal} BAD_REQUEST */
  among(board: string, players: readonly PlayerId[], region?: string): Promise<BoardRows> {
    return this.#reader.among(board, players, region);
  }

  /** Seasons that are over, the newest first. @throws {Refusal} BAD_REQUEST */
  async seasons(boardName: string): Promise<ClosedSeason[]> {
    return await this.#options.storage.seasons.closed(this.#options.catalog.board(boardName).name);
  }

  /**
   * The final places of a season that is over; of the open one, and of one that is not written down yet, what the sets have.
   * @throws {Refusal} BAD_REQUEST
   */
  seasonTop(board: string, season: number, region?: string): Promise<BoardRows> {
    return this.#reader.seasonTop(board, season, region);
  }

  /**
   * Hears of a board's top at once, and then once a second when it has changed. It is read once for all who listen here.
   * @returns what stops it
   */
  watch(board: string, region: string, listener: (rows: BoardRows) => void): () => void {
    return this.#live.watch(board, region, listener);
  }

  /** The sets that are complete, as `board region`. */
  async #filledNow(): Promise<Set<string>> {
    const filled = new Set<string>();
    for (const board of this.#options.catalog.boards) {
      const season = this.#clock.numberOf(board.name);
      if (season === undefined) continue;
      const { answers } = await this.#regions.ask(board, season, board.regions, (sets, name) => sets.size(name));
      for (const region of answers.keys()) filled.add(`${board.name} ${region}`);
    }
    return filled;
  }

  /** Every score once more, into sets that seem complete: who starts alone does not know what the last one had not yet pushed. */
  async #refresh(filled: ReadonlySet<string>): Promise<void> {
    for (const board of this.#options.catalog.boards) {
      const season = this.#clock.numberOf(board.name);
      if (season === undefined || !board.regions.some((region) => filled.has(`${board.name} ${region}`))) continue;
      await this.#options.storage.scoreScan.all(board.name, season, (changes) => this.#pushSoon(changes.filter(({ region }) => filled.has(`${board.name} ${regionOf(board, region)}`))));
    }
  }

  /** Not faster than the sets take them, and without waiting for those that do not. */
  async #pushSoon(changes: readonly ScoreChange[]): Promise<void> {
    await within(this.#pusher.push(changes), LIVE_EVERY_MS);
  }
}

async function within(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([work, tooLate]);
  clearTimeout(timer);
}

