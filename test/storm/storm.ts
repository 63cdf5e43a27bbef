import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pick, seededRandom, type Random } from '../../loadtest/bench/kit/holdings.ts';
import { MortalHost } from '../kit/mortal-host.ts';
import { service } from '../kit/player.ts';
import { MortalRedis } from '../kit/redis-host.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';
import type { BotOrder, BotReport } from './messages.ts';
import { Place } from './place.ts';
import { judgeStorm, StormBooks } from './verdict.ts';

const SHARDS = 4;
/** Of every process ten to each database, and again as many of one that was killed a moment ago. */
const CONNECTIONS_MAX = 400;
const FIRST_FAULT_MS = 2_000;
const KILL_EVERY_MS = 5_000;
const DATABASE_AWAY_MS = 500;
const GOLD_EACH = 100;
const SWORDS_EACH = 3;
const READY_MAX_MS = 60_000;

export interface StormOptions {
  processes: number;
  bots: number;
  /** Processes that the bots are dealt out to. */
  botProcesses: number;
  durationMs: number;
  flushes: number;
  seed: number;
  /** Within how long everybody must be served again after a fault. */
  recoveredMaxMs: number;
  /** Sources of the servers other than ours, see mutant.ts. */
  root?: string;
  onProgress?: (line: string) => void;
}

/** From a fault until every bot had an answer to something that it asked after it; who is hit by a later one meanwhile is counted there. */
export interface Recovery {
  fault: string;
  tookMs: number;
  /** Who was answered last. */
  last: string;
}

export interface Storm {
  kills: number;
  trades: number;
  settled: number;
  unknown: number;
  gathered: number;
  recoveries: Recovery[];
  violations: string[];
}

/** Real clients trade through several processes, while those are killed, Redis is emptied and PostgreSQL is restarted. [CR6] */
export async function runStorm(options: StormOptions): Promise<Storm> {
  const { processes, durationMs, root, onProgress = () => undefined } = options;
  const { folder, remove } = temporaryFolder();
  const compiled = temporaryFolder();
  const databases = Array.from({ length: SHARDS }, (_, shard) => `storm_${shard}`);
  const [host, redis] = await Promise.all([MortalHost.start(databases, { max_connections: CONNECTIONS_MAX }), MortalRedis.start()]);
  const places: Place[] = [];
  const crews: BotCrew[] = [];
  try {
    const env = { SHARD_URLS: host.urls.join(','), REDIS_URL: redis.url, LOG_LEVEL: 'warn', NODE_COMPILE_CACHE: compiled.folder };
    for (let at = 0; at < processes; at++) places.push(await Place.open({ dataDir: folder, env, ...(root !== undefined && { root }) }));
    onProgress(`${processes} processes are there`);
    const books = new StormBooks();
    const endpoints = places.map(({ url }) => url);
    const each = Math.ceil(options.bots / options.botProcesses);
    for (let at = 0; at < options.botProcesses; at++) crews.push(new BotCrew({ endpoints, bots: each, seed: options.seed + at }, books));
    const players = (await Promise.all(crews.map((crew) => crew.present))).flat();
    await stock(places[0]!, players);
    for (const crew of crews) crew.tell({ type: 'stock', done: true });
    onProgress(`${players.length} bots trade`);

    const recoveries = await strike({ ...options, random: seededRandom(options.seed), places, redis, host, books, onProgress, durationMs });
    await Promise.all(crews.map((crew) => crew.finish()));
    onProgress('the bots are done; now the databases are asked');
    const violations = await judgeStorm(books, { server: await anyServer(places), urls: host.urls, players });
    const crashes = places.flatMap((place) => place.crashes.map((crash) => `a server ${crash}`));
    const late = recoveries.filter(({ tookMs }) => tookMs > options.recoveredMaxMs).map(({ fault, tookMs, last }) => `${fault}: not everybody was answered again within ${options.recoveredMaxMs} ms, but after ${Math.round(tookMs)}; the last was ${last}: ${books.histories.get(last)}`);
    return {
      kills: places.reduce((sum, { kills }) => sum + kills, 0),
      trades: books.trades.length,
      settled: books.trades.filter(({ outcome }) => outcome === 'settled').length,
      unknown: books.trades.filter(({ outcome }) => outcome === 'unknown').length,
      gathered: books.gathered.length,
      recoveries,
      violations: [...violations, ...crashes, ...late],
    };
  } finally {
    for (const crew of crews) crew.end();
    await Promise.all(places.map((place) => place.leave()));
    await redis.stop();
    await host.stop();
    remove();
    compiled.remove();
  }
}

