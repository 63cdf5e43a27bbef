import { accessSync, constants, existsSync, mkdtempSync, realpathSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const MEMORY = '/dev/shm';
/** What a run has there at most at a time, with room to spare; and what must be left of the machine's memory. */
const MEMORY_FREE_MIN = 6 * 2 ** 30;

const made = new Map<string, () => void>();

/** Those that this process made for a file of tests and that are still there, with what removes them. */
export const temporaryFolders = (): Map<string, () => void> => new Map([...made].filter(([folder]) => existsSync(folder)));

/** A fresh folder, and what removes it with all that is in it, also while a server that was killed is still ending there. @param owner who removes it */
export function temporaryFolder(owner: 'file' | 'run' = 'file'): { folder: string; remove: () => void } {
  const folder = mkdtempSync(path.join(realpathSync(isRoomy(MEMORY) ? MEMORY : tmpdir()), 'strongroom-test-'));
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  if (owner === 'file') made.set(folder, remove);
  return { folder, remove };
}

/** In memory a data folder is copied in a tenth of the time. Processes are killed there, never the machine, so nothing is less true for it. */
function isRoomy(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize > MEMORY_FREE_MIN && process.availableMemory() > MEMORY_FREE_MIN;
  } catch {
    return false;
  }
}
