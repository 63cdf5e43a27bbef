import { Client } from 'pg';
import type { Redis } from 'ioredis';
import type { PlayerId } from '../../../schema/ids.ts';
import { openPool } from '../kit/pool.ts';
import type { Stadium } from './stadium.ts';
import { BOARD, REGIONS } from './stadium.ts';

const FETCHED_AT_ONCE = 5_000;
const TOP = 100;
const NAMES = { name: 'bare-names', text: 'select id, name from player where id = any($1::uuid[])' };

const keyOf = (region: string) => `bench:bare:${region}`;

interface Score {
  player: PlayerId;
  region: string;
  value: number;
}

type Found = [score: number, player: string];

/** What somebody would write by hand on the same PostgreSQL and Redis: bare sorted sets by region, no versions, no marks, nobody told. */
export class BareSets {
  readonly #redis: Redis;
  readonly #urls: readonly string[];
  readonly #pools: ReturnType<typeof openPool>[];

  constructor({ redis, economy }: Stadium) {
    this.#redis = redis.link.commands;
    this.#urls = economy.urls;
    this.#pools = economy.urls.map((connectionString) => openPool({ connectionString, max: 10 }));
  }

  /** Reads every score through a cursor of each shard, and adds them while the next ones are read. @returns how many */
  async fill(): Promise<number> {
    const counts = await Promise.all(this.#urls.map((url) => this.#fillFrom(url)));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** One ZADD for each score, in one pipeline. */
  async addEach(byRegion: ReadonlyMap<string, readonly { player: PlayerId; value: number }[]>): Promise<void> {
    const pipeline = this.#redis.pipeline();
    for (const [region, scores] of byRegion) for (const { player, value } of scores) pipeline.zadd(keyOf(region), -value, player);
    await pipeline.exec();
  }

  /** One ZADD for each region, in one pipeline. */
  async addAll(byRegion: ReadonlyMap<string, readonly { player: PlayerId; value: number }[]>): Promise<void> {
    const pipeline = this.#redis.pipeline();
    for (const [region, scores] of byRegion) pipeline.zadd(keyOf(region), ...scores.flatMap(({ player, value }) => [-value, player]));
    await pipeline.exec();
  }

  async top(regions: readonly string[]): Promise<Found[]> {
    const answers = await this.#ask<string[]>(regions, (pipeline, key) => pipeline.zrange(key, 0, TOP - 1, 'WITHSCORES'));
    const found = answers.flatMap(foundIn);
    if (regions.length > 1) found.sort(ordered);
    return found.slice(0, TOP);
  }

  /** @param home of the player */
  async place(player: PlayerId, home: string, regions: readonly string[]): Promise<number> {
    const score = await this.#redis.zscore(keyOf(home), player);
    const better = await this.#ask<number>(regions, (pipeline, key) => pipeline.zcount(key, '-inf', `(${score}`));
    return 1 + better.reduce((sum, count) => sum + count, 0);
  }

  async around(player: PlayerId, home: string, regions: readonly string[], radius: number): Promise<{ rank: number; rows: Found[]; names: Map<string, string> }> {
    const score = (await this.#redis.zscore(keyOf(home), player)) ?? '';
    const answers = await this.#ask<number | string[]>(regions, (pipeline, key) =>
      pipeline.zcount(key, '-inf', `(${score}`).zrange(key, `(${score}`, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, radius, 'WITHSCORES').zrange(key, score, '+inf', 'BYSCORE', 'LIMIT', 0, radius + 1, 'WITHSCORES'));
    const found = answers.flatMap((answer) => (Array.isArray(answer) ? foundIn(answer) : [])).toSorted(ordered);
    const at = found.findIndex(([, id]) => id === player);
    const from = Math.max(0, at - radius);
    const better = answers.reduce<number>((sum, answer) => sum + (Array.isArray(answer) ? 0 : answer), 0);
    const rows = found.slice(from, at + radius + 1);
    return { rank: 1 + better - (at - from), rows, names: await this.#names(rows.map(([, id]) => id)) };
  }

  async drop(): Promise<void> {
    await this.#redis.unlink(...REGIONS.map(keyOf));
  }

  async close(): Promise<void> {
    await Promise.all(this.#pools.map((pool) => pool.end()));
  }

  async #names(players: readonly string[]): Promise<Map<string, string>> {
    const found = await Promise.all(this.#pools.map((pool) => pool.query<{ id: string; name: string }>({ ...NAMES, values: [players] })));
    return new Map(found.flatMap(({ rows }) => rows.map(({ id, name }) => [id, name] as const)));
  }

  async #ask<Answer>(regions: readonly string[], question: (pipeline: ReturnType<Redis['pipeline']>, key: string) => unknown): Promise<Answer[]> {
    const pipeline = this.#redis.pipeline();
    for (const region of regions) question(pipeline, keyOf(region));
    return ((await pipeline.exec()) ?? []).map(([error, answer]) => {
      if (error !== null) throw error;
      return answer as Answer;
    });
  }

  async #fillFrom(url: string): Promise<number> {
    const client = new Client({ connectionString: url });
    await client.connect();
    try {
      await client.query('begin isolation level repeatable read, read only');
      await client.query(`declare bare no scroll cursor for select player, region, value::float8 as value from score where board = '${BOARD}' and season = 1`);
      const fetch = async () => (await client.query<Score>(`fetch ${FETCHED_AT_ONCE} from bare`)).rows;
      let count = 0;
      for (let rows = await fetch(); rows.length > 0; ) {
        count += rows.length;
        [rows] = await Promise.all([fetch(), this.addAll(Map.groupBy(rows, ({ region }) => region))]);
      }
      return count;
    } finally {
      await client.end();
    }
  }
}

function foundIn(raw: readonly string[]): Found[] {
  const found: Found[] = [];
  for (let at = 0; at < raw.length; at += 2) found.push([Number(raw[at + 1]), raw[at] as string]);
  return found;
}

const ordered = (a: Found, b: Found) => a[0] - b[0] || (a[1] < b[1] ? -1 : 1);
