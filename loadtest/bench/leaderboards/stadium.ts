import { EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parse } from 'yaml';
import { faultPoints, redisBoardSets, type RedisBoardSets, type SetName } from '../../../persistence/index.ts';
import { CatalogFile } from '../../../schema/catalog.ts';
import { Catalog } from '../../../server/catalog/index.ts';
import { createFeatures } from '../../../server/features.ts';
import type { Filled, Leaderboards } from '../../../server/leaderboards/index.ts';
import { Metrics } from '../../../server/telemetry/index.ts';
import type { BenchOptions } from '../kit/bench.ts';
import { openEconomy, type Economy } from '../kit/economy.ts';
import { openBenchRedis, type BenchRedis } from '../kit/redis.ts';
import { populateBoards, type BoardSize, type Scorer } from './bulk-scores.ts';

export const REGIONS: readonly string[] = Array.from({ length: 10 }, (_, at) => `region-${at}`);
export const BOARD = 'arena';
const SMALLEST = 10_000;
const STEP = 10;
const KEEP = 100_000_000;
const CATALOG = path.resolve(import.meta.dirname, '../../../catalog.yaml');
/** A million players are a GB of rows and indexes; whoever has them gives the server room for them. */
const BUFFERS = { from: 1_000_000, settings: { shared_buffers: '3GB', max_wal_size: '4GB' } };
/** The server process of its own that pages are read from has connections too. */
const CONNECTIONS = 240;
const FILLED_MAX_MS = 600_000;
const FREED_EVERY_MS = 50;

/** Players with scores in ten regions, on boards of several sizes, in PostgreSQL; one Redis; and the feature over both, as a process has it. */
export class Stadium {
  readonly economy: Economy;
  readonly redis: BenchRedis;
  readonly sets: RedisBoardSets;
  /** The largest first: everybody is on it. */
  readonly boards: readonly [BoardSize, ...BoardSize[]];
  /** Some of its players, by shard. */
  readonly drawn: readonly (readonly Scorer[])[];
  readonly catalogFile: CatalogFile;
  readonly #events = new EventEmitter();
  #leaderboards: Leaderboards | undefined;

  private constructor(economy: Economy, redis: BenchRedis, boards: Stadium['boards'], drawn: Scorer[][]) {
    this.economy = economy;
    this.redis = redis;
    this.sets = redisBoardSets(redis.link.commands);
    this.boards = boards;
    this.drawn = drawn;
    this.catalogFile = CatalogFile.parse({
      ...(parse(readFileSync(CATALOG, 'utf8')) as object),
      regions: REGIONS,
      boards: boards.map(({ name }) => ({ name, title: name, rule: 'best', keep: KEEP })),
    });
  }

  static async open({ playersMax, shardsMax }: BenchOptions): Promise<Stadium> {
    const settings = { max_connections: String(CONNECTIONS), ...(playersMax >= BUFFERS.from && BUFFERS.settings) };
    const redis = await openBenchRedis();
    try {
      const economy = await openEconomy(shardsMax, 0, settings);
      const boards = sizesUpTo(playersMax);
      try {
        const drawn = await populateBoards(economy.urls, { boards, regions: REGIONS });
        await economy.shards[0]?.pool.query('checkpoint');
        return new Stadium(economy, redis, boards, drawn);
      } catch (error) {
        await economy.close();
        throw error;
      }
    } catch (error) {
      await redis.close();
      throw error;
    }
  }

  get leaderboards(): Leaderboards {
    if (this.#leaderboards === undefined) throw new Error('nobody is playing yet');
    return this.#leaderboards;
  }

  /** Begins as a process does that finds its Redis without any sets: it fills them. @returns what it took for each board */
  async start(): Promise<Map<string, Filled>> {
    const { leaderboards } = createFeatures({
      storage: this.economy.storage,
      catalog: new Catalog(this.catalogFile),
      metrics: new Metrics(),
      limits: { inventoryCacheMax: 1, inventoryCacheTtlMs: 1, tradesOpenMax: 1 },
      reach: faultPoints(undefined),
      boards: { sets: new Map(), others: this.sets, onFault: (error) => console.error(error), onFilled: (filled) => this.#events.emit('filled', filled), onSeason: () => undefined },
    });
    this.#leaderboards = leaderboards;
    const filled = this.#allFilled();
    await leaderboards.start();
    return await filled;
  }

  async stop(): Promise<void> {
    await this.#leaderboards?.stop();
    this.#leaderboards = undefined;
  }

  /** The set of a board like ours in a region, which no process knows. */
  setName(region: string, rule: SetName['rule'], board = 'bench'): SetName {
    return { board, season: 1, region, isLower: false, rule, keep: KEEP };
  }

  /** What Redis uses, in bytes, once it has freed what it was told to forget. */
  async usedMemory(): Promise<number> {
    for (;;) {
      const info = await this.redis.link.commands.info('memory');
      if (/^lazyfree_pending_objects:0\r?$/m.test(info)) return Number(/^used_memory:(\d+)/m.exec(info)?.[1]);
      await delay(FREED_EVERY_MS);
    }
  }

  async close(): Promise<void> {
    await this.stop();
    this.sets.stop();
    await this.economy.close();
    await this.redis.close();
  }

  async #allFilled(): Promise<Map<string, Filled>> {
    const all = new Map<string, Filled>();
    const regionsFilled = () => [...all.values()].reduce((sum, { regions }) => sum + regions.length, 0);
    while (regionsFilled() < this.boards.length * REGIONS.length) {
      const [filled] = (await once(this.#events, 'filled', { signal: AbortSignal.timeout(FILLED_MAX_MS) })) as [Filled];
      const before = all.get(filled.board);
      all.set(filled.board, before === undefined ? filled : { ...filled, regions: [...before.regions, ...filled.regions], scores: before.scores + filled.scores, tookMs: before.tookMs + filled.tookMs });
    }
    return all;
  }
}

/** A tenth of the players on the next one, down to ten thousand; two boards at least. */
function sizesUpTo(most: number): [BoardSize, ...BoardSize[]] {
  const boards: [BoardSize, ...BoardSize[]] = [{ name: BOARD, players: most }];
  for (let players = Math.ceil(most / STEP); players >= SMALLEST || boards.length < 2; players = Math.ceil(players / STEP)) boards.push({ name: `${BOARD}-${players}`, players });
  return boards;
}
