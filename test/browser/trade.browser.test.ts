import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import path from 'node:path';
import { service } from '../kit/player.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';
import { DESKTOP, PHONE, PlayerPage, type PageOptions } from './pages.ts';
import { openPair, setStage } from './stage.ts';

const SCREENSHOT_BYTES_MAX = 300_000;

const SELLER = {
  fungibles: { gold: 120, wood: 34 },
  items: [{ kind: 'sword', attributes: { power: 7, element: 'fire' } }, { kind: 'shield', attributes: { armour: 4 } }, { kind: 'relic' }],
};
const BUYER = { fungibles: { ore: 40, herb: 12, gem: 2 }, items: [{ kind: 'bow', attributes: { range: 12 } }] };

describe('browser: a trade by clicking', function () {
  this.timeout(240_000);
  const stage = setStage();
  const { folder, remove } = temporaryFolder();
  after(remove);

  const twoPlayers = (options?: PageOptions) => openPair(stage.browser, stage.server, { seller: SELLER, buyer: BUYER }, options);

  /** Guards the second look's bond to the revision: it must close when the table changes under it. */
  async function tradeThrough(options: PageOptions, screenshot: string): Promise<void> {
    const { seller, buyer, sellerId, buyerId } = await twoPlayers(options);
    await seller.invite(buyerId);
    await buyer.acceptInvitation();

    await seller.offerItem('sword');
    await seller.offerQuantity('gold', 50);
    await buyer.offerQuantity('ore', 30);
    await buyer.offerQuantity('herb', 5);
    await buyer.reads('theirs-gold', '50');
    await seller.reads('theirs-herb', '5');

    // An acceptance is of what was seen: the partner's change takes it back, closes the second look, and says so.
    await seller.acceptTrade();
    await buyer.reads('theirs-badge', /^Accepted$/);
    await buyer.press('trade-accept');
    await buyer.get('trade-summary').waitFor();
    await seller.offerQuantity('gold', 40);
    await buyer.get('trade-summary').waitFor({ state: 'detached' });
    await buyer.reads('trade-standing', 'The offer changed — look again.');
    await buyer.reads('theirs-badge', 'Not accepted');
    await seller.reads('mine-badge', 'Not accepted');
    await buyer.reads('theirs-gold', '40');
    await buyer.get('trade-standing').hover();
    await buyer.screenshot(path.join(folder, screenshot));
    assert.ok(statSync(path.join(folder, screenshot)).size < SCREENSHOT_BYTES_MAX);

    await seller.acceptTrade();
    await buyer.press('trade-accept');
    await buyer.reads('summary-get', /Gold\s*40/);
    await buyer.reads('summary-give', /Iron ore\s*30/);
    await buyer.press('summary-sure');
    await Promise.all([seller.get('trade-settled').waitFor(), buyer.get('trade-settled').waitFor()]);
    await Promise.all([seller.press('trade-done'), buyer.press('trade-done')]);

    await buyer.showPanel('inventory');
    await buyer.get('inventory-sword').waitFor();
    const [sold, bought] = [await seller.inventory(), await buyer.inventory()];
    assert.deepEqual([sold['gold'], sold['ore'], sold['herb'], sold['sword']], ['Gold, 80', 'Iron ore, 30', 'Moon herb, 5', undefined]);
    assert.deepEqual([bought['gold'], bought['ore'], bought['herb'], bought['sword']], ['Gold, 40', 'Iron ore, 10', 'Moon herb, 7', 'Sword, power 7, element fire']);
    const durable = await Promise.all([sellerId, buyerId].map((id) => service(stage.server).player(id)));
    assert.deepEqual(durable.map(({ fungibles }) => [fungibles['gold'], fungibles['ore']]), [[80, 30], [40, 10]]);
    assert.deepEqual([...seller.errors, ...buyer.errors], []);
    await Promise.all([seller.close(), buyer.close()]);
  }

  it('is completed by two people at their desks, with an acceptance that resets', () => tradeThrough({ viewport: DESKTOP }, 'trade-desktop.png'));

  it('is completed on two phones, in the dark', () => tradeThrough({ viewport: PHONE, colorScheme: 'dark' }, 'trade-phone.png'));

  it('refuses what is bound with a sentence, and is cancelled for both', async () => {
    const { seller, buyer, buyerId } = await twoPlayers();
    await seller.invite(buyerId);
    await buyer.acceptInvitation();
    await seller.press('offer-relic');
    await seller.reads('toast', 'bound to its holder');
    await seller.offerItem('shield');
    await buyer.get('theirs-shield').waitFor();
    await buyer.press('trade-cancel');
    await buyer.reads('trade-reason', 'You cancelled it. Nothing moved.');
    await seller.reads('trade-reason', 'The other side cancelled it. Nothing moved.');
    await seller.press('trade-done');
    assert.match((await seller.inventory())['shield'] ?? '', /Shield/);
    await Promise.all([seller.close(), buyer.close()]);
  });

  it('is completed with the keyboard alone, and Esc never costs anything', async () => {
    const { seller, buyer, buyerId } = await twoPlayers();
    const { keyboard } = seller.page;
    await seller.pressByKey(`trade-with-${buyerId}`);
    await seller.get('trade-window').waitFor();
    await buyer.acceptInvitation();
    await seller.pressByKey('offer-sword');
    await seller.pressByKey('offer-gold');
    assert.equal(await seller.hasFocus(seller.get('quantity-gold')), true, 'the count takes the focus');
    await keyboard.type('25');
    await keyboard.press('ArrowUp');
    await buyer.reads('theirs-gold', '26');
    await buyer.acceptTrade();
    await seller.reads('theirs-badge', /^Accepted$/);

    await keyboard.press('Escape');
    await seller.get('trade-window').waitFor({ state: 'detached' });
    await seller.pressByKey('trade-chip');
    await seller.pressByKey('trade-accept');
    assert.equal(await seller.hasFocus(seller.get('summary-sure')), true, 'the second look takes the focus');
    await keyboard.press('Escape');
    await seller.get('trade-summary').waitFor({ state: 'detached' });
    await seller.pressByKey('trade-accept');
    await keyboard.press('Enter');
    await buyer.get('trade-settled').waitFor();
    await seller.get('trade-settled').waitFor();
    assert.equal(await seller.hasFocus(seller.get('trade-done')), true, 'the end takes the focus');
    await keyboard.press('Enter');
    assert.equal((await seller.inventory())['gold'], 'Gold, 94');
    await Promise.all([seller.close(), buyer.close()]);
  });

  it('takes a thing that is dragged onto the table, and goes on after a reload', async () => {
    const { seller, buyer, buyerId } = await twoPlayers();
    await seller.invite(buyerId);
    await seller.reads('trade-standing', 'was asked. Choose what you offer meanwhile.');
    await buyer.acceptInvitation();
    await seller.get('offer-sword').dragTo(seller.get('mine'));
    await buyer.get('theirs-sword').waitFor();
    await seller.page.reload();
    await seller.get('mine-sword').waitFor();
    await buyer.acceptTrade();
    await seller.reads('theirs-badge', /^Accepted$/);
    await seller.press('trade-accept');
    await seller.reads('trade-summary', 'You get nothing in return.');
    await seller.press('summary-sure');
    await buyer.get('trade-settled').waitFor();
    await Promise.all([seller.close(), buyer.close()]);
  });

  it('begins with gathering: walking there, and the gain shown at once', async () => {
    const player = await PlayerPage.open(stage.browser, stage.server.url);
    await player.playAsGuest();
    await player.press('gather-wood-2');
    await player.get('zone-gain').filter({ hasText: /^\+\d+ Oak wood$/ }).waitFor({ state: 'attached' });
    await player.get('inventory-wood').waitFor();
    await player.close();
  });
});
