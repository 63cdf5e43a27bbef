import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { startEmbeddedPostgres } from '../../persistence/embedded/index.ts';
import { copyData, TEMPLATES } from './data-folder.ts';
import { startServer } from './server.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** Makes the templates, once for a run and before its workers begin. @returns what removes them */
export async function makeDataTemplates(): Promise<() => void> {
  const { folder, remove } = temporaryFolder('run');
  const [bare, full] = [path.join(folder, 'postgres'), path.join(folder, 'databases')];
  await (await startEmbeddedPostgres({ dir: bare, databases: [] })).stop();
  mkdirSync(full, { mode: 0o700 });
  copyData(bare, full);
  await (await startServer({ dataDir: full })).stop();
  // Secrets are made at a start.
  rmSync(path.join(full, 'secrets.json'));
  process.env[TEMPLATES] = folder;
  return remove;
}
