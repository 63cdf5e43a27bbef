import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const VITE = path.resolve(import.meta.dirname, '../../node_modules/vite/bin/vite.js');
const SOURCE = path.join(import.meta.dirname, 'page');

let built: Promise<{ script: string; css: string }> | undefined;

/** The script and the style sheet of the page, with the charts' library in them; built once in a process. */
export function pageCode(): Promise<{ script: string; css: string }> {
  return (built ??= build());
}

/** In a process of its own: a build sets `NODE_ENV` and starts threads, and this one may be about to measure something. */
async function build(): Promise<{ script: string; css: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'strongroom-report-'));
  try {
    await promisify(execFile)(process.execPath, [VITE, 'build', SOURCE, '--outDir', folder, '--logLevel', 'error']);
    const [script, css] = await Promise.all(['page.js', 'page.css'].map((name) => readFile(path.join(folder, name), 'utf8')));
    return { script: script ?? '', css: css ?? '' };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
