import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { PlayerId } from '../../schema/ids.ts';
import { populate } from '../../loadtest/bench/kit/economy.ts';
import { seededRandom, type Random } from '../../loadtest/bench/kit/holdings.ts';
import { slotOf } from '../../persistence/slots.ts';
import { Books } from './books.ts';
import { Crew } from './crew.ts';
import { SimDatabase } from './database.ts';
import { planFaults, type Fault } from './plan.ts';
import { auditedGreen, ownersOf, reshape, type Reshaping } from './reshape.ts';
import { judge } from './verdict.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
/** Stacks of the fungible assets, and unique items for the rest. */
const ITEMS_EACH = 20;
const RESOLVED_MAX_MS = 20_000;
const LOOK_EVERY_MS = 100;
/** A run that is slower than this does not end by itself. */
const TIME_MAX_MS = 60_000;
const TIME_PER_TRADE_MAX_MS = 6;
const TIME_PER_RESHAPING_MAX_MS = 120_000;
/** For the trades under way when everybody is told to stand by. */
const STAND_BY_MS = 1_000;
const MOVER_KILL_CHANCE = 0.5;

export interface FaultRunOptions {
  trades: number;
  workers: number;
  seed: number;
  shards: number;
  /** PostgreSQL servers, among which the shards are dealt out; one unless said. A stop is of one of them. */
  servers?: number;
  /** To how many shards it comes, one after the other, while it trades; the audit must be green after each. */
  reshape?: readonly number[];
  /** Trades under way at a time, per worker. */
  inFlight: number;
  players: number;
  /** Sources of the workers other than ours, see mutant.ts. */
  root?: string;
  onProgress?: (line: string) => void;
}

export interface FaultRun {
  seed: number;
  trades: number;
  crossing: number;
  acknowledged: number;
  refused: Record<string, number>;
  unknown: number;
  unknownButThere: number;
  /** What the unknown ones that were not killed heard. */
  unanswered: Record<string, number>;
  kills: number;
  terminated: number;
  stops: number;
  retries: number;
  reshapings: Reshaping[];
  /** What the workers' own resolvers had not ended when the last of them had finished. */
  inDoubtAtEnd: number;
  /** Of the trading alone, with its faults. */
  tookMs: number;
  /** What does not hold. */
  violations: string[];
}

/**
 * Trades at random in several processes over one embedded PostgreSQL while processes are killed, connections cut and the
 * server is stopped; then asks the databases whether everybody was told the truth. [CR3]
 */
export async function runFaults(options: FaultRunOptions): Promise<FaultRun> {
  const { shards, servers, reshape: counts = [] } = options;
  const database = await SimDatabase.open(shards, servers, Math.max(0, ...counts.map((count) => count - shards)));
  try {
    return await runOver(database, options);
  } finally {
    await database.close();
  }
}

async function runOver(database: SimDatabase, options: FaultRunOptions): Promise<FaultRun> {
  const { seed, players: playerCount, onProgress = () => undefined } = options;
  const random = seededRandom(seed);
  const players = await populate(database, { players: playerCount, itemsEach: ITEMS_EACH, random });
  onProgress('the players are there');
  const books = new Books();
  const began = performance.now();
  const traded = await tradeThrough(options, { database, players, books, random, onProgress });
  const tookMs = performance.now() - began;
  onProgress('traded; now the databases are asked');
  const { violations, ...open } = await settled(database);
  const owners = await ownersOf(database);
  const placeOf = (player: PlayerId) => owners[slotOf(player)] ?? -1;
  const verdict = await judge(books, { shards: database.shards, players, placeOf });
  return {
    seed,
    trades: books.trades.size,
    crossing: [...books.trades.values()].filter(({ players: [a, b] }) => placeOf(players[a] as PlayerId) !== placeOf(players[b] as PlayerId)).length,
    acknowledged: books.acknowledged,
    refused: Object.fromEntries(books.refusals),
    unknown: books.unknown,
    unknownButThere: verdict.unknownButThere,
    unanswered: Object.fromEntries(books.errors),
    ...traded,
    ...open,
    tookMs,
    violations: [...traded.violations, ...violations, ...verdict.violations],
  };
}

