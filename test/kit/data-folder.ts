import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { temporaryFolder } from './temporary-folder.ts';

/** Where the templates of a run are; set before its workers begin. */
export const TEMPLATES = 'STRONGROOM_TEST_DATA';

/**
 * A fresh data folder in which PostgreSQL was made already, which takes most of a start: without databases, or with those of a
 * server, migrated by our own sources. Without templates, as when a single file is run, it is an empty folder.
 */
export function temporaryDataFolder(content: 'postgres' | 'databases'): ReturnType<typeof temporaryFolder> {
  const temporary = temporaryFolder();
  const template = path.join(process.env[TEMPLATES] ?? '', content);
  if (process.env[TEMPLATES] !== undefined && existsSync(template)) copyData(template, temporary.folder);
  return temporary;
}

/** With modes and owners, which PostgreSQL looks at. */
export function copyData(from: string, to: string): void {
  execFileSync('cp', ['-a', `${from}/.`, to]);
}
