import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';

/** What a running server writes about itself into its data folder. */
export type LockFile = { pid: number; port: number; status: 'starting' | 'stopping' | 'ready' | 'standby' | undefined };

const NAME = 'postmaster.pid';

export function readLockFile(folder: string): LockFile | undefined {
  try {
    const lines = readFileSync(path.join(folder, NAME), 'utf8').split('\n').map((line) => line.trim());
    const pid = Number(lines[0]);
    if (!Number.isInteger(pid) || pid <= 0) return undefined;
    return { pid, port: Number(lines[3]), status: lines[7] as LockFile['status'] };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whether the process that wrote the lock file is alive and is a PostgreSQL server of this folder. */
export function isServing(folder: string, { pid }: LockFile): boolean {
  return commandOf(pid)?.includes(`postgres -D ${folder} `) ?? false;
}

/**
 * Removes a lock file whose process id now belongs to some other program.
 *
 * After a kill -9 the file stays. PostgreSQL replaces it by itself when its process id is free, but refuses to start
 * when the id is taken again, as it soon is in a container, where ids begin at 1. Processes that survive their
 * server still hold its shared memory, which a new server looks for by the folder's inode, so it stays safe.
 */
export function dropStaleLockFile(folder: string): void {
  const lock = readLockFile(folder);
  if (lock && commandOf(lock.pid) !== undefined && !isServing(folder, lock)) rmSync(path.join(folder, NAME), { force: true });
}

/** The command line of a process; nothing if there is none. */
function commandOf(pid: number): string | undefined {
  if (!existsSync('/proc/self/cmdline')) {
    return spawnSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout?.trim() || undefined;
  }
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() || undefined;
  } catch {
    return undefined;
  }
}
