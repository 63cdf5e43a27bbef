import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { isFree } from '../bench/kit/free-port.ts';
import { startEmbeddedPostgres, startEmbeddedRedis } from '../../persistence/index.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const PM2 = path.join(ROOT, 'node_modules/.bin/pm2');
const COMMAND_MAX_MS = 180_000;
const BACK_MAX_MS = 60_000;
/** Every process opens ten to each shard, and one that was killed has its own for a moment longer. */
const CONNECTIONS_MAX = 800;
/** Below those that the system gives to clients. */
const PORTS = { first: 13_000, last: 19_000 };
const run = promisify(execFile);

/** Where the bots go, with what is known of it. */
export interface Stage {
  endpoints: readonly string[];
  /** Without it nothing is granted, and no audit is asked for. */
  serviceKey: string | undefined;
  /** Process ids as they are now: those that died are back under others. */
  pids(): { servers: number[]; database?: number; redis?: number };
  redisUrl?: string;
  shardUrls: readonly string[];
  /** Kills a server process and waits until another one serves in its place. */
  kill(at: number): Promise<void>;
  stop(): Promise<void>;
}

/** A server that somebody else runs. */
export function against(url: string, serviceKey: string | undefined): Stage {
  return { endpoints: [url.replace(/\/+$/, '')], serviceKey, pids: () => ({ servers: [] }), shardUrls: [], kill: () => Promise.reject(new Error('a server elsewhere is not ours to kill')), stop: () => Promise.resolve() };
}

/** PostgreSQL, Redis, and so many server processes under PM2, as an operator runs them, on loopback and in a folder of their own. */
export async function openStage({ processes, shards }: { processes: number; shards: number }): Promise<Stage> {
  const folder = mkdtempSync(path.join(realpathSync(tmpdir()), 'strongroom-load-'));
  const closers: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const close of closers.toReversed()) await close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  };
  try {
    const postgres = await startEmbeddedPostgres({ dir: folder, databases: Array.from({ length: shards }, (_, at) => `load_${at}`), settings: { max_connections: CONNECTIONS_MAX } });
    closers.push(() => postgres.stop());
    const redis = await startEmbeddedRedis({ dir: folder });
    closers.push(() => redis.stop());
    const port = await portsInARow(processes);
    const home = path.join(folder, 'pm2');
    const env = {
      ...process.env, PM2_HOME: home, PM2_DISCRETE_MODE: 'true', NODE_ENV: 'test', LOG_LEVEL: 'warn', DATA_DIR: folder, PORT: String(port), PROCESSES: String(processes),
      SHARD_URLS: postgres.urls.join(','), REDIS_URL: redis.url, CATALOG_PATH: catalogIn(folder), AUTH_RATE_MAX: '1000000',
    };
    const pm2 = (...args: string[]) => run(PM2, args, { cwd: ROOT, env, timeout: COMMAND_MAX_MS, maxBuffer: 2 ** 26 });
    closers.push(() => pm2('kill'));
    await pm2('start', 'ecosystem.config.js');
    const endpoints = Array.from({ length: processes }, (_, at) => `http://127.0.0.1:${port + at}`);
    await Promise.all(endpoints.map(untilReady));
    const { serviceKey } = JSON.parse(readFileSync(path.join(folder, 'secrets.json'), 'utf8')) as { serviceKey: string };
    const pidOf = (at: number) => pidIn(path.join(home, 'pids', `strongroom-${at}.pid`));
    const servers = () => endpoints.flatMap((_, at) => pidOf(at) ?? []);
    return {
      endpoints, serviceKey, redisUrl: redis.url, shardUrls: postgres.urls, stop,
      pids: () => ({ servers: servers(), database: postgres.pid, redis: redis.pid }),
      async kill(at) {
        const pid = pidOf(at);
        if (pid !== undefined) process.kill(pid, 'SIGKILL');
        await untilReady(endpoints[at] as string);
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The shipped catalogue, but what one gathers is within reach wherever one stands, and grows back at once: bots measure requests, not patience. */
function catalogIn(folder: string): string {
  const file = path.join(folder, 'catalog.yaml');
  const shipped = readFileSync(path.join(ROOT, 'catalog.yaml'), 'utf8');
  writeFileSync(file, shipped.replaceAll(/cooldownMs: \d+/g, 'cooldownMs: 1').replaceAll(/reach: \d+/g, 'reach: 2000'));
  return file;
}

/** PM2 keeps one for each process; there is none, or a dead one, while it starts another. */
function pidIn(file: string): number | undefined {
  if (!existsSync(file)) return undefined;
  const pid = Number(readFileSync(file, 'utf8'));
  return pid > 0 && existsSync(`/proc/${pid}`) ? pid : undefined;
}

async function untilReady(url: string): Promise<void> {
  for (const deadline = Date.now() + BACK_MAX_MS; Date.now() < deadline; await delay(100)) {
    if (await fetch(`${url}/readyz`).then(({ ok }) => ok, () => false)) return;
  }
  throw new Error(`${url} did not serve within ${BACK_MAX_MS / 1_000} s`);
}

/** The first of so many free ones. */
async function portsInARow(count: number): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const first = PORTS.first + Math.floor(Math.random() * (PORTS.last - PORTS.first - count));
    const free = await Promise.all(Array.from({ length: count }, (_, at) => isFree(first + at)));
    if (free.every(Boolean)) return first;
  }
  throw new Error('no ports are free');
}
