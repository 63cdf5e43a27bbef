import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';

const SOURCE = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');
/** Colours are compared as they are, not on their way. */
const SETTLED = 'Promise.allSettled(document.getAnimations().filter((one) => one.effect.getComputedTiming().endTime !== Infinity).map((one) => one.finished))';
const RUN = 'axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => violations.map(({ id, impact, nodes }) => ({ id, impact, targets: nodes.map(({ target }) => target.join(" ")) })))';

interface Violation {
  id: string;
  impact: 'minor' | 'moderate' | 'serious' | 'critical' | null;
  targets: string[];
}

/** What is shown now keeps nobody out: axe finds nothing serious or critical. `what` is for the message. */
export async function assertAccessible(page: Page, what: string): Promise<void> {
  const session = await page.context().newCDPSession(page);
  try {
    // By the debugger, which no content security policy stops.
    await session.send('Runtime.evaluate', { expression: SETTLED, awaitPromise: true });
    await session.send('Runtime.evaluate', { expression: SOURCE });
    const { result, exceptionDetails } = await session.send('Runtime.evaluate', { expression: RUN, awaitPromise: true, returnByValue: true });
    assert.equal(exceptionDetails, undefined, `axe looked at ${what}`);
    const grave = (result.value as Violation[]).filter(({ impact }) => impact === 'serious' || impact === 'critical');
    assert.deepEqual(grave.map(({ id, targets }) => `${id}: ${targets.join(', ')}`), [], what);
  } finally {
    await session.detach();
  }
}
