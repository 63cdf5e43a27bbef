import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { temporaryFolder } from './temporary-folder.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

export interface ShardsCommand {
  pid: number;
  /** Resolves with how it ended, and with all that it said. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null; output: string }>;
}

/** `npm run shards -- …` beside whatever serves players on these databases. */
export function startShardsCommand(urls: readonly string[], args: readonly string[], { faultPoint, root = ROOT }: { faultPoint?: string; root?: string } = {}): ShardsCommand {
  const { folder, remove } = temporaryFolder();
  const env = { ...process.env, NODE_ENV: 'test', DATA_DIR: folder, SHARD_URLS: urls.join(','), ...(faultPoint !== undefined && { FAULT_POINT: faultPoint }) };
  const child = spawn(process.execPath, ['server/commands/shards.ts', ...args], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = once(child, 'close').then(([code, signal]) => {
    remove();
    return { code: code as number | null, signal: signal as NodeJS.Signals | null, output };
  });
  return { pid: child.pid ?? 0, ended };
}
