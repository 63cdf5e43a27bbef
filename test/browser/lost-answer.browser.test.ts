import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { service, until } from '../kit/player.ts';
import { openGateway, type Gateway } from './gateway.ts';
import { PlayerPage } from './pages.ts';
import { setStage } from './stage.ts';

/** Longer than it takes to send a request again. */
const AFTERWARDS_MS = 2_000;

interface Change {
  target: { closest?(selector: string): unknown };
  addedNodes: Iterable<{ textContent: string | null }>;
}

describe('browser: a request whose answer is lost', function () {
  this.timeout(240_000);
  const stage = setStage();

  async function behindGateway(play: (player: PlayerPage, playerId: string, gateway: Gateway) => Promise<void>): Promise<void> {
    const gateway = await openGateway(stage.server.port);
    try {
      const player = await PlayerPage.open(stage.browser, gateway.url);
      await play(player, await player.playAsGuest(), gateway);
      assert.deepEqual(player.errors, []);
      await player.close();
    } finally {
      await gateway.close();
    }
  }

  /** Every text that came up in an element from now on, however short it stayed. */
  async function textsIn({ page }: PlayerPage, testid: string): Promise<() => Promise<string[]>> {
    const texts = await page.locator('html').evaluateHandle((root, id) => {
      const seen: string[] = [];
      new root.ownerDocument.defaultView.MutationObserver((changes: Change[]) => {
        for (const { target, addedNodes } of changes) {
          if (target.closest?.(`[data-testid="${id}"]`)) for (const { textContent } of addedNodes) seen.push(textContent ?? '');
        }
      }).observe(root, { childList: true, subtree: true });
      return seen;
    }, testid);
    return () => texts.jsonValue();
  }

  // Guards the command id that a repetition keeps: without it, one press gathers twice.
  it('gathers once: one gain, shown once', () =>
    behindGateway(async (player, id, gateway) => {
      const server = service(stage.server);
      await player.get('inventory-empty').waitFor();
      const gains = await textsIn(player, 'zone-gain');
      await player.page.waitForTimeout(500);
      // In reach from where one begins, so that there is no walk to be lost on the way.
      gateway.mute();
      await player.press('gather-ore-1');
      await until(async () => ((await server.player(id)).fungibles['ore'] ?? 0) > 0, 20_000, 'the server gathered');
      assert.equal(await player.get('inventory-ore').count(), 0, 'nobody has heard of it');
      gateway.cut();
      await player.get('inventory-ore').waitFor({ timeout: 30_000 });
      await player.get('zone-gain').filter({ hasText: 'Iron ore' }).waitFor({ state: 'attached', timeout: 30_000 });
      await delay(AFTERWARDS_MS);
      const { ore } = (await server.player(id)).fungibles;
      assert.deepEqual(await gains(), [`+${ore} Iron ore`]);
      assert.equal((await player.inventory())['ore'], `Iron ore, ${ore}`);
      assert.equal(await player.get('toast').count(), 0);
    }));

  it('puts into a guild’s bank once: one line in the log, one word about it', () =>
    behindGateway(async (player, id, gateway) => {
      const server = service(stage.server);
      await server.grant(id, { fungibles: { gold: 100 } });
      await player.get('inventory-gold').waitFor();
      await player.press('guild-open');
      await player.get('guild-name').fill('Echoes');
      await player.get('guild-tag').fill('ECHO');
      await player.press('guild-create');
      await player.press('guild-tab-bank');
      await player.chooseForBank('deposit', 'gold', 30);
      const words = await textsIn(player, 'toasts');
      gateway.mute();
      await player.press('bank-deposit');
      await until(async () => (await server.player(id)).fungibles['gold'] === 70, 20_000, 'the server moved it');
      gateway.cut();
      await player.reads('toast', 'Put into the bank.');
      await player.press('bank-out');
      await player.get('withdraw-gold').and(player.page.getByLabel('Gold, 30')).waitFor();
      await delay(AFTERWARDS_MS);
      assert.equal((await server.player(id)).fungibles['gold'], 70);
      assert.equal((await words()).filter((text) => text.includes('Put into the bank.')).length, 1);
      await player.press('guild-tab-log');
      assert.equal(await player.get('guild-log').getByText('You put 30 Gold into the bank.').count(), 1);
    }));
});
