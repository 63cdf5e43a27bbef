import { spawnSync } from 'node:child_process';
import path from 'node:path';

/** Builds the page if it is missing or older than its source, as `npm start` does: once, before workers that would do it at the same time. */
export function mochaGlobalSetup(): void {
  const { status, stderr } = spawnSync(process.execPath, ['server/commands/build-web.ts'], { cwd: path.resolve(import.meta.dirname, '..'), encoding: 'utf8' });
  if (status !== 0) throw new Error(`the page could not be built: ${stderr}`);
}
