import { existsSync, mkdirSync, realpathSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { findBinaries } from './binaries.ts';
import { clusterFolder, openCluster, readPassword, SUPERUSER, type Cluster } from './cluster.ts';
import { createMissingDatabases } from './databases.ts';
import { EmbeddedPostgresError } from './errors.ts';
import { freePort } from './free-port.ts';
import { pickLauncher, type Launcher, type RootMode } from './launcher.ts';
import { dropStaleLockFile, isServing, readLockFile } from './lock-file.ts';
import { startPostmaster, type Postmaster, type StopMode } from './postmaster.ts';

export { EmbeddedPostgresError } from './errors.ts';

/** How long a server whose parent was killed may take to end before the folder counts as in use. */
const SHUTDOWN_MAX_MS = 15_000;
/** How long a server that shows no sign of ending counts as one that was only just orphaned. */
const ORPHANED_MAX_MS = 5_000;
const RETRY_MS = 50;
const PORT_ATTEMPTS_MAX = 10;

/** Durable, and ready for two-phase commit; a caller's `settings` go over them. */
const SETTINGS = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  max_prepared_transactions: 64,
  max_connections: 100,
  log_min_messages: 'log', // refused statements are the client's business, and would fill the log
};

export type EmbeddedPostgresOptions = {
  /** The data goes into `${dir}/postgres`, the log of the last run into `${dir}/postgres.log`. */
  dir: string;
  /** A free one, chosen by the operating system, if none is given. */
  port?: number;
  databases: readonly string[];
  settings?: Record<string, string | number>;
  /** How root starts it: a user namespace where there is one, unless told otherwise. */
  rootMode?: RootMode;
};

export type EmbeddedPostgres = {
  /** One `postgres://` URL for each of the databases, in their order, good for any process of this machine. */
  urls: string[];
  port: number;
  /** The server's own process, whose SIGKILL is a crash. */
  pid: number;
  /** Resolves when the server is gone: stopped, crashed or killed. */
  exited: Promise<void>;
  stop(mode?: StopMode): Promise<void>;
};

/**
 * Starts PostgreSQL from npm's binaries on a data folder, and makes the databases that are not there.
 *
 * It listens on 127.0.0.1 only, behind a random password. A socket file would be tighter, but its path may have
 * 107 bytes at most, which a data folder can exceed, and a URL with a port is understood by every client.
 * It ends with our process, however that ends; an old server of the same folder that is still ending is waited for.
 * @throws {EmbeddedPostgresError} with one line that says what to do
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const dir = makeFolder(options.dir);
  const launcher = pickLauncher(findBinaries(), options.rootMode);
  const cluster = await openCluster(dir, launcher);
  const { postmaster, port } = await startOnFreePort(cluster, launcher, options);
  try {
    await createMissingDatabases(urlOf(cluster.password, port, 'postgres'), options.databases);
  } catch (error) {
    await postmaster.stop('fast');
    throw error;
  }
  const urls = options.databases.map((name) => urlOf(cluster.password, port, name));
  return { urls, port, pid: postmaster.pid, exited: postmaster.exited, stop: (mode = 'fast') => postmaster.stop(mode) };
}

/** The URLs of the server that another process runs on this data folder; nothing if none does. */
export function findEmbeddedPostgres(options: { dir: string; databases: readonly string[] }): string[] | undefined {
  if (!existsSync(options.dir)) return undefined;
  const dir = realpathSync(options.dir);
  const folder = clusterFolder(dir);
  const lock = readLockFile(folder);
  if (lock?.status !== 'ready' || !isServing(folder, lock)) return undefined;
  const password = readPassword(dir);
  return options.databases.map((name) => urlOf(password, lock.port, name));
}

/** One folder has one name here, whatever links lead to it: it is looked for in the command lines of servers. */
function makeFolder(dir: string): string {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    return realpathSync(dir);
  } catch (error) {
    throw new EmbeddedPostgresError(`The data folder ${dir} cannot be made (${(error as NodeJS.ErrnoException).code}): choose another DATA_DIR.`, { cause: error });
  }
}

async function startOnFreePort(cluster: Cluster, launcher: Launcher, options: EmbeddedPostgresOptions): Promise<{ postmaster: Postmaster; port: number }> {
  const began = performance.now();
  for (let taken = 0; ; ) {
    dropStaleLockFile(cluster.folder);
    const port = options.port ?? (await freePort());
    const settings = { ...SETTINGS, ...options.settings, port, listen_addresses: '127.0.0.1', unix_socket_directories: '' };
    const outcome = await startPostmaster(cluster, launcher, settings);
    if (!('kind' in outcome)) return { postmaster: outcome, port };
    if (outcome.kind === 'broken') throw new EmbeddedPostgresError(`The embedded PostgreSQL in ${cluster.folder} does not start: ${outcome.reason}.`);
    if (outcome.kind === 'folder-in-use') await waitForOldServer(cluster, performance.now() - began);
    else if (options.port !== undefined || ++taken === PORT_ATTEMPTS_MAX) {
      throw new EmbeddedPostgresError(`Port ${port} is taken by another program, so the embedded PostgreSQL cannot listen on it: give it another one.`);
    }
  }
}

async function waitForOldServer({ folder }: Cluster, waitedMs: number): Promise<void> {
  const lock = readLockFile(folder);
  if (waitedMs > (lock?.status === 'ready' ? ORPHANED_MAX_MS : SHUTDOWN_MAX_MS)) {
    throw new EmbeddedPostgresError(
      `Another PostgreSQL${lock ? ` (process ${lock.pid})` : ''} still runs on ${folder}: stop the server that started it, or choose another DATA_DIR.`,
    );
  }
  await sleep(RETRY_MS);
}

function urlOf(password: string, port: number, database: string): string {
  return `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/${encodeURIComponent(database)}`;
}
