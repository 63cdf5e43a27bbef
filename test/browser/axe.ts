import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults, RunOptions } from 'axe-core';
import type { Page } from 'playwright-core';

const SCRIPT = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const SERIOUS: ReadonlySet<string | null | undefined> = new Set(['serious', 'critical']);
/** Until what just changed is on the screen. */
const SETTLED_MS = 400;
/** Colours are compared as they will be, not on their way; what turns for ever goes on. */
const ARRIVE = `for (const one of document.getAnimations()) if (one.effect?.getComputedTiming().endTime !== Infinity) one.finish();`;

/**
 * Every serious or critical violation that axe-core finds on what is shown now, with where it is and why.
 * The script is evaluated by the driver, which the page's own content security policy does not govern.
 */
export async function seriousViolations(page: Page): Promise<string[]> {
  await page.bringToFront();
  await page.waitForTimeout(SETTLED_MS);
  await page.evaluate(ARRIVE);
  await page.evaluate(SCRIPT);
  const options: RunOptions = { resultTypes: ['violations'] };
  const { violations } = await page.evaluate(
    (asked) => (globalThis as unknown as { axe: { run(options: object): Promise<AxeResults> } }).axe.run(asked),
    options,
  );
  const serious = violations.filter(({ impact }) => SERIOUS.has(impact));
  return serious.flatMap(({ id, impact, help, nodes }) => nodes.map(({ target, failureSummary }) => `${id} (${impact}, ${help}) at ${target.join(' ')}: ${failureSummary?.split('\n').slice(1).join('; ')}`));
}