interface Scene {
  database: SimDatabase;
  players: readonly PlayerId[];
  books: Books;
  random: Random;
  onProgress: (line: string) => void;
}

/** Has the workers trade, and makes each fault when its number of trades is reached. @returns what was done to them */
async function tradeThrough({ trades, workers, inFlight, reshape: counts = [], root = ROOT }: FaultRunOptions, { database, players, books, random, onProgress }: Scene) {
  const crew = new Crew({ roots: Array.from({ length: workers }, () => root), orders: { urls: database.urls, players, inFlight }, random, take: (report) => books.take(report) });
  const done = { terminated: 0, stops: 0 };
  const trouble = async (fault: Fault): Promise<void> => {
    if (fault.what === 'kill') crew.kill(fault.point);
    if (fault.what === 'terminate') done.terminated += await database.terminate(fault.backends, fault.busyOnly, random);
    if (fault.what !== 'stop') return;
    onProgress(`${books.trades.size} trades, ${books.acknowledged} acknowledged; the database is stopped`);
    await database.crash(random, () => fault.killMeanwhile && crew.kill());
    done.stops++;
  };
  const reshapings: Reshaping[] = [];
  const red: string[] = [];
  const strike = async () => {
    for (const { at, ...fault } of planFaults(trades, random)) {
      await books.reached(at);
      await trouble(fault);
    }
    await books.reached(trades);
  };
  const rearrange = async () => {
    for (const [nth, over] of counts.entries()) {
      await books.reached(Math.floor((trades * (nth + 1)) / (counts.length + 1)));
      const reshaping = await reshape(over, { database, random, killChance: MOVER_KILL_CHANCE });
      reshapings.push(reshaping);
      onProgress(`${books.trades.size} trades; ${over} shards after ${reshaping.runs} runs, ${reshaping.killed} killed: ${reshaping.moved} slots moved`);
      crew.pause();
      await delay(STAND_BY_MS);
      red.push(...(await auditedGreen(database)).map((what) => `with ${over} shards the audit is red: ${what}`));
      crew.resume();
    }
  };
  try {
    const late = await withinTime(TIME_MAX_MS + trades * TIME_PER_TRADE_MAX_MS + counts.length * TIME_PER_RESHAPING_MAX_MS, crew.brokenDown, async () => {
      await Promise.all([strike(), rearrange()]);
      await crew.finish();
    });
    return { kills: crew.kills, ...done, reshapings, retries: crew.retries, violations: [...late, ...red, ...crew.crashes.map((stderr) => `a worker ended by itself: ${stderr}`)] };
  } finally {
    await crew.close();
  }
}

/** A run that stands still is a failure, not a wait; one whose workers broke down is over. */
export async function withinTime(maxMs: number, brokenDown: Promise<void>, work: () => Promise<void>): Promise<string[]> {
  const late = new AbortController();
  const done = Promise.race([work(), brokenDown]).then((): string[] => []);
  const timeout = delay(maxMs, [`the run did not end within ${maxMs} ms`], { signal: late.signal });
  timeout.catch(() => undefined);
  try {
    return await Promise.race([done, timeout]);
  } finally {
    late.abort();
  }
}

/** Ends what is in doubt, then audits. */
export async function settled(database: SimDatabase): Promise<{ inDoubtAtEnd: number; violations: string[] }> {
  let inDoubtAtEnd = 0;
  const deadline = performance.now() + RESOLVED_MAX_MS;
  while ((await database.prepared()).length > 0 && performance.now() < deadline) {
    inDoubtAtEnd += (await database.storage.resolveInDoubt()).length;
    await delay(LOOK_EVERY_MS);
  }
  const left = await database.prepared();
  const { invariants } = await database.storage.audit();
  const red = invariants.filter(({ ok }) => !ok).map(({ name, violations }) => `the audit is red: ${name}: ${violations.join('; ')}`);
  return { inDoubtAtEnd, violations: [...left.map((gid) => `${gid} stays prepared`), ...red] };
}
