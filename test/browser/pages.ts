/*
 * What a browser test may click and read: the `data-testid`s of web/, which are kept when the page is redesigned.
 *
 * first page   play-now, email, password, credentials-submit, credentials-mode, sign-in-problem
 * header       account, player-name (with data-player-id), player-level, player-gold; banner, banner-action
 * account      account-dialog, account-close, account-email, rename, rename-submit, upgrade, sign-out
 * zone         zone (canvas), zone-gain, zone-card, card-trade, hint, hint-next
 * panels       tab-inventory, tab-nearby; inventory, inventory-empty, inventory-<asset or kind>, item-detail;
 *              nearby-players, trade-with-<playerId>; nearby-nodes, gather-<nodeId>
 * invitation   trade-invitation, invitation-accept, invitation-ignore; toasts, toast
 * trade        trade-window, trade-hide, trade-chip, trade-standing, trade-cancel, trade-accept; trade-inventory, offer-<name>;
 *              mine, mine-<name>, mine-<name>-remove, mine-badge; theirs, theirs-<name>, theirs-badge;
 *              quantity-<asset>, quantity-<asset>-fewer, quantity-<asset>-more, quantity-<asset>-all
 * second look  trade-summary, summary-give, summary-give-<name>, summary-get, summary-get-<name>, summary-back, summary-sure
 * guild        guild-open, guild-count; guild-window, guild-close, guild-title, guild-standing; guild-shut, guild-again
 * in none      guild-lobby, guild-notice; guild-name, guild-tag, guild-create; guild-invitations, guild-uninvited,
 *              guild-accept-<guildId>, guild-decline-<guildId>, guild-invitations-again
 * in one       guild-hall, guild-motd, guild-motd-edit; guild-leave, guild-disband; guild-tab-members, -bank, -log, -invite;
 *              guild-members, guild-member-<playerId>, guild-manage-<playerId>; guild-log; guild-around, guild-invite-<playerId>
 * above it     guild-member-dialog, guild-promote, guild-hand-over, guild-kick; guild-motd-dialog, guild-motd-text, guild-motd-save;
 *              <what was asked>-confirm, <what was asked>-confirm-sure, <what was asked>-confirm-back
 * bank         bank-out, bank-in; bank-withdraw, bank-withdraw-from, withdraw-<name>, withdraw-chosen, and the same with deposit;
 *              quantity-<asset> and its buttons
 * leaderboards board-open; board-window, board-close, board-title, board-season, board-standing; board-tab-<board>, board-scope-<region>
 *              (global, or my_guild for one's guild), or on a narrow screen board-tab-select, board-scope-select;
 *              board-missing, board-empty, board-unplaced; board-shut, board-again; board-none, board-list-again
 * their rows   board-scroll, board-rows, board-row-<playerId> (with data-rank), board-move-<playerId>;
 *              around oneself: board-near, near-row-<playerId>, near-move-<playerId>
 * end          trade-settled, trade-cancelled, trade-unknown, trade-reason, gave, got, trade-done
 */
import { chromium, type Browser, type BrowserContext, type Locator, type Page } from 'playwright-core';

/** Chromium as the machine has it; quiet, and without anything that wants the network. */
const ARGUMENTS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];

export const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 390, height: 844 };

/** Where Chromium is; a browser test is skipped where there is none. */
export const CHROMIUM = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';

export async function openBrowser(): Promise<Browser> {
  return await chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS, headless: true });
}

export interface PageOptions {
  viewport?: { width: number; height: number };
  colorScheme?: 'light' | 'dark';
}

/** How often a person looks again before giving up. */
const LOOKS_MAX = 3;

