import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isFree } from '../../loadtest/bench/kit/free-port.ts';
import { temporaryDataFolder } from './data-folder.ts';

const START_MAX_MS = 100_000;
const ROOT = path.resolve(import.meta.dirname, '../..');
/** Below those that the system gives to clients, and below the simulator's. */
const PORTS = { first: 12_000, perWorker: 1_000, workersMax: 8 };

export interface TestServer {
  url: string;
  port: number;
  dataDir: string;
  pid: number;
  serviceKey: string;
  /** Everything that it logged so far, one JSON object a line. */
  log(): string;
  /** Resolves with how it ended. */
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Ends it in order, and removes its data unless the folder was given. */
  stop(): Promise<void>;
}

export interface StartOptions {
  env?: Record<string, string>;
  /** Kept by the caller, to start again on the same data. */
  dataDir?: string;
  /** Where it listens: as one before it did. A free port unless given. */
  port?: number;
  /** Other sources than ours, see mutant.ts. */
  root?: string;
}

/** A real server process with embedded PostgreSQL, on a free port, ready when this resolves. */
export async function startServer({ env = {}, dataDir, port: given, root = ROOT }: StartOptions = {}): Promise<TestServer> {
  const own = dataDir === undefined ? temporaryDataFolder(root === ROOT ? 'databases' : 'postgres') : undefined;
  const folder = dataDir ?? own?.folder ?? '';
  const port = given ?? (await freePort());
  const child = spawn(process.execPath, ['server/main.ts'], {
    cwd: root,
    env: { ...process.env, NODE_ENV: 'test', DATA_DIR: folder, PORT: String(port), LOG_LEVEL: 'info', AUTH_RATE_MAX: '100000', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  const take = (chunk: Buffer) => {
    log = (log + chunk.toString()).slice(-2_000_000);
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const exited = once(child, 'exit').then(([code, signal]) => ({ code: code as number | null, signal: signal as NodeJS.Signals | null }));
  const url = `http://127.0.0.1:${port}`;

  const deadline = Date.now() + START_MAX_MS;
  while (!(await isReady(url))) {
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL');
      own?.remove();
      throw new Error(`the server did not start: ${log.slice(-2000)}`);
    }
    await delay(50);
  }
  const serviceKey = env['SERVICE_KEY'] ?? (JSON.parse(readFileSync(path.join(folder, 'secrets.json'), 'utf8')) as { serviceKey: string }).serviceKey;
  const kill = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await exited;
  };
  return {
    url, port, dataDir: folder, pid: child.pid ?? 0, serviceKey, exited, kill,
    log: () => log,
    async stop() {
      child.kill('SIGCONT'); // one that stands still would never end
      if (child.exitCode === null && child.signalCode === null) await kill('SIGTERM');
      own?.remove();
    },
  };
}

async function isReady(url: string): Promise<boolean> {
  return await fetch(`${url}/readyz`).then(
    (response) => response.ok,
    () => false,
  );
}

let nextPort = Math.floor(Math.random() * PORTS.perWorker);

/**
 * A port on which nobody listens. A server takes it a second later, so it is none that the system gives to others in the
 * meantime, and none that another worker of mocha picks.
 */
export async function freePort(): Promise<number> {
  const worker = Number(process.env['MOCHA_WORKER_ID'] ?? 0) % PORTS.workersMax;
  for (let attempt = 0; attempt < PORTS.perWorker; attempt++) {
    const port = PORTS.first + worker * PORTS.perWorker + (nextPort++ % PORTS.perWorker);
    if (await isFree(port)) return port;
  }
  throw new Error('no port is free');
}
