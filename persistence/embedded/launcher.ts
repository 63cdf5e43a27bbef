import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, lstatSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Binaries } from './binaries.ts';
import { EmbeddedPostgresError } from './errors.ts';

const NOBODY = 65534;
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** How root starts a server that refuses to run as root. */
export type RootMode = 'user-namespace' | 'nobody';

/**
 * How to run PostgreSQL's programs as somebody who is not root.
 *
 * `owner` is the user, seen from outside, who must own the data folder. The environment is made from nothing:
 * PGDATA, PGPORT or LD_LIBRARY_PATH of the shell would change the server, and it has no use for our secrets.
 */
export type Launcher = {
  mode: RootMode | 'ordinary-user';
  folder: string;
  prefix: readonly string[];
  owner: number | undefined;
  options: { env: Record<string, string>; uid?: number; gid?: number };
};

const ENV = { PATH, LC_ALL: 'C', TZ: 'UTC' };
const NAMESPACE = ['unshare', '--user', `--map-user=${NOBODY}`, `--map-group=${NOBODY}`];

/**
 * Picks the way that works on this machine.
 *
 * Root maps itself to an ordinary user in a user namespace: nothing is copied, and whatever root owns is readable.
 * Where the kernel or a container forbids namespaces, the server runs as `nobody`, from a copy if need be.
 */
export function pickLauncher(binaries: Binaries, wanted?: RootMode): Launcher {
  const { folder } = binaries;
  if (process.getuid?.() !== 0) return { mode: 'ordinary-user', folder, prefix: [], owner: process.getuid?.(), options: { env: ENV } };
  const namespace: Launcher = { mode: 'user-namespace', folder, prefix: NAMESPACE, owner: 0, options: { env: ENV } };
  if (wanted !== 'nobody' && runs(namespace)) return namespace;
  const nobody: Launcher = { mode: 'nobody', folder, prefix: [], owner: NOBODY, options: { env: ENV, uid: NOBODY, gid: NOBODY } };
  if (runs(nobody)) return nobody;
  const copied = { ...nobody, folder: copyForNobody(binaries) };
  if (runs(copied)) return copied;
  throw new EmbeddedPostgresError(
    `The embedded PostgreSQL cannot run on this machine, neither in a user namespace nor as "nobody": start as an ordinary user, or set SHARD_URLS.`,
  );
}

/** The command line of one of PostgreSQL's programs, as `[command, ...arguments]`; `within` is a program that starts it. */
export function commandLine(
  launcher: Launcher,
  program: 'initdb' | 'postgres',
  args: readonly string[],
  within: readonly string[] = [],
): [string, ...string[]] {
  return [...launcher.prefix, ...within, path.join(launcher.folder, 'bin', program), ...args] as [string, ...string[]];
}

function runs(launcher: Launcher): boolean {
  const [command, ...args] = commandLine(launcher, 'postgres', ['--version']);
  return spawnSync(command, args, launcher.options).status === 0;
}

/**
 * A copy outside folders that only root may enter (a checkout under /root), made whole before it gets its name.
 *
 * /var/tmp belongs to everybody, so a folder that root did not make there is not trusted.
 */
function copyForNobody({ folder, version }: Binaries): string {
  const copy = `/var/tmp/strongroom-postgres-${version}`;
  if (existsSync(copy)) {
    const found = lstatSync(copy);
    if (found.isDirectory() && found.uid === 0 && (found.mode & 0o022) === 0) return copy;
    throw new EmbeddedPostgresError(`${copy} was not made by root: remove it, then start again.`);
  }
  const draft = mkdtempSync(`${copy}-`);
  cpSync(folder, draft, { recursive: true, verbatimSymlinks: true });
  chmodSync(draft, 0o755);
  try {
    renameSync(draft, copy);
  } catch {
    rmSync(draft, { recursive: true, force: true }); // another process was faster
  }
  return copy;
}