/** One player at one screen, in a browser profile of their own. */
export class PlayerPage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What the page complained of; a test expects it to be empty. */
  readonly errors: string[] = [];

  protected constructor(context: BrowserContext, page: Page) {
    this.context = context;
    this.page = page;
    page.on('pageerror', (error) => this.errors.push(String(error)));
  }

  static async open(browser: Browser, url: string, { viewport = DESKTOP, colorScheme = 'light' }: PageOptions = {}): Promise<PlayerPage> {
    const context = await browser.newContext({ viewport, colorScheme, hasTouch: viewport.width < 600, reducedMotion: 'no-preference' });
    const opened = new PlayerPage(context, await context.newPage());
    opened.page.setDefaultTimeout(30_000);
    await opened.page.goto(url);
    return opened;
  }

  get(testid: string): Locator {
    return this.page.getByTestId(testid);
  }

  async press(testid: string): Promise<void> {
    await this.get(testid).click();
  }

  /** Presses "Play now" and waits until the player is there. @returns the player's id */
  async playAsGuest(): Promise<string> {
    await this.press('play-now');
    return await this.playerId();
  }

  async playerId(): Promise<string> {
    await this.page.locator('[data-testid="player-name"]:not([data-player-id=""])').waitFor();
    return (await this.get('player-name').getAttribute('data-player-id')) ?? '';
  }

  async text(testid: string): Promise<string> {
    return (await this.get(testid).innerText()).trim();
  }

  /** Waits until something reads as expected. */
  async reads(testid: string, expected: string | RegExp): Promise<void> {
    await this.get(testid).filter({ hasText: expected }).waitFor();
  }

  /** The zone is on the canvas as it is known by now, so that a click hits what is seen there; while nothing moves it is drawn four times a second. */
  async hasDrawn(): Promise<void> {
    await this.get('gather-wood-1').waitFor({ state: 'attached' });
    await this.page.evaluate('new Promise((resolve) => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(resolve)), 600))');
  }

  /** Opens the panel, which is behind a tab on a narrow screen. */
  async showPanel(name: 'inventory' | 'nearby'): Promise<void> {
    if (await this.get(`tab-${name}`).isVisible()) await this.press(`tab-${name}`);
  }

  async invite(playerId: string): Promise<void> {
    await this.showPanel('nearby');
    await this.press(`trade-with-${playerId}`);
    await this.get('trade-window').waitFor();
  }

  async acceptInvitation(): Promise<void> {
    await this.press('invitation-accept');
    await this.get('trade-window').waitFor();
  }

  /** Puts a unique item of a kind on the table. */
  async offerItem(kind: string): Promise<void> {
    await this.get(`offer-${kind}`).first().click();
    await this.get(`mine-${kind}`).first().waitFor();
  }

  async offerQuantity(asset: string, quantity: number): Promise<void> {
    if (!(await this.get(`mine-${asset}`).isVisible())) await this.press(`offer-${asset}`);
    await this.get(`quantity-${asset}`).fill(String(quantity));
  }

  /** Accepts in two steps: the button, and the second look, which closes itself when the offer changes; a person looks again. */
  async acceptTrade(): Promise<void> {
    for (let look = 1; ; look++) {
      await this.press('trade-accept');
      try {
        return await this.get('summary-sure').click({ timeout: 3_000 });
      } catch (error) {
        // On a slow machine the press arrives although it is not seen to.
        if (!(await this.get('trade-accept').filter({ hasText: /^Accept$/ }).isVisible())) return;
        if (look >= LOOKS_MAX) throw error;
      }
    }
  }

  /** Chooses so many of an asset to be moved between the inventory and the guild's bank, whose tab is open. */
  async chooseForBank(way: 'deposit' | 'withdraw', asset: string, quantity: number): Promise<void> {
    await this.press(way === 'deposit' ? 'bank-in' : 'bank-out');
    await this.press(`${way}-${asset}`);
    await this.get(`${way}-chosen`).getByTestId(`quantity-${asset}`).fill(String(quantity));
  }

  /** Counts and kinds as the inventory shows them, by name. */
  async inventory(): Promise<Record<string, string>> {
    await this.showPanel('inventory');
    const tiles = await this.get('inventory').getByRole('button').all();
    const entries = await Promise.all(tiles.map(async (tile) => [(await tile.getAttribute('data-testid'))?.replace('inventory-', '') ?? '', (await tile.getAttribute('aria-label')) ?? '']));
    return Object.fromEntries(entries) as Record<string, string>;
  }

  /** Presses Tab until something has the focus; fails where the keyboard does not get there. */
  async tabTo(testid: string, stepsMax = 60): Promise<void> {
    const goal = this.get(testid).first();
    for (let step = 0; step < stepsMax; step++) {
      if (await this.hasFocus(goal)) return;
      await this.page.keyboard.press('Tab');
    }
    throw new Error(`the keyboard did not reach ${testid} in ${stepsMax} steps`);
  }

  async hasFocus(element: Locator): Promise<boolean> {
    return await element.evaluate((node) => node === node.ownerDocument.activeElement);
  }

  /** Goes there by keyboard and presses it. */
  async pressByKey(testid: string): Promise<void> {
    await this.tabTo(testid);
    await this.page.keyboard.press('Enter');
  }

  /** As a person sees it a moment after something changed: highlights are still there. */
  async screenshot(file: string): Promise<void> {
    await this.page.waitForTimeout(600);
    await this.page.screenshot({ path: file, scale: 'css' });
  }

  async close(): Promise<void> {
    await this.context.close();
  }
}
