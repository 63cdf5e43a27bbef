import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';
import { GUARDED } from './guard.ts';
import { EmbeddedRedisError, findRedis } from './redis-binaries.ts';

const READY_MAX_MS = 10_000;
const POLL_MS = 20;
/** Beside the installed packages: unpacked once for all data folders. */
const CACHE = path.resolve(import.meta.dirname, '../../node_modules/.cache/strongroom');

export interface EmbeddedRedisOptions {
  /** Its log goes into `${dir}/redis.log`. */
  dir: string;
  /** A free one, unless given: to start again where clients look for it. */
  port?: number;
  password?: string;
}

export interface EmbeddedRedis {
  /** Good for any process of this machine. */
  url: string;
  port: number;
  /** The server's own process, whose SIGKILL is a crash. */
  pid: number;
  exited: Promise<void>;
  /** Ends it; everything in it is gone. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/**
 * Starts a Redis for several processes on a machine that has none, on loopback, keeping nothing: it is never the truth.
 * It ends with our process, however that ends.
 * @throws {EmbeddedRedisError}
 */
export async function startEmbeddedRedis({ dir, port, password }: EmbeddedRedisOptions): Promise<EmbeddedRedis> {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const { command, env } = await findRedis(CACHE);
  const chosen = port ?? (await freePort());
  const settings = ['--bind', '127.0.0.1', '--port', String(chosen), '--save', '', '--appendonly', 'no', '--dir', dir, '--databases', '1', ...(password ? ['--requirepass', password] : [])];
  const log = openSync(path.join(dir, 'redis.log'), 'a', 0o600);
  const child = spawn('/bin/sh', ['-c', GUARDED, 'redis-guard', command, ...settings], { env: { ...env, PATH: '/usr/bin:/bin' }, stdio: ['ignore', log, log, 'pipe'], detached: true });
  closeSync(log);
  const exited = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('exit', () => resolve());
  });
  const pipe = child.stdio[3] as Duplex & { unref(): void };
  let pid = 0;
  pipe.on('error', () => undefined); // the guard is gone, and `exited` says so
  pipe.once('data', (line: Buffer) => (pid = Number(line.toString())));
  // Its process id too: a signal to nobody would be one to all of us.
  if (!(await isReady(chosen, exited, () => pid > 0))) {
    pipe.end();
    await exited;
    const said = readFileSync(path.join(dir, 'redis.log'), 'utf8').trim().split('\n').at(-1);
    throw new EmbeddedRedisError(`The embedded Redis does not start (${said}): choose another port, or set REDIS_URL.`);
  }
  child.unref();
  pipe.unref();
  return {
    url: `redis://${password ? `:${password}@` : ''}127.0.0.1:${chosen}`,
    port: chosen,
    pid,
    exited,
    async stop(signal = 'SIGTERM') {
      child.ref();
      try {
        if (child.exitCode === null && child.signalCode === null) process.kill(pid, signal);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // gone, but not yet reported
      }
      await exited;
    },
  };
}

async function isReady(port: number, exited: Promise<void>, isKnown: () => boolean): Promise<boolean> {
  let ended = false;
  void exited.then(() => (ended = true));
  for (const start = performance.now(); !ended && performance.now() - start < READY_MAX_MS; await sleep(POLL_MS)) {
    const answers = await new Promise<boolean>((resolve) => {
      const socket = createConnection(port, '127.0.0.1', () => resolve(true));
      socket.once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    // Somebody else's server on the port is not ours: ours would end then, and is given the time to.
    if (answers && isKnown()) return await Promise.race([exited.then(() => false), sleep(100).then(() => !ended)]);
  }
  return false;
}
