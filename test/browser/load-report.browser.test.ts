import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { writeRecord, writeReport } from '../../loadtest/reporting/report.ts';
import { benchRecord, loadRecord } from '../kit/load-records.ts';
import { until } from '../kit/player.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';
import { CHROMIUM, DESKTOP, openBrowser, PHONE, type PageOptions } from './pages.ts';

/** Where the pictures go, if somebody wants to look at them: `SCREENSHOTS=1`, which says where. */
const screenshots = process.env['SCREENSHOTS'] ? mkdtempSync(path.join(tmpdir(), 'strongroom-report-')) : undefined;
const CHARTS = ['throughput', 'latency', 'cpu', 'memory', 'loop-delay', 'patches', 'online', 'redis-keys', 'prepared'];

describe('browser: the report of load runs and benchmarks', () => {
  let browser: Browser;
  let scratch: ReturnType<typeof temporaryFolder>;
  let url: string;

  before(async function () {
    if (!existsSync(CHROMIUM)) this.skip();
    scratch = temporaryFolder();
    await writeRecord(scratch.folder, loadRecord());
    await writeRecord(scratch.folder, loadRecord({ profile: 'elsewhere', lengthS: 1_801, faults: [], audit: [], violations: ['the memory of server 2 grew by 41 MB'] }));
    await writeRecord(scratch.folder, benchRecord());
    url = pathToFileURL((await writeReport(scratch.folder)).page).href;
    browser = await openBrowser();
    if (screenshots !== undefined) console.log(`screenshots are in ${screenshots}`);
  });
  after(async () => {
    await browser?.close();
    scratch?.remove();
  });

  async function visit(options: Required<PageOptions>, look: (page: Page) => Promise<void>): Promise<void> {
    const context = await browser.newContext({ ...options, hasTouch: options.viewport.width < 600 });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('request', (request) => request.url().startsWith('http') && complaints.push(`asked for ${request.url()}`));
    try {
      await page.goto(url);
      await look(page);
      assert.deepEqual(complaints, []);
    } finally {
      await context.close();
    }
  }

  async function picture(page: Page, name: string, fullPage = true): Promise<void> {
    if (screenshots === undefined) return;
    mkdirSync(screenshots, { recursive: true });
    await page.screenshot({ path: path.join(screenshots, `${name}.png`), fullPage });
  }

  const city = (page: Page, chart: string) => page.locator(`[data-record="load-city"] [data-chart="${chart}"]`);
  /** How far to the right the page goes, and a chart. */
  const widths = async (page: Page) => await page.evaluate<number[]>('[document.documentElement.scrollWidth, document.querySelector(".plot canvas").getBoundingClientRect().right]');
  const drawingOf = async (page: Page, chart: string) => await city(page, chart).locator('canvas').evaluate((canvas: { toDataURL(): string }) => canvas.toDataURL());
  /** How many pixels of a chart are not blank. */
  const inkOf = async (page: Page, chart: string) =>
    await city(page, chart).locator('canvas').evaluate((canvas: { width: number; height: number; getContext(kind: '2d'): { getImageData(...box: number[]): { data: Uint8ClampedArray } } }) => {
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      let inked = 0;
      for (let alpha = 3; alpha < data.length; alpha += 4) if (data[alpha] !== 0) inked++;
      return inked;
    });

  for (const [name, viewport] of [['desktop', DESKTOP], ['phone', PHONE]] as const) {
    for (const colorScheme of ['light', 'dark'] as const) {
      it(`is drawn on a ${name} in the ${colorScheme}, as wide as the screen`, () =>
        visit({ viewport, colorScheme }, async (page) => {
          for (const chart of CHARTS) {
            assert.ok((await inkOf(page, chart)) > 1_000, chart);
            assert.match((await city(page, chart).getByRole('img').getAttribute('aria-label')) ?? '', /between .* 3 faults are marked\.$/);
          }
          for (const width of await widths(page)) assert.ok(width <= viewport.width, `${width} px`);
          await picture(page, `${name}-${colorScheme}`);
        }));
    }
  }

  it('shows the latency of the kind that is chosen', () =>
    visit({ viewport: DESKTOP, colorScheme: 'light' }, async (page) => {
      const before = await drawingOf(page, 'latency');
      await page.getByTestId('load-city-latency-kind').selectOption({ label: 'guild:deposit' });
      const after = await drawingOf(page, 'latency');
      assert.ok(after !== before);
      assert.match((await city(page, 'latency').getByRole('img').getAttribute('aria-label')) ?? '', /^Latency of guild:deposit/);
      assert.equal(await city(page, 'latency').locator('canvas').count(), 1, 'the chart before is gone');
    }));

  it('hides a series by its name, tells what is under the pointer, and looks closer at all charts of a record', () =>
    visit({ viewport: DESKTOP, colorScheme: 'light' }, async (page) => {
      const before = await drawingOf(page, 'cpu');
      const name = city(page, 'cpu').getByRole('button', { name: 'bots' });
      await name.click();
      assert.equal(await name.getAttribute('aria-pressed'), 'false');
      assert.ok((await drawingOf(page, 'cpu')) !== before);

      const over = city(page, 'throughput').locator('.u-over');
      await over.scrollIntoViewIfNeeded();
      const box = await over.boundingBox();
      assert.ok(box);
      await over.hover({ position: { x: (box.width * 60) / 239, y: box.height / 2 } });
      const text = await city(page, 'throughput').locator('.tooltip').innerText();
      assert.match(text, /^1:00\s+the second server process killed \(kill -9\)\s+move/);
      assert.match(text, /failed, of all kinds/);
      assert.equal(await page.locator('.tooltip:visible').count(), 1);
      await picture(page, 'pointer', false);

      const memory = await drawingOf(page, 'memory');
      await page.mouse.down();
      await page.mouse.move(box.x + box.width / 2, box.y + 40, { steps: 4 });
      await page.mouse.up();
      await until(async () => (await drawingOf(page, 'memory')) !== memory, 5_000, 'looked closer at the memory');
    }));

  it('is drawn again in the colours of a scheme that changes, and as wide as a window that does', () =>
    visit({ viewport: DESKTOP, colorScheme: 'light' }, async (page) => {
      const light = await drawingOf(page, 'cpu');
      await page.emulateMedia({ colorScheme: 'dark' });
      await until(async () => (await drawingOf(page, 'cpu')) !== light, 5_000, 'drawn in the dark');
      await page.setViewportSize(PHONE);
      await until(async () => (await widths(page)).every((width) => width <= PHONE.width), 5_000, 'as wide as the phone');
    }));
});
