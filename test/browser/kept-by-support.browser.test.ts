import assert from 'node:assert/strict';
import { ops } from '../kit/ops.ts';
import { openPair, setStage, type Pair } from './stage.ts';

describe('browser: what support keeps', function () {
  this.timeout(240_000);
  const stage = setStage();

  /** Both accept, the seller first. */
  async function bothAccept({ seller, buyer }: Pair): Promise<void> {
    await seller.acceptTrade();
    await buyer.reads('theirs-badge', /^Accepted$/);
    await buyer.acceptTrade();
  }

  it('is said in words: whose account is frozen, and what is paused; then the same trade goes through', async () => {
    const support = ops(stage.server);
    const pair = await openPair(stage.browser, stage.server, { seller: { fungibles: { gold: 20 } }, buyer: { fungibles: { ore: 3 } } });
    const { seller, buyer, sellerId, buyerId } = pair;
    const [sellerName, buyerName] = [await seller.text('player-name'), await buyer.text('player-name')];
    await seller.invite(buyerId);
    await buyer.acceptInvitation();
    await seller.offerQuantity('gold', 5);
    await buyer.offerQuantity('ore', 2);
    await seller.reads('theirs-ore', '2');
    await buyer.reads('theirs-gold', '5');

    await support.freeze(sellerId);
    await bothAccept(pair);
    await buyer.reads('trade-standing', `nothing moved. The account of ${sellerName} is frozen by support`);
    await seller.reads('trade-standing', `nothing moved. Your account or that of ${buyerName} is frozen by support.`);
    await support.freeze(sellerId, false);
    await support.freeze(buyerId);
    await bothAccept(pair);
    await buyer.reads('trade-standing', 'nothing moved. Your account is frozen by support');
    await support.freeze(buyerId, false);

    await support.pause('gold');
    await bothAccept(pair);
    await buyer.reads('trade-standing', 'Trading of Gold is paused by the operators. Try again later.');
    await seller.reads('trade-standing', 'Trading of something here is paused by the operators.');
    await support.pause('gold', false);
    await support.pause('*');
    await bothAccept(pair);
    await buyer.reads('trade-standing', 'All trading is paused by the operators.');
    await support.pause('*', false);

    await bothAccept(pair);
    await Promise.all([seller, buyer].map((side) => side.get('trade-settled').waitFor()));
    await Promise.all([seller, buyer].map((side) => side.press('trade-done')));
    assert.equal((await seller.inventory())['gold'], 'Gold, 15');

    await seller.press('guild-open');
    await seller.get('guild-name').fill('Cold Hands');
    await seller.get('guild-tag').fill('COLD');
    await seller.press('guild-create');
    await seller.press('guild-tab-bank');
    await seller.chooseForBank('deposit', 'gold', 5);
    await support.freeze(sellerId);
    await seller.press('bank-deposit');
    await seller.reads('toast', 'Your account is frozen by support: nothing of value can leave or enter it.');
    assert.deepEqual([...seller.errors, ...buyer.errors], []);
    await Promise.all([seller.close(), buyer.close()]);
  });
});
