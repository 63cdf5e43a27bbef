import type { Page } from 'playwright-core';

/** @see WCAG 2.2, 2.5.5 (enhanced); the half pixel is for what a layout rounds */
const FINGERTIP_PX = 44 - 0.5;

/** What is wider than what can be seen of it: the page, a window in it, or something that sticks out. */
export async function overflowing(page: Page): Promise<string[]> {
  const scrolling = await page.locator('html, dialog[open], main, .panel, .sidebar, .top').evaluateAll((elements) =>
    elements.filter(({ scrollWidth, clientWidth }) => clientWidth > 0 && scrollWidth > clientWidth).map((element) => `${element.tagName} ${element.className}`));
  const out = await page.locator('button, input, select, textarea, h1, h2, h3, p').evaluateAll((elements) =>
    elements.flatMap((element) => {
      const { left, right, width } = element.getBoundingClientRect();
      const isSeen = width > 0 && element.checkVisibility() && element.closest('.sr-only') === null;
      return isSeen && (left < -1 || right > element.ownerDocument.documentElement.clientWidth + 1) ? [`${element.dataset['testid'] ?? element.textContent}`] : [];
    }));
  return [...scrolling, ...out];
}

/** The buttons and fields that are smaller than a fingertip, among those that can be pressed now. */
export async function tooSmall(page: Page): Promise<string[]> {
  return await page.locator('button, input, select, textarea, a').evaluateAll((elements, least) =>
    elements.flatMap((element) => {
      const top = [...element.ownerDocument.querySelectorAll('dialog[open]')].at(-1);
      const { width, height } = element.getBoundingClientRect();
      const isReached = width > 0 && element.checkVisibility() && (top === undefined || top.contains(element));
      return isReached && (width < least || height < least) ? [`${element.dataset['testid'] ?? element.textContent}: ${Math.round(width)} × ${Math.round(height)}`] : [];
    }), FINGERTIP_PX);
}
