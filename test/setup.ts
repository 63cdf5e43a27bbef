import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { choosePart } from './share.ts';
import { makeDataTemplates } from './kit/data-templates.ts';
import { temporaryFolder } from './kit/temporary-folder.ts';

let compiled: ReturnType<typeof temporaryFolder> | undefined;
let removeTemplates: (() => void) | undefined;

/** What a run does once, before its workers begin. */
export async function mochaGlobalSetup(): Promise<void> {
  // For workers and servers: a start takes a third less. Keyed by content, so mutants share it.
  console.log(choosePart());
  compiled = temporaryFolder('run');
  process.env['NODE_COMPILE_CACHE'] = compiled.folder;
  buildPage();
  removeTemplates = await makeDataTemplates();
}

export function mochaGlobalTeardown(): void {
  compiled?.remove();
  removeTemplates?.();
}

/** Builds the page if it is missing or older than its source, as `npm start` does. Workers would build it at the same time. */
function buildPage(): void {
  const { status, stderr } = spawnSync(process.execPath, ['server/commands/build-web.ts'], { cwd: path.resolve(import.meta.dirname, '..'), encoding: 'utf8' });
  if (status !== 0) throw new Error(`the page could not be built: ${stderr}`);
}
