import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../kit/free-port.ts';
import { treeCpuUs } from '../kit/process-cpu.ts';
import { residentBytes } from '../kit/process-memory.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const START_MAX_MS = 40_000;
const LOG_CHARS_MAX = 10_000;
/** All players sign in from one address, within seconds. */
const SETTINGS = { NODE_ENV: 'test', LOG_LEVEL: 'warn', AUTH_RATE_MAX: '1000000' };

/** A server in a process of its own. */
export interface GameServer {
  url: string;
  /** Opens `/service`; a server without one grants nothing and knows no accounts. */
  serviceKey?: string;
  /** What the server process, without PostgreSQL, has used so far, in µs; NaN where that cannot be known. */
  cpuUs(): number;
  postgresUs(): number;
  /** What the server process, without PostgreSQL, holds in memory; NaN where that cannot be known. */
  residentBytes(): number;
  stop(): Promise<void>;
}

/** Ours, as `npm start` runs it: embedded PostgreSQL with four shards, in a folder that goes with it. */
export async function startOurs(settings: Record<string, string> = {}): Promise<GameServer> {
  const { folder, remove } = newFolder();
  return await startIn(folder, settings, remove);
}

/** Several processes of one server, which meet in a Redis and have their databases elsewhere. */
export interface Fleet {
  servers: readonly GameServer[];
  /** So many more of them. */
  grow(count: number): Promise<void>;
  stop(): Promise<void>;
}

/** Begins with one, which makes the secrets. */
export async function startFleet({ shardUrls, redisUrl, ...others }: { shardUrls: readonly string[]; redisUrl: string; catalogPath?: string }): Promise<Fleet> {
  const { folder, remove } = newFolder();
  process.once('exit', remove);
  const settings = { SHARD_URLS: shardUrls.join(','), REDIS_URL: redisUrl, ...(others.catalogPath !== undefined && { CATALOG_PATH: others.catalogPath }) };
  const servers: GameServer[] = [];
  const start = async () => void servers.push(await startIn(folder, settings, () => undefined));
  const stop = async () => {
    await Promise.all(servers.map((server) => server.stop()));
    process.off('exit', remove);
    remove();
  };
  const grow = async (count: number) => void (await Promise.all(Array.from({ length: count }, start)));
  try {
    await grow(1);
    return { servers, grow, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function newFolder(): { folder: string; remove: () => void } {
  const folder = mkdtempSync(path.join(realpathSync(tmpdir()), 'strongroom-bench-'));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }) };
}

/** @param settings beside those that every bench has; without databases they are embedded */
async function startIn(folder: string, settings: Record<string, string>, remove: () => void): Promise<GameServer> {
  const port = await freePort();
  const child = spawn(process.execPath, ['server/main.ts'], { cwd: ROOT, env: { ...process.env, ...SETTINGS, ...settings, DATA_DIR: folder, PORT: String(port) }, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = endedWith(child, remove);
  try {
    const url = `http://127.0.0.1:${port}`;
    await untilReady(child, `${url}/readyz`);
    const { serviceKey } = JSON.parse(readFileSync(path.join(folder, 'secrets.json'), 'utf8')) as { serviceKey: string };
    const postgresUs = embeddedUs(folder);
    return { url, serviceKey, cpuUs: () => cpuOf(child) - postgresUs(), postgresUs, residentBytes: () => memoryOf(child), stop: () => stop(child, ended) };
  } catch (error) {
    await stop(child, ended);
    throw error;
  }
}

/** What the PostgreSQL uses that a server runs itself; nothing where it runs none. */
function embeddedUs(folder: string): () => number {
  const pidFile = path.join(folder, 'postgres', 'postmaster.pid');
  if (!existsSync(pidFile)) return () => 0;
  const pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0]);
  return () => treeCpuUs(pid) ?? Number.NaN;
}

/** A server that does the least: a program that listens on the port that is its first argument. */
export async function startBare(program: URL, settings: readonly string[] = [], postgresUs = () => 0): Promise<GameServer> {
  const port = await freePort();
  const child = fork(program, [String(port), ...settings], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  const ended = endedWith(child, () => undefined);
  try {
    await untilReady(child, `http://127.0.0.1:${port}/`);
    return { url: `http://127.0.0.1:${port}`, cpuUs: () => cpuOf(child), postgresUs, residentBytes: () => memoryOf(child), stop: () => stop(child, ended) };
  } catch (error) {
    await stop(child, ended);
    throw error;
  }
}

const cpuOf = ({ pid }: ChildProcess): number => treeCpuUs(pid ?? 0) ?? Number.NaN;
const memoryOf = ({ pid }: ChildProcess): number => residentBytes(pid ?? 0) ?? Number.NaN;

/** It does not outlive us, however we end. @returns what resolves when it and what it left behind are gone */
function endedWith(child: ChildProcess, remove: () => void): Promise<void> {
  const kill = () => {
    child.kill('SIGKILL');
    remove();
  };
  process.once('exit', kill);
  return once(child, 'exit').then(() => {
    process.off('exit', kill);
    remove();
  });
}

async function stop(child: ChildProcess, ended: Promise<void>): Promise<void> {
  child.kill('SIGTERM');
  await ended;
}

/** Any answer that is not an error of the server's means that it listens. */
async function untilReady(child: ChildProcess, url: string): Promise<void> {
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (log = (log + chunk.toString()).slice(-LOG_CHARS_MAX)));
  const deadline = performance.now() + START_MAX_MS;
  const isReady = () => fetch(url).then(({ status }) => status < 500, () => false);
  while (!(await isReady())) {
    if (child.exitCode !== null || child.signalCode !== null || performance.now() > deadline) throw new Error(`the server did not start: ${log}`);
    await delay(50);
  }
}
