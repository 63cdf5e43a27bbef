import type { ScoreChange, ScoreScan, SetName } from '../../persistence/index.ts';
import type { BoardOf } from '../catalog/index.ts';
import { setNameOf, type Regions } from './regions.ts';
import { regionOf } from './score-pusher.ts';

const APPLIED_AT_ONCE = 1_000;

export interface BoardKeeperOptions {
  regions: Regions;
  scan: ScoreScan;
  boards: () => readonly BoardOf[];
  /** Which season of a board is open; undefined while that is not known. */
  seasonOf: (board: string) => number | undefined;
  /** Looks which seasons are open, for who knew it a while ago. */
  refreshSeasons?: () => Promise<unknown>;
  onFilled?: (filled: Filled) => void;
  onFault: (error: unknown) => void;
}

export interface Filled {
  board: string;
  regions: string[];
  scores: number;
  tookMs: number;
}

export interface FillProgress {
  board: string;
  scores: number;
}

/**
 * Keeps the sorted sets what PostgreSQL says: a set that is missing, was flushed, or was read from an old file is filled again from
 * it, by one process at a time and while scores go on coming. [LB5]
 */
export class BoardKeeper {
  readonly #options: BoardKeeperOptions;
  readonly #lost = new Set<string>();
  #looking: Promise<void> | undefined;
  #again = false;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: BoardKeeperOptions) {
    this.#options = options;
  }

  /** Looks now and then, and whenever it is woken. */
  start(intervalMs: number): void {
    this.#timer = setInterval(() => void this.look(), intervalMs);
    void this.look();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#looking;
  }

  /** A set lost some of what it should have, although it says that it is complete. */
  lose(name: SetName): void {
    this.#lost.add(JSON.stringify(name));
  }

  /** Fills every set that needs it. One look at a time; who comes meanwhile is answered by one more. */
  async look(): Promise<void> {
    if (this.#stopped) return;
    this.#again = true;
    this.#looking ??= this.#lookAll().finally(() => (this.#looking = undefined));
    await this.#looking;
  }

  /**
   * Fills the sets of a board from PostgreSQL, whether they need it or not.
   * @param fresh forgets first what they hold; for when they may hold more than there is
   * @returns undefined when no region could be begun: all are away, or somebody else is at it
   */
  async fill(board: BoardOf, season: number, regions: readonly string[], { fresh = false, onProgress }: { fresh?: boolean; onProgress?: (progress: FillProgress) => void } = {}): Promise<Filled | undefined> {
    const began = performance.now();
    const filling = new Map<string, string>();
    for (const region of regions) {
      const sets = this.#options.regions.of(region);
      const name = setNameOf(board, season, region);
      if (!sets.isUp()) continue;
      const token = await sets.begin(name, fresh).catch(this.#options.onFault);
      if (typeof token !== 'string') continue;
      this.#lost.delete(JSON.stringify(name));
      filling.set(region, token);
    }
    if (filling.size === 0) return undefined;
    let scores = 0;
    await this.#options.scan.all(board.name, season, async (rows) => {
      // Shards are read at the same time, so nothing is added to a number of before.
      const applied = await this.#apply(board, season, rows, filling);
      scores += applied;
      onProgress?.({ board: board.name, scores });
    });
    const filled: string[] = [];
    for (const [region, token] of filling) {
      const done = await this.#options.regions.of(region).finish(setNameOf(board, season, region), token).catch(this.#options.onFault);
      if (done === true) filled.push(region);
    }
    const result = { board: board.name, regions: filled, scores, tookMs: performance.now() - began };
    if (filled.length > 0) this.#options.onFilled?.(result);
    return result;
  }

  async #apply(board: BoardOf, season: number, rows: readonly ScoreChange[], filling: Map<string, string>): Promise<number> {
    const byRegion = Map.groupBy(rows, ({ region }) => regionOf(board, region));
    let applied = 0;
    await Promise.all(
      [...filling].map(async ([region, token]) => {
        const sets = this.#options.regions.of(region);
        const name = setNameOf(board, season, region);
        const here = byRegion.get(region) ?? [];
        try {
          if (!(await sets.renew(name, token))) throw new Error(`what was filled of ${board.name} in ${region} is lost`);
          for (let at = 0; at < here.length; at += APPLIED_AT_ONCE) await sets.apply(name, here.slice(at, at + APPLIED_AT_ONCE));
          applied += here.length;
        } catch (error) {
          // Begun again at the next look.
          filling.delete(region);
          this.#options.onFault(error);
        }
      }),
    );
    return applied;
  }

  async #lookAll(): Promise<void> {
    while (this.#again && !this.#stopped) {
      this.#again = false;
      for (const board of this.#options.boards()) {
        const season = this.#options.seasonOf(board.name);
        if (season === undefined || this.#stopped) continue;
        try {
          const needy = await this.#needyOf(board, season);
          if (needy.length === 0) continue;
          // A season that is written down has no scores any more: its set would be complete, and empty.
          await this.#options.refreshSeasons?.();
          if (this.#options.seasonOf(board.name) === season) await this.fill(board, season, needy);
          else this.#again = true;
        } catch (error) {
          this.#options.onFault(error);
        }
      }
    }
  }

  async #needyOf(board: BoardOf, season: number): Promise<string[]> {
    const needs = await Promise.all(
      board.regions.map(async (region) => {
        const sets = this.#options.regions.of(region);
        if (!sets.isUp()) return false;
        const name = setNameOf(board, season, region);
        return this.#lost.has(JSON.stringify(name)) || (await sets.size(name).then((size) => size === undefined, () => false));
      }),
    );
    return board.regions.filter((_, at) => needs[at]);
  }
}
