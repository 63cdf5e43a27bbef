import path from 'node:path';
import type { Context, Suite, Test } from 'mocha';

/** Files that take long are dealt out by thirds, and what is shared out within them by thirds again; elsewhere by ninths. */
const THIRDS = 3;
/** Into so many parts is divided what a run need not do every time. */
export const PARTS = THIRDS * THIRDS;
/** Set once for a run and its workers: a number below `PARTS`, or `all`. */
export const PART = 'TEST_PART';

/** Scenarios over several processes and pages in a browser: two in three minutes of all tests. */
const LONG = /\/test\/(?:multi-process\/|browser\/.*\.browser\.)/;
/** Of those, what every run does: a trade of two strangers, a trade over two processes, and whether each guard is where its control looks for it. */
const IN_EVERY_RUN = /\/(?:first-trade\.browser|dupes-two-processes|mutations)\.test\.ts$/;

/**
 * Of these an ordinary run does one part in nine, another one each time, so that it ends in minutes: the controls that show that a test
 * without its guard goes red, tests of one kind at every point where a process can die or for every wrong setting, pages at every size and
 * in all colours, and small runs of what measures. `npm run test:full` does them all.
 */
const SHARED_OUT = [
  /\bgo(?:es)? red\b/,
  /killed with -9 at "/, /\bwhen it died at "/, /when the server dies while it settles/, /^\[SH6\] dupe 9: from/, /one of ten servers stops/,
  /ends it with 1 and one line: /, /ends it with the file, the line and the field: /,
  // Pages at another size, in other colours, or by another hand; and everything at once for axe-core.
  /^axe-core finds nothing serious on any screen/, /^at \d+ × \d+, in light and dark/, /^\[OP5\] keeps nobody out, /, /^is drawn (?:on a|again in)/, /^is completed on two phones/, /^fit a phone with/,
  /^a whole trade is tapped/, /^a guild is founded, filled and emptied with the keyboard/, /^takes a thing that is dragged/, /^are seen walking/, /^gathers once: one gain/, /^puts into a guild’s bank once/,
  /: a small run measures all of it/, /^(?:delta|inventory|join|online|sessions): /, /^starts what it needs under PM2/, /^kills processes when the profile/,
];

export const isFull = (): boolean => process.env[PART] === 'all';

/** Picks the part of a run whose part was not named. @returns what to say of it @throws when there is no such part, which would leave all of them out */
export function choosePart(): string {
  process.env[PART] ??= String(Math.floor(Math.random() * PARTS));
  const isPart = Array.from({ length: PARTS }, (_, part) => String(part)).includes(process.env[PART] ?? '');
  if (!isFull() && !isPart) throw new Error(`${PART} must be "all", or a number from 0 to ${PARTS - 1}.`);
  return isFull() ? 'all tests' : `part ${process.env[PART]} of ${PARTS} of what is shared out over runs; npm run test:full does all, TEST_PART=${process.env[PART]} this again`;
}

/** Which tests of a file a run does that does this part; to be asked in their order. Pure but for that. */
export function wantedOf(file: string, part: number): (title: string) => boolean {
  const isLong = LONG.test(file) && !IN_EVERY_RUN.test(file);
  // Files begin at other numbers, or the part 0 would have the first of each.
  const first = [...path.basename(file)].reduce((sum, letter) => sum + letter.charCodeAt(0), 0);
  if (isLong && first % THIRDS !== part % THIRDS) return () => false;
  let at = first;
  const isMine = isLong ? () => at++ % THIRDS === Math.floor(part / THIRDS) : () => at++ % PARTS === part;
  return (title) => !SHARED_OUT.some((pattern) => pattern.test(title)) || isMine();
}

/** Leaves out the other parts of a file, before its first hook. */
export const mochaHooks = {
  beforeAll(this: Context) {
    const part = process.env[PART];
    if (part === undefined || isFull()) return; // a single file, or all of it
    let root = this.test?.parent as Suite;
    while (root.parent !== undefined) root = root.parent;
    const isWanted = wantedOf(fileOf(root), Number(part));
    const prune = (suite: Suite) => {
      suite.tests = suite.tests.filter(({ title }: Test) => isWanted(title));
      suite.suites.forEach(prune);
    };
    prune(root);
  },
};

const fileOf = (suite: Suite): string => suite.tests[0]?.file ?? suite.suites.map(fileOf).find((file) => file !== '') ?? '';
