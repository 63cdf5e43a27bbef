import { readFileSync } from 'node:fs';
import { openRedis, type RedisLink } from '../../persistence/index.ts';
import { openPool } from '../bench/kit/pool.ts';
import { treeCpuUs } from '../bench/kit/process-cpu.ts';
import type { Second } from '../reporting/record.ts';
import type { Stage } from './stage.ts';

const PAGE_BYTES = 4_096;
const MB = 2 ** 20;
/** Metrics cost a process a few ms to write down. */
const METRICS_EVERY = 5;

type Usage = Pick<Second, 'cpu' | 'processes' | 'redisKeys' | 'prepared'>;

/** Looks, each second, at what the processes of a run use. */
export class Sampler {
  readonly #stage: Stage;
  readonly #cpu = new Map<number, number>();
  readonly #pool: ReturnType<typeof openPool> | undefined;
  readonly #redis: RedisLink | undefined;
  #processes: Second['processes'] = {};
  #looks = 0;
  #lookedAt = performance.now();

  private constructor(stage: Stage, redis: RedisLink | undefined) {
    this.#stage = stage;
    this.#redis = redis;
    const [url] = stage.shardUrls;
    this.#pool = url === undefined ? undefined : openPool({ connectionString: url, max: 1 });
  }

  static async open(stage: Stage): Promise<Sampler> {
    const sampler = new Sampler(stage, stage.redisUrl === undefined ? undefined : await openRedis(stage.redisUrl, { onFault: () => undefined }));
    await sampler.look(0); // what they used until now is not of the run
    return sampler;
  }

  /** @param botsUs the CPU that the bots have used since the last look, in µs */
  async look(botsUs: number): Promise<Usage> {
    const now = performance.now();
    const elapsedUs = (now - this.#lookedAt) * 1_000;
    this.#lookedAt = now;
    const { servers, database, redis } = this.#stage.pids();
    const share = (pids: readonly number[]) => (pids.length === 0 ? null : pids.reduce((sum, pid) => sum + this.#used(pid), 0) / elapsedUs);
    if (this.#looks++ % METRICS_EVERY === 0) this.#processes = Object.fromEntries(await Promise.all(this.#stage.endpoints.map(async (url, at) => [`process ${at}`, await metricsOf(url, servers[at])] as const)));
    const [redisKeys, prepared] = await Promise.all([this.#redis?.commands.dbsize().catch(() => null), this.prepared()]);
    return {
      cpu: { servers: share(servers), database: share(database === undefined ? [] : [database]), redis: share(redis === undefined ? [] : [redis]), bots: botsUs / elapsedUs },
      processes: this.#processes,
      redisKeys: redisKeys ?? null,
      prepared,
    };
  }

  /** How many transactions are prepared and not ended. */
  async prepared(): Promise<number | null> {
    if (this.#pool === undefined) return null;
    const { rows } = await this.#pool.query<{ count: number }>('select count(*)::int as count from pg_prepared_xacts');
    return rows[0]?.count ?? null;
  }

  async close(): Promise<void> {
    await this.#pool?.end();
    await this.#redis?.close();
  }

  /** In µs, since the last look; a process that is new has used what it has used, and what one used that ended since then is not known. */
  #used(pid: number): number {
    const total = treeCpuUs(pid);
    if (total === undefined) return 0;
    const used = total - (this.#cpu.get(pid) ?? 0);
    this.#cpu.set(pid, total);
    return used;
  }
}

async function metricsOf(url: string, pid: number | undefined): Promise<Second['processes'][string]> {
  const text = await fetch(`${url}/metrics`).then((response) => response.text(), () => '');
  const valueOf = (name: string) => Number(new RegExp(`^${name} ([\\d.e+-]+)`, 'm').exec(text)?.[1] ?? Number.NaN);
  return {
    residentMb: pid === undefined ? Number.NaN : residentBytes(pid) / MB,
    heapMb: valueOf('nodejs_heap_size_used_bytes') / MB,
    handles: valueOf('nodejs_active_resources_total'),
    loopDelayP99Ms: valueOf('nodejs_eventloop_lag_p99_seconds') * 1_000,
  };
}

function residentBytes(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES;
  } catch {
    return Number.NaN; // it ended since its process id was read
  }
}
