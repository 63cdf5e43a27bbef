import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { temporaryFolder } from './temporary-folder.ts';

const DOWNLOAD_MAX_MS = 30_000;
const run = promisify(execFile);

/** nginx as the machine has it, or else unpacked from the distribution's package; undefined where neither is to be had. */
export async function findNginx(folder: string): Promise<string | undefined> {
  if (spawnSync('nginx', ['-v']).status === 0) return 'nginx';
  try {
    await run('apt-get', ['download', 'nginx'], { cwd: folder, timeout: DOWNLOAD_MAX_MS });
    const [archive = ''] = readdirSync(folder).filter((file) => file.endsWith('.deb'));
    await run('dpkg', ['-x', archive, '.'], { cwd: folder });
    const unpacked = path.join(folder, 'usr/sbin/nginx');
    return spawnSync(unpacked, ['-v']).status === 0 ? unpacked : undefined;
  } catch {
    return undefined;
  }
}

export interface Nginx {
  /** What it says against its settings; empty when it takes them. */
  complaints(): Promise<string>;
  start(): Promise<{ stop(): Promise<void> }>;
}

/** @param conf with all paths as they are to be; what nginx writes goes into a folder of its own */
export function nginxWith(program: string, conf: string): Nginx & { remove(): void } {
  const { folder, remove } = temporaryFolder();
  const temps = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(' ');
  const file = path.join(folder, 'nginx.conf');
  mkdirSync(path.join(folder, 'logs'));
  writeFileSync(file, `pid ${folder}/nginx.pid;\nerror_log ${folder}/error.log;\n${conf.replace('http {', `http { access_log off; ${temps}`)}`);
  const args = ['-p', folder, '-c', file, '-e', path.join(folder, 'error.log')];
  return {
    remove,
    async complaints() {
      const { status, stderr } = spawnSync(program, ['-t', ...args], { encoding: 'utf8' });
      return status === 0 ? '' : stderr;
    },
    async start() {
      const child = spawn(program, [...args, '-g', 'daemon off;'], { stdio: ['ignore', 'ignore', 'inherit'] });
      const exited = once(child, 'exit');
      return {
        async stop() {
          child.kill('SIGTERM');
          await exited;
        },
      };
    },
  };
}