interface Scene extends StormOptions {
  random: Random;
  places: readonly Place[];
  redis: MortalRedis;
  host: MortalHost;
  books: StormBooks;
  onProgress: (line: string) => void;
}

/** A kill every five seconds, Redis emptied now and then, PostgreSQL restarted in the middle. @returns how long each took to be over */
async function strike({ durationMs, recoveredMaxMs, flushes, random, places, redis, host, books, onProgress }: Scene): Promise<Recovery[]> {
  const began = Date.now();
  const recoveries: Promise<Recovery>[] = [];
  const faults: { at: number; fault: string; make: () => Promise<unknown> }[] = [];
  for (let at = FIRST_FAULT_MS; at < durationMs - 1_000; at += KILL_EVERY_MS) {
    faults.push({ at, fault: 'kill -9 of a process', make: async () => await pick(random, places.filter(({ server }) => server !== undefined))?.kill() });
  }
  for (let nth = 1; nth <= flushes; nth++) faults.push({ at: (durationMs * nth) / (flushes + 1) + 700, fault: 'Redis emptied', make: () => redis.flush() });
  faults.push({
    at: durationMs * 0.6,
    fault: 'PostgreSQL restarted',
    make: async () => {
      await host.crash();
      await delay(DATABASE_AWAY_MS);
      await host.revive();
    },
  });
  for (const { at, fault, make } of faults.toSorted((a, b) => a.at - b.at)) {
    await delay(Math.max(0, began + at - Date.now()));
    onProgress(`${new Date().toISOString().slice(17, 23)} (${Math.round((Date.now() - began) / 1_000)} s): ${fault}`);
    const madeAt = Date.now();
    await make();
    recoveries.push(books.allAnsweredAfter(madeAt).then(({ at: answeredAt, last }) => ({ fault, tookMs: answeredAt - madeAt, last })));
  }
  await delay(Math.max(0, began + durationMs - Date.now()));
  // The last faults are given the time that each may take.
  const last = Promise.all(recoveries);
  await Promise.race([last, delay(recoveredMaxMs, undefined, { ref: false })]);
  books.giveUp();
  return await last;
}

async function stock(place: Place, players: readonly string[]): Promise<void> {
  const { grant } = service(place.server!);
  const items = Array.from({ length: SWORDS_EACH }, () => ({ kind: 'sword' }));
  for (let at = 0; at < players.length; at += 20) await Promise.all(players.slice(at, at + 20).map((player) => grant(player, { fungibles: { gold: GOLD_EACH }, items })));
}

async function anyServer(places: readonly Place[]) {
  for (const deadline = Date.now() + READY_MAX_MS; Date.now() < deadline; await delay(100)) {
    const server = places.find((place) => place.server !== undefined)?.server;
    if (server !== undefined) return server;
  }
  throw new Error('no process came back');
}

/** One process of bots. */
class BotCrew {
  readonly #child: ChildProcess;
  readonly present: Promise<string[]>;
  readonly finished: Promise<void>;

  constructor(orders: Extract<BotOrder, { type: 'begin' }>['orders'], books: StormBooks) {
    this.#child = fork(path.join(import.meta.dirname, 'bots.ts'), [], { execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const present = Promise.withResolvers<string[]>();
    this.present = present.promise;
    this.#child.on('message', (report: BotReport) => {
      if (report.type === 'present') present.resolve(report.players);
      books.take(report);
    });
    this.finished = once(this.#child, 'exit').then(([code]) => {
      present.reject(new Error('the bots ended before they were there'));
      if (code !== 0) throw new Error(`the bots ended with ${code}`);
    });
    this.present.catch(() => undefined);
    this.finished.catch(() => undefined);
    this.tell({ type: 'begin', orders });
  }

  tell(order: BotOrder): void {
    this.#child.send(order);
  }

  async finish(): Promise<void> {
    this.tell({ type: 'finish' });
    await this.finished;
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }
}

