import { Cron } from 'croner';
import type { SeasonStore, Seasons } from '../../persistence/index.ts';
import type { BoardOf } from '../catalog/index.ts';
import { setNameOf, type Regions } from './regions.ts';
import { regionOf } from './score-pusher.ts';

export interface SeasonClockOptions {
  store: SeasonStore;
  boards: () => readonly BoardOf[];
  regions: Regions;
  onOpened?: (board: string, season: number) => void;
  onArchived?: (board: string, season: number, players: number) => void;
  onFault: (error: unknown) => void;
}

/** When a season that is open at this moment ends: the next time that its pattern names, in UTC. Null without a pattern. Pure. */
export function endOfSeason(pattern: string | undefined, now: number): number | null {
  if (pattern === undefined) return null;
  return new Cron(pattern, { timezone: 'UTC', paused: true }).nextRun(new Date(now))?.getTime() ?? null;
}

/**
 * Opens and closes seasons by the first shard's clock, in every process: of any number that find a season over, the database lets one
 * close it. [LB8]
 */
export class SeasonClock {
  readonly #options: SeasonClockOptions;
  #known: Seasons | undefined;
  #ticking: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: SeasonClockOptions) {
    this.#options = options;
  }

  start(intervalMs: number): void {
    this.#timer = setInterval(() => void this.tick().catch(this.#options.onFault), intervalMs);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#ticking?.catch(() => undefined);
  }

  /** Which season of a board is open; undefined while that is not known. */
  numberOf(board: string): number | undefined {
    return this.#known?.open.get(board)?.number;
  }

  endOf(board: string): number | null {
    return this.#known?.open.get(board)?.endsAt ?? null;
  }

  /** Does whatever is due: seasons that must begin, end, or be written down. One at a time. */
  async tick(): Promise<void> {
    if (this.#stopped) return;
    this.#ticking ??= this.#tick().finally(() => (this.#ticking = undefined));
    await this.#ticking;
  }

  async #tick(): Promise<void> {
    const { store, boards } = this.#options;
    let known = await this.look();
    const unopened = boards().filter(({ name }) => !known.open.has(name));
    // Every shard is told each time: one may have been added, or the one who closed a season have died before it was told.
    await store.ensure(unopened.map(({ name }) => name));
    if (unopened.length > 0) known = await this.look();
    let turned = false;
    for (const board of boards()) turned = (await this.#turn(board, known)) || turned;
    if (turned) await this.look();
    for (const { board, number } of known.unarchived) await this.#archive(board, number);
  }

  /** @returns whether it changed something */
  async #turn(board: BoardOf, { now, open }: Seasons): Promise<boolean> {
    const season = open.get(board.name);
    if (season === undefined) return false;
    const isOver = season.endsAt !== null && season.endsAt <= now;
    const next = endOfSeason(board.season, now);
    if (!isOver) {
      if (season.endsAt === next) return false;
      await this.#options.store.schedule(board.name, season.number, next);
      return true;
    }
    const prepared = await this.#prepareSets(board, season.number + 1);
    if (prepared === undefined) return false; // somebody else is about to close it
    const closed = await this.#options.store.close(board.name, season.number, next);
    if (closed) for (const finish of prepared) await finish().catch(this.#options.onFault);
    return true;
  }

  /**
   * The sets of the season that comes are begun before it does, when nothing can belong into them, so that they are complete with its
   * first score.
   */
  async #prepareSets(board: BoardOf, season: number): Promise<(() => Promise<unknown>)[] | undefined> {
    const prepared: (() => Promise<unknown>)[] = [];
    for (const region of board.regions) {
      const sets = this.#options.regions.of(region);
      const name = setNameOf(board, season, region);
      if (!sets.isUp()) continue;
      try {
        const filling = await sets.begin(name);
        if (filling === undefined) return undefined;
        prepared.push(() => sets.finish(name, filling));
      } catch (error) {
        // Away: it is filled when it is back.
        this.#options.onFault(error);
      }
    }
    return prepared;
  }

  async #archive(name: string, season: number): Promise<void> {
    const board = this.#options.boards().find((one) => one.name === name);
    if (board === undefined) return; // it is written down when the catalogue has it again
    const players = await this.#options.store.archive(name, season, { isLower: board.order === 'ascending', regionOf: (home) => regionOf(board, home) });
    if (players === undefined) return;
    this.#options.onArchived?.(name, season, players);
    for (const region of board.regions) {
      const sets = this.#options.regions.of(region);
      if (sets.isUp()) await sets.drop(setNameOf(board, season, region)).catch(this.#options.onFault);
    }
  }

  /** Looks which seasons are open, and does nothing about it. */
  async look(): Promise<Seasons> {
    const before = this.#known;
    const known = await this.#options.store.read();
    this.#known = known;
    for (const { board, number } of known.open.values()) if (before?.open.get(board)?.number !== number) this.#options.onOpened?.(board, number);
    return known;
  }
}
