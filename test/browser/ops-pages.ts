/*
 * What a browser test may click and read on the operations page, beside what pages.ts says of those for players.
 *
 * head         place-overview, place-find, place-trading, place-log; paused, away; view-title, view-problem; toast
 * overview     updated; figure-players, -trades, -refusals, -batch, -wait, -doubt, -redis, -cache, -lag; processes, shards,
 *              refusals, audit, faults; charts, chart-<id>, chart-summary
 * support      find-player, find-submit, results, found-<playerId>; open-item, open-trade
 * player       freeze, thaw, frozen; session, counts, count-<asset>, items, item-<itemId>, deeds, trade-<transactionId>
 * item         history
 * transaction  leg, reverse, reversed, reversal, obstacles
 * trading      pauses, resume-<asset or *>, pause-scope, pause
 * log          log, entry-<action>, log-older
 * second look  deed-dialog, deed-reason, deed-problem, deed-sure, deed-cancel
 */
import type { Browser } from 'playwright-core';
import { adminPasswordOf } from '../kit/ops.ts';
import type { TestServer } from '../kit/server.ts';
import { DESKTOP, PlayerPage, type PageOptions } from './pages.ts';

/** One operator at one screen, signed in. */
export class OpsPage extends PlayerPage {
  static async visit(browser: Browser, { url, dataDir }: Pick<TestServer, 'url' | 'dataDir'>, hash = '', options: PageOptions = {}): Promise<OpsPage> {
    const { viewport = DESKTOP, colorScheme = 'light' } = options;
    const context = await browser.newContext({ viewport, colorScheme, hasTouch: viewport.width < 600, httpCredentials: { username: 'admin', password: adminPasswordOf({ dataDir }) } });
    const opened = new OpsPage(context, await context.newPage());
    opened.page.setDefaultTimeout(30_000);
    await opened.page.goto(`${url}/ops${hash}`);
    return opened;
  }

  /** Gives the reason in the dialog that is open, and does it. */
  async sure(reason: string): Promise<void> {
    await this.get('deed-reason').fill(reason);
    await this.press('deed-sure');
  }
}
