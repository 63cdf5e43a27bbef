import { spawnSync } from 'node:child_process';
import { existsSync, globSync, statSync } from 'node:fs';

/** What the page is made of; the lock file stands for the libraries. */
const SOURCES = ['web/**/*', 'schema/**/*.ts', 'package-lock.json'];
const PAGE = 'web/dist/index.html';
const VITE = 'node_modules/vite/bin/vite.js';

/** Builds the web client before a start, if there is none or something that it is made of is newer. */
function buildIfStale(): number {
  if (!existsSync('web/vite.config.ts')) return skip('there is no web/vite.config.ts, so there is no page to build');
  if (existsSync(PAGE) && newestMs() <= statSync(PAGE).mtimeMs) return 0;
  if (!existsSync(VITE)) return existsSync(PAGE) ? skip('vite is not installed, so web/dist is served as it is') : fail();
  return spawnSync(process.execPath, [VITE, 'build', 'web', '--logLevel', 'warn'], { stdio: 'inherit' }).status ?? 1;
}

function newestMs(): number {
  const files = globSync(SOURCES, { exclude: ['web/dist', 'web/dist/**'], withFileTypes: true }).filter((entry) => entry.isFile());
  return Math.max(...files.map((entry) => statSync(`${entry.parentPath}/${entry.name}`).mtimeMs));
}

function skip(reason: string): number {
  console.log(`The web client is not built: ${reason}.`);
  return 0;
}

function fail(): number {
  console.error('The web client is missing, and vite is not installed: run "npm ci && npm run build:web" where development packages are, and ship web/dist.');
  return 1;
}

process.exitCode = buildIfStale();
