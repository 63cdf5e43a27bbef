import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, existsSync, fsyncSync, lchownSync, mkdtempSync, openSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { EmbeddedPostgresError } from './errors.ts';
import { commandLine, type Launcher } from './launcher.ts';

const DRAFT_PREFIX = 'postgres-initdb-';
const PASSWORD_FILE = 'superuser-password';

/** The only user of an embedded server. */
export const SUPERUSER = 'postgres';

/** One data folder of PostgreSQL ("cluster" in its own terms) and the password that opens it. */
export type Cluster = { folder: string; logFile: string; password: string };

export function clusterFolder(dir: string): string {
  return path.join(dir, 'postgres');
}

/**
 * The random password that was made with the cluster.
 *
 * The server listens on loopback, where every local user can knock, so `trust` would open the economy to all of
 * them. The password lies beside the data: who may read it may read the data anyway.
 */
export function readPassword(dir: string): string {
  return readFileSync(path.join(clusterFolder(dir), PASSWORD_FILE), 'utf8').trim();
}

/** Opens the cluster of an existing folder; makes it, on disk for good, if there is none. */
export async function openCluster(dir: string, launcher: Launcher): Promise<Cluster> {
  const folder = clusterFolder(dir);
  if (launcher.mode === 'nobody') chmodSync(dir, statSync(dir).mode | 0o001); // to pass through, not to look around
  if (!existsSync(folder)) await makeCluster(dir, launcher);
  if (launcher.mode === 'ordinary-user' && statSync(folder).uid !== launcher.owner) {
    throw new EmbeddedPostgresError(`${folder} belongs to another user: start as that user, or choose another DATA_DIR.`);
  }
  if (!existsSync(path.join(folder, PASSWORD_FILE))) {
    throw new EmbeddedPostgresError(`${folder} was not made by Strongroom: choose another DATA_DIR, or move that folder away.`);
  }
  takeOwnership(folder, launcher);
  return { folder, logFile: path.join(dir, 'postgres.log'), password: readPassword(dir) };
}

/**
 * initdb writes into a draft that is renamed when it is whole: a kill in the middle leaves a draft, never half a
 * cluster. initdb itself waits for the disk, so the rename never points at files that a power cut could lose.
 */
async function makeCluster(dir: string, launcher: Launcher): Promise<void> {
  for (const name of readdirSync(dir)) {
    if (name.startsWith(DRAFT_PREFIX) && isAbandoned(path.join(dir, name))) rmSync(path.join(dir, name), { recursive: true, force: true });
  }
  const draft = mkdtempSync(path.join(dir, DRAFT_PREFIX));
  const passwordFile = `${draft}.password`;
  try {
    const password = randomBytes(24).toString('hex');
    writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
    if (launcher.options.uid !== undefined) for (const file of [draft, passwordFile]) lchownSync(file, launcher.options.uid, launcher.options.uid);
    await initdb(draft, passwordFile, launcher);
    renameSync(passwordFile, path.join(draft, PASSWORD_FILE));
    syncToDisk(path.join(draft, PASSWORD_FILE), draft);
    nameCluster(draft, clusterFolder(dir));
    syncToDisk(dir);
  } finally {
    rmSync(passwordFile, { force: true });
    rmSync(draft, { recursive: true, force: true });
  }
}

function nameCluster(draft: string, folder: string): void {
  try {
    renameSync(draft, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error; // else another process was faster, and its cluster is as good as ours
  }
}

async function initdb(folder: string, passwordFile: string, launcher: Launcher): Promise<void> {
  const auth = ['--username', SUPERUSER, '--auth', 'scram-sha-256', '--pwfile', passwordFile];
  const [command, ...args] = commandLine(launcher, 'initdb', ['-D', folder, ...auth, '--no-instructions', '--locale=C', '--encoding=UTF8']);
  try {
    await promisify(execFile)(command, args, { ...launcher.options, cwd: '/' });
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    const reason = /error: .*/.exec(stderr ?? '')?.[0] ?? message.split('\n')[0];
    throw new EmbeddedPostgresError(`The embedded PostgreSQL cannot make its data folder ${folder} (${reason}): ${blame(launcher)}.`, { cause: error });
  }
}

function blame(launcher: Launcher): string {
  return launcher.mode === 'nobody'
    ? 'it runs as "nobody", so choose a DATA_DIR that every user can reach'
    : 'choose a DATA_DIR that this user can write to';
}

/** Drafts younger than this may belong to another process that is still writing. */
const DRAFT_AGE_MAX_MS = 10 * 60_000;

function isAbandoned(draft: string): boolean {
  return Date.now() - statSync(draft).mtimeMs > DRAFT_AGE_MAX_MS;
}

/** Gives the files to the user that the server runs as: root may start it in another way than the last time. */
function takeOwnership(folder: string, { owner }: Launcher): void {
  if (owner === undefined || statSync(folder).uid === owner) return;
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => path.join(folder, name));
  for (const file of [...files, folder]) lchownSync(file, owner, owner); // the folder last: it marks the end
}

function syncToDisk(...paths: string[]): void {
  for (const file of paths) {
    const descriptor = openSync(file, 'r');
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }
}
