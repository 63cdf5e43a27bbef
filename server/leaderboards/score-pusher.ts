import { setTimeout as delay } from 'node:timers/promises';
import type { ScoreChange, SetEntry, SetName } from '../../persistence/index.ts';
import type { BoardOf } from '../catalog/index.ts';
import { setNameOf, type Regions, type RegionSets } from './regions.ts';

/** Waiting for a region that is away; beyond it the region is filled again when it is back. */
const WAITING_MAX = 100_000;
const TAKEN_AT_ONCE_MAX = 2_000;
const RETRY_MIN_MS = 50;
const RETRY_MAX_MS = 1_000;

export interface ScorePusherOptions {
  regions: Regions;
  /** The board by its name; undefined when the catalogue has it no more. */
  boardOf: (name: string) => BoardOf | undefined;
  onIncomplete: (name: SetName) => void;
  /** Too many changes of a set were waiting to be kept: it must be filled again. */
  onOverflow: (name: SetName) => void;
  onFault?: (error: unknown) => void;
}

interface Waiting {
  name: SetName;
  entries: Map<string, SetEntry>;
}

/** What waits for one region's sets. */
interface Lane {
  sets: RegionSets;
  waiting: Map<string, Waiting>;
  count: number;
  /** Since when something waits. */
  since: number;
  running: boolean;
  heard: (() => void)[];
}

/** Brings what is committed into the sorted sets, many at a time; of a score that changes faster than that only the newest goes. [LB5] */
export class ScorePusher {
  readonly #options: ScorePusherOptions;
  readonly #lanes = new Map<RegionSets, Lane>();
  #stopped = false;

  constructor(options: ScorePusherOptions) {
    this.#options = options;
  }

  /** Resolves when the sets have them, as a rule, or could not take them yet; it never rejects. */
  async push(changes: readonly ScoreChange[]): Promise<void> {
    const lanes = new Set<Lane>();
    for (const change of changes) {
      const lane = this.#put(change);
      if (lane !== undefined) lanes.add(lane);
    }
    await Promise.all([...lanes].map((lane) => new Promise<void>((resolve) => {
      lane.heard.push(resolve);
      if (!lane.running) void this.#run(lane);
    })));
  }

  /** How long changes wait for the region that has waited longest. */
  get lagMs(): number {
    return Math.max(0, ...[...this.#lanes.values()].filter(({ running }) => running).map(({ since }) => performance.now() - since));
  }

  stop(): void {
    this.#stopped = true;
  }

  #put({ board: boardName, season, region, player, value, version }: ScoreChange): Lane | undefined {
    const board = this.#options.boardOf(boardName);
    if (board === undefined) return undefined;
    const shown = regionOf(board, region);
    const sets = this.#options.regions.of(shown);
    const lane = this.#lanes.get(sets) ?? { sets, waiting: new Map<string, Waiting>(), count: 0, since: 0, running: false, heard: [] };
    this.#lanes.set(sets, lane);
    const key = `${boardName} ${season} ${shown}`;
    let waiting = lane.waiting.get(key);
    if (waiting === undefined) lane.waiting.set(key, (waiting = { name: setNameOf(board, season, shown), entries: new Map() }));
    const before = waiting.entries.get(player);
    if (before === undefined) lane.count++;
    if (before === undefined || before.version < version) waiting.entries.set(player, { player, value, version });
    return lane;
  }

  async #run(lane: Lane): Promise<void> {
    lane.running = true;
    lane.since = performance.now();
    let retryMs = RETRY_MIN_MS;
    while (lane.count > 0 && !this.#stopped) {
      const heard = lane.heard.splice(0);
      const taken = this.#take(lane);
      try {
        await Promise.all(
          taken.map(async ({ name, entries }) => {
            if (!(await lane.sets.apply(name, [...entries.values()]))) this.#options.onIncomplete(name);
          }),
        );
        retryMs = RETRY_MIN_MS;
        lane.since = performance.now();
        for (const resolve of heard) resolve();
      } catch (error) {
        this.#options.onFault?.(error);
        // Nobody waits for a region that may be away for hours.
        for (const resolve of [...heard, ...lane.heard.splice(0)]) resolve();
        this.#giveBack(lane, taken);
        await delay(retryMs, undefined, { ref: false });
        retryMs = Math.min(2 * retryMs, RETRY_MAX_MS);
      }
    }
    lane.running = false;
    for (const resolve of lane.heard.splice(0)) resolve();
  }

  #take(lane: Lane): Waiting[] {
    const taken: Waiting[] = [];
    let count = 0;
    for (const [key, waiting] of lane.waiting) {
      if (count >= TAKEN_AT_ONCE_MAX) break;
      lane.waiting.delete(key);
      taken.push(waiting);
      count += waiting.entries.size;
    }
    lane.count -= count;
    return taken;
  }

  /** What changed once more meanwhile is newer than what is given back. */
  #giveBack(lane: Lane, taken: readonly Waiting[]): void {
    for (const { name, entries } of taken) {
      const key = `${name.board} ${name.season} ${name.region}`;
      const newer = lane.waiting.get(key);
      lane.count += entries.size;
      for (const [player, entry] of newer?.entries ?? []) {
        if (entries.has(player)) lane.count--;
        entries.set(player, entry);
      }
      lane.waiting.set(key, { name, entries });
    }
    if (lane.count <= WAITING_MAX) return;
    for (const { name } of lane.waiting.values()) this.#options.onOverflow(name);
    lane.waiting.clear();
    lane.count = 0;
  }
}

/** Who is at home in no region of a board stands in its first one. */
export function regionOf({ regions }: BoardOf, home: string): string {
  return regions.includes(home) ? home : (regions[0] ?? home);
}
