import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import type { Context } from 'mocha';
import { temporaryFolders } from './kit/temporary-folder.ts';

const GRACE_MS = 10_000;
const LOOK_MS = 20;

let before: string[] = [];

/** What is open, by its kind, and what is on the disk. */
const present = (): string[] => [...process.getActiveResourcesInfo(), ...temporaryFolders()];

/** What is there that was not there before, each kind as often as it came to be. */
function leaked(): string[] {
  const rest = [...before];
  return present().filter((kind) => {
    const at = rest.indexOf(kind);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
}

/**
 * A worker of mocha is told to exit and does not wait for what its tests left open, so a leak would pass unseen, and who left a folder behind fills
 * the memory of the machine. What is there when a file ends must be what was there when it began; else, after a grace, its last hook names the rest and fails.
 */
export const mochaHooks = {
  async beforeAll() {
    await nextTurn(); // with mocha's own timer for a hook, as below
    before = present();
  },
  async afterAll(this: Context) {
    await nextTurn();
    for (let waitedMs = 0; leaked().length > 0; waitedMs += LOOK_MS, await delay(LOOK_MS)) {
      if (waitedMs < GRACE_MS) continue;
      const suites = this.test?.parent?.suites.map(({ title }) => title);
      throw new Error(`The tests of "${suites?.join('", "')}" left something behind: ${leaked().join(', ')}.`);
    }
  },
};
