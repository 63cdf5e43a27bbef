import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, fchownSync, openSync, readFileSync, rmSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from './cluster.ts';
import { GUARDED } from './guard.ts';
import { commandLine, type Launcher } from './launcher.ts';
import { readLockFile } from './lock-file.ts';

const POLL_MS = 10;
/** A cluster that crashed replays its log first; a long one takes a while. */
const READY_MAX_MS = 120_000;

/** `smart` waits for clients, `fast` ends them, `immediate` ends like a power cut and replays the log at the next start. */
export type StopMode = 'smart' | 'fast' | 'immediate';
const SIGNALS = { smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT' } as const;

/** A running server process. `exited` resolves when it is gone, for whatever reason. */
export type Postmaster = { pid: number; exited: Promise<void>; stop(mode: StopMode): Promise<void> };

/** Why a server did not start. The first two go away by themselves: another port, or an old server that ends. */
export type StartFailure = { kind: 'port-taken' | 'folder-in-use' | 'broken'; reason: string };

/** Starts a server on a port and waits until it takes connections. */
export async function startPostmaster(
  cluster: Cluster,
  launcher: Launcher,
  settings: Record<string, string | number>,
): Promise<Postmaster | StartFailure> {
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const [command, ...args] = commandLine(launcher, 'postgres', ['-D', cluster.folder, ...flags], ['/bin/sh', '-c', GUARDED, 'postgres-guard']);
  const log = openLog(cluster.logFile, launcher);
  // Its own process group: a ^C at the terminal reaches only us, and we stop the server when our rooms are closed.
  const child = spawn(command, args, { ...launcher.options, cwd: '/', stdio: ['ignore', 'ignore', log, 'pipe'], detached: true });
  closeSync(log);
  const pipe = child.stdio[3] as Duplex & { unref(): void };
  const exited = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('exit', () => resolve());
  });
  let pid = 0;
  pipe.on('error', () => undefined); // the guard is gone, and `exited` says so
  pipe.once('data', (line: Buffer) => (pid = Number(line.toString())));
  if (!(await isReady(cluster, exited, () => pid))) {
    pipe.end();
    await exited;
    return explain(cluster.logFile);
  }
  child.unref(); // our process may end although the server runs: the guard stops it then
  pipe.unref();
  return { pid, exited, stop: (mode) => stop(child, pid, exited, mode) };
}

/** The log holds one run: it is a file and not a pipe, since a server whose log nobody reads would stand still. */
function openLog(file: string, launcher: Launcher): number {
  rmSync(file, { force: true });
  const log = openSync(file, 'a', 0o600);
  if (launcher.options.uid !== undefined) fchownSync(log, launcher.options.uid, launcher.options.uid);
  return log;
}

/** Waits until the server takes connections; false if it ended before that, or is not ready in time. */
async function isReady({ folder }: Cluster, exited: Promise<void>, pidOf: () => number): Promise<boolean> {
  let ended = false;
  void exited.then(() => (ended = true));
  for (const start = performance.now(); !ended && performance.now() - start < READY_MAX_MS; await sleep(POLL_MS)) {
    const lock = readLockFile(folder); // perhaps still that of an earlier server, hence the comparison
    if (lock?.status === 'ready' && lock.pid === pidOf()) return true;
  }
  return false;
}

async function stop(child: ChildProcess, pid: number, exited: Promise<void>, mode: StopMode): Promise<void> {
  child.ref();
  try {
    if (child.exitCode === null && child.signalCode === null) process.kill(pid, SIGNALS[mode]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // gone, but not yet reported
  }
  await exited;
}

function explain(logFile: string): StartFailure {
  const log = readFileSync(logFile, 'utf8');
  if (/lock file "postmaster\.pid" already exists|shared memory block .* is still in use/.test(log)) return { kind: 'folder-in-use', reason: '' };
  if (/could not bind IPv4 address|could not create any TCP\/IP sockets/.test(log)) return { kind: 'port-taken', reason: '' };
  const lines = [...log.matchAll(/^.*?(?:FATAL|DETAIL):\s+(.*)$/gm)].map((match) => match[1]);
  return { kind: 'broken', reason: (lines.join(' ') || log.trim().split('\n').at(-1) || 'it said nothing').replace(/\.$/, '') };
}
