import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What Debian and Ubuntu split Redis into: the server is the same file as `redis-check-rdb`, under another name. */
const PACKAGES = ['redis-tools', 'libjemalloc2', 'liblzf1', 'liblua5.1-0', 'lua-cjson', 'lua-bitop', 'libatomic1'];
const PROGRAMS = ['redis-server', 'valkey-server'];

/** A Redis cannot be had or started on this machine. The message is one line that says what to do. */
export class EmbeddedRedisError extends Error {
  override name = 'EmbeddedRedisError';
}

export interface RedisProgram {
  command: string;
  env: Record<string, string>;
}

/**
 * A Redis server to run: the machine's own, or the distribution's package, unpacked into a folder and not installed.
 * @param cache the folder that keeps what was unpacked
 * @throws {EmbeddedRedisError}
 */
export async function findRedis(cache: string): Promise<RedisProgram> {
  const installed = await run('/bin/sh', ['-c', PROGRAMS.map((name) => `command -v ${name}`).join(' || ')]).then(({ stdout }) => stdout.trim(), () => undefined);
  if (installed !== undefined) return { command: installed, env: {} };
  const root = path.join(cache, 'redis');
  if (!existsSync(root)) await unpack(root);
  const libraries = readdirSync(path.join(root, 'usr/lib'), { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => path.join(root, 'usr/lib', name));
  return { command: path.join(root, 'redis-server'), env: { LD_LIBRARY_PATH: libraries.join(':') } };
}

/** Made whole before it gets its name, because several processes may come at once. */
async function unpack(root: string): Promise<void> {
  mkdirSync(path.dirname(root), { recursive: true });
  const draft = mkdtempSync(`${root}-`);
  try {
    await download(draft);
    for (const file of readdirSync(draft).filter((name) => name.endsWith('.deb'))) {
      await run('dpkg', ['-x', path.join(draft, file), draft]);
      rmSync(path.join(draft, file));
    }
    symlinkSync('usr/bin/redis-check-rdb', path.join(draft, 'redis-server'));
    renameSync(draft, root);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (existsSync(root)) return; // another process was faster
    throw new EmbeddedRedisError('No Redis is here, and none could be fetched from Debian: install redis-server or valkey-server, or set REDIS_URL.', { cause: error });
  }
}

async function download(folder: string): Promise<void> {
  const get = async (options: string[]) => await run('apt-get', [...options, 'download', ...PACKAGES], { cwd: folder });
  try {
    await get([]);
  } catch {
    // The machine never read its package lists, and they are not ours to change: we read our own.
    const own = mkdtempSync(path.join(folder, 'apt-'));
    const options = ['-o', `Dir::State::Lists=${own}/lists`, '-o', `Dir::Cache=${own}/cache`, '-o', 'APT::Sandbox::User='];
    mkdirSync(path.join(own, 'lists/partial'), { recursive: true });
    mkdirSync(path.join(own, 'cache/archives/partial'), { recursive: true });
    await run('apt-get', [...options, 'update']);
    await get(options);
    rmSync(own, { recursive: true });
  }
}
