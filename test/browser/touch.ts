import type { Page } from 'playwright-core';

/** @see WCAG 2.2, 2.5.5 (enhanced); the half pixel is for what a layout rounds */
const FINGERTIP_PX = 44 - 0.5;

/** What is wider than what can be seen of it: the page, a window in it, or something that sticks out. */
export async function overflowing(page: Page): Promise<string[]> {
  return await page.evaluate(() => {
    const seen = [document.documentElement, ...document.querySelectorAll<HTMLElement>('dialog[open], main, .panel, .sidebar, .top')];
    const scrolling = seen.filter((element) => element.scrollWidth > element.clientWidth && element.clientWidth > 0).map((element) => `${element.tagName.toLowerCase()}.${element.className}`);
    const out = [...document.querySelectorAll<HTMLElement>('button, input, select, textarea, h1, h2, h3, p')].filter((element) => {
      const { left, right, width } = element.getBoundingClientRect();
      return width > 0 && element.checkVisibility() && !element.closest('.sr-only') && (left < -1 || right > innerWidth + 1);
    });
    return [...scrolling, ...out.map((element) => `${element.tagName.toLowerCase()}[${element.dataset['testid'] ?? element.textContent}]`)];
  });
}

/** The buttons and fields that are smaller than a fingertip, among those that can be pressed now. */
export async function tooSmall(page: Page): Promise<string[]> {
  return await page.evaluate((least) => {
    const top = [...document.querySelectorAll('dialog[open]')].at(-1) ?? document.body;
    return [...top.querySelectorAll<HTMLElement>('button, input, select, textarea, a')].flatMap((element) => {
      const { width, height } = element.getBoundingClientRect();
      if (width === 0 || !element.checkVisibility() || (width >= least && height >= least)) return [];
      return [`${element.dataset['testid'] ?? element.getAttribute('aria-label') ?? element.textContent}: ${Math.round(width)} × ${Math.round(height)}`];
    });
  }, FINGERTIP_PX);
}
