import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';

const SOURCE = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');
/** Until what just changed is on the screen. */
const SETTLED_MS = 400;
/** Colours are compared as they will be, not on their way, and on a busy machine that may begin late: nothing moves any more. */
const ARRIVE = `{
  const still = new CSSStyleSheet();
  still.replaceSync("*, *::before, *::after { transition: none !important; animation-duration: 0s !important; }");
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, still];
}`;
const RUN = `axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => violations
  .filter(({ impact }) => impact === "serious" || impact === "critical")
  .flatMap(({ id, impact, help, nodes }) => nodes.map(({ target, failureSummary }) => id + " (" + impact + ", " + help + ") at " + target.join(" ") + ": " + (failureSummary || "").split("\\n").slice(1).join("; "))))`;

/** Every serious or critical violation that axe-core finds on what is shown now, with where it is and why. */
export async function seriousViolations(page: Page): Promise<string[]> {
  await page.bringToFront();
  await page.waitForTimeout(SETTLED_MS);
  const session = await page.context().newCDPSession(page);
  try {
    // By the debugger, which no content security policy stops.
    await session.send('Runtime.evaluate', { expression: ARRIVE });
    await session.send('Runtime.evaluate', { expression: SOURCE });
    const { result, exceptionDetails } = await session.send('Runtime.evaluate', { expression: RUN, awaitPromise: true, returnByValue: true });
    assert.equal(exceptionDetails, undefined, 'axe has looked');
    return result.value as string[];
  } finally {
    await session.detach();
  }
}

/** What is shown now keeps nobody out: axe finds nothing serious or critical. `what` is for the message. */
export async function assertAccessible(page: Page, what: string): Promise<void> {
  assert.deepEqual(await seriousViolations(page), [], what);
}
