import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import type { Context, Suite } from 'mocha';
import { temporaryFolders } from './kit/temporary-folder.ts';

const GRACE_MS = 10_000;
const LOOK_MS = 20;

let before: string[] = [];
/** What the bodies of suites made, before a hook or a test ran. */
let early: readonly string[] = [];

/** What is open that was not open before, each kind as often as it came to be, and what is on the disk. */
function leaked(): string[] {
  const rest = [...before];
  const open = process.getActiveResourcesInfo().filter((kind) => {
    const at = rest.indexOf(kind);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
  return [...open, ...temporaryFolders().keys()];
}

/** The hooks of a suite whose tests are all left out do not run, so what its body made is removed here. */
function removeOfEmptySuites(root: Suite): void {
  const isEmpty = (suite: Suite): boolean => suite.total() === 0 || suite.suites.some(isEmpty);
  if (!isEmpty(root)) return;
  const left = temporaryFolders();
  for (const folder of early) left.get(folder)?.();
}

/**
 * A worker of mocha is told to exit and does not wait for what its tests left open, so a leak would pass unseen, and who left a folder behind fills
 * the memory of the machine. What is open when a file ends must be what was open when it began, and no folder be left; else, after a grace, its
 * last hook names the rest and fails.
 */
export const mochaHooks = {
  async beforeAll() {
    await nextTurn(); // with mocha's own timer for a hook, as below
    before = process.getActiveResourcesInfo();
    early = [...temporaryFolders().keys()];
  },
  async afterAll(this: Context) {
    await nextTurn();
    const root = this.test?.parent;
    if (root) removeOfEmptySuites(root);
    for (let waitedMs = 0; leaked().length > 0; waitedMs += LOOK_MS, await delay(LOOK_MS)) {
      if (waitedMs < GRACE_MS) continue;
      const left = leaked().join(', ');
      // Once is enough to say it: another file did not leave it.
      for (const remove of temporaryFolders().values()) remove();
      throw new Error(`The tests of "${root?.suites.map(({ title }) => title).join('", "')}" left something behind: ${left}.`);
    }
  },
};
