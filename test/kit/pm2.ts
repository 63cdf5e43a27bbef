import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { temporaryFolder } from './temporary-folder.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const PM2 = path.join(ROOT, 'node_modules/.bin/pm2');
const COMMAND_MAX_MS = 180_000;
const run = promisify(execFile);

export interface Pm2Process {
  pid: number;
  pm_id: number;
  pm2_env: { status: string; restart_time: number };
}

/** A PM2 of our own, with its own daemon, as an operator uses it. */
export interface Pm2 {
  /** A command of `pm2` with the settings; resolves with what it printed. */
  command(...args: string[]): Promise<string>;
  list(): Promise<Pm2Process[]>;
  /** What the processes wrote to stderr, and what the daemon says of them. */
  errors(): string;
  /** What they logged, one JSON object a line. */
  log(): string;
  daemonLog(): string;
  /** Ends the daemon and all that it runs. */
  kill(): Promise<void>;
}

export function openPm2(settings: Record<string, string>): Pm2 {
  const { folder, remove } = temporaryFolder();
  const env = { ...process.env, PM2_HOME: folder, PM2_DISCRETE_MODE: 'true', ...settings };
  const command = async (...args: string[]) => (await run(PM2, args, { cwd: ROOT, env, timeout: COMMAND_MAX_MS, maxBuffer: 2 ** 26 })).stdout;
  return {
    command,
    async list() {
      const said = await command('jlist');
      return JSON.parse(said.slice(said.indexOf('[{'))) as Pm2Process[];
    },
    errors: () => readFileSync(path.join(folder, 'logs/strongroom-error.log'), 'utf8'),
    log: () => readFileSync(path.join(folder, 'logs/strongroom-out.log'), 'utf8'),
    daemonLog: () => readFileSync(path.join(folder, 'pm2.log'), 'utf8'),
    async kill() {
      await command('kill');
      remove();
    },
  };
}
