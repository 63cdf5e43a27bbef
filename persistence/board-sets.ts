import { OrderedSet, type OrderedSetIterator } from '@js-sdsl/ordered-set';
import type { PlayerId } from '../schema/ids.ts';

/** The scores of one board, season and region, in order. What a set is of, and how it is kept, is its name: another rule is another set. */
export interface SetName {
  board: string;
  season: number;
  region: string;
  /** The lower score is the better one. */
  isLower: boolean;
  rule: 'best' | 'latest' | 'sum';
  /** How many places are kept at least; beyond them a set may forget. */
  keep: number;
}

export interface SetEntry {
  player: PlayerId;
  value: number;
  /** Of two entries of a player the one with the higher version is the newer. */
  version: number;
}

/** A place in a set, the best first; equal scores stand in the order of their players' ids. */
export interface SetRow {
  player: PlayerId;
  value: number;
}

export interface SetWindow {
  /** How many stand before the place that was asked for. */
  before: number;
  /** How many stand before the first of the rows. */
  from: number;
  rows: SetRow[];
}

export interface TopAsked {
  name: SetName;
  limit: number;
}

/**
 * The sets of one region. A set that is not complete answers undefined to every question: it was never filled, or lost what was in it.
 * Whoever fills it begins, applies every score that PostgreSQL has, and finishes; scores that come meanwhile are applied as ever.
 * [LB5]
 */
export interface BoardSets {
  /** Adds scores; none takes the place of a newer one of its player. @returns whether the set is complete */
  apply(name: SetName, entries: readonly SetEntry[]): Promise<boolean>;
  /** Of each the best, at most `limit`; of several at once, because most of what one costs is the asking. */
  tops(asked: readonly TopAsked[]): Promise<(SetRow[] | undefined)[]>;
  /** Of each player the score; null where it has none or is beyond what is kept. */
  scores(name: SetName, players: readonly PlayerId[]): Promise<(number | null)[] | undefined>;
  /** How many are better than each of these scores. */
  better(name: SetName, values: readonly number[]): Promise<number[] | undefined>;
  /** The rows around where a score stands, or would stand. */
  around(name: SetName, place: SetRow, radius: number): Promise<SetWindow | undefined>;
  size(name: SetName): Promise<number | undefined>;
  /**
   * @param fresh forgets what it holds: it may hold more than there is
   * @returns what finishes it; undefined when somebody else is filling it
   */
  begin(name: SetName, fresh?: boolean): Promise<string | undefined>;
  /** Says that whoever began is still at it. @returns false when what was filled is lost: begin again */
  renew(name: SetName, filling: string): Promise<boolean>;
  /** @returns false when what was filled is lost: begin again */
  finish(name: SetName, filling: string): Promise<boolean>;
  /** Forgets a set. */
  drop(name: SetName): Promise<void>;
}

/** Trimming takes time: it is done for many at once. */
export const KEPT_BEYOND = 1.1;

/** What a set is sorted by: the best first, ascending. Minus zero is zero. */
export const keyOf = ({ isLower }: SetName, value: number): number => (isLower ? value : 0 - value);

interface MemorySet {
  keys: Map<PlayerId, { key: number; version: number }>;
  order: OrderedSet<Place>;
  isComplete: boolean;
  cutoff: number;
}

type Place = readonly [key: number, player: string];

const comparePlaces = (a: Place, b: Place): number => a[0] - b[0] || (a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0);
/** Before every player's id. */
const FIRST = '';

/** The sets of a process that is alone: the same contract in this process's memory. */
export function memoryBoardSets(): BoardSets {
  const sets = new Map<string, MemorySet>();
  const find = (name: SetName): MemorySet => {
    const id = JSON.stringify([name.board, name.season, name.region, name.isLower, name.rule, name.keep]);
    const found = sets.get(id) ?? { keys: new Map(), order: new OrderedSet<Place>([], comparePlaces, true), isComplete: false, cutoff: Infinity };
    sets.set(id, found);
    return found;
  };
  const ask = async <Answer>(name: SetName, answer: (set: MemorySet) => Answer): Promise<Answer | undefined> => {
    const set = find(name);
    return set.isComplete ? answer(set) : undefined;
  };
  const rowOf = (name: SetName, [key, player]: Place): SetRow => ({ player: player as PlayerId, value: keyOf(name, key) });
  return {
    async apply(name, entries) {
      const set = find(name);
      for (const { player, value, version } of entries) put(set, player, keyOf(name, value), version);
      trim(set, name.keep);
      return set.isComplete;
    },
    tops: async (asked) => await Promise.all(asked.map(({ name, limit }) => ask(name, ({ order }) => take(order.begin(), limit).map((place) => rowOf(name, place))))),
    scores: (name, players) => ask(name, (set) => players.map((player) => ranked(set, player)).map((key) => (key === undefined ? null : keyOf(name, key)))),
    better: (name, values) => ask(name, ({ order }) => values.map((value) => indexOf(order, [keyOf(name, value), FIRST]))),
    around: (name, { player, value }, radius) =>
      ask(name, ({ order }) => {
        const before = indexOf(order, [keyOf(name, value), player]);
        const from = Math.max(0, before - radius);
        const at = order.lowerBound([keyOf(name, value), player]);
        for (let back = before - from; back > 0; back--) at.pre();
        return { before, from, rows: take(at, before - from + radius + 1).map((place) => rowOf(name, place)) };
      }),
    size: (name) => ask(name, ({ order }) => order.size()),
    async begin(name, fresh = false) {
      if (fresh) await this.drop(name);
      find(name).isComplete = false;
      return 'memory';
    },
    async renew() {
      return true;
    },
    async finish(name) {
      find(name).isComplete = true;
      return true;
    },
    async drop(name) {
      sets.delete(JSON.stringify([name.board, name.season, name.region, name.isLower, name.rule, name.keep]));
    },
  };
}

function put(set: MemorySet, player: PlayerId, key: number, version: number): void {
  const held = set.keys.get(player);
  if (held !== undefined && held.version >= version) return;
  if (held !== undefined) set.order.eraseElementByKey([held.key, player]);
  set.keys.set(player, { key, version });
  if (key <= set.cutoff) set.order.insert([key, player]);
}

/** Keeps all that are as good as the last place that is kept. */
function trim(set: MemorySet, keep: number): void {
  if (set.order.size() <= keep * KEPT_BEYOND) return;
  set.cutoff = set.order.getElementByPos(keep - 1)[0];
  for (let worst = set.order.back(); worst !== undefined && worst[0] > set.cutoff; worst = set.order.back()) set.order.eraseElementByKey(worst);
}

function ranked(set: MemorySet, player: PlayerId): number | undefined {
  const held = set.keys.get(player);
  return held !== undefined && held.key <= set.cutoff ? held.key : undefined;
}

function indexOf(order: OrderedSet<Place>, place: Place): number {
  const at = order.lowerBound(place);
  return at.isAccessible() ? at.index : order.size();
}

function take(at: OrderedSetIterator<Place>, count: number): Place[] {
  const places: Place[] = [];
  for (; places.length < count && at.isAccessible(); at.next()) places.push(at.pointer);
  return places;
}
