import assert from 'node:assert/strict';
import { service, until } from '../kit/player.ts';
import { PHONE, type PlayerPage } from './pages.ts';
import { openPair, setStage } from './stage.ts';

const ANN = { fungibles: { gold: 40 }, items: [{ kind: 'sword' }, { kind: 'shield' }] };
const BOB = { fungibles: { ore: 9 }, items: [{ kind: 'bow' }] };

describe('browser: with fingers, or with keys, alone', function () {
  this.timeout(240_000);
  const stage = setStage();

  async function tap(player: PlayerPage, testid: string): Promise<void> {
    await player.get(testid).first().tap();
  }

  it('a whole trade is tapped on two phones', async () => {
    const { seller: ann, buyer: bob, sellerId: annId, buyerId: bobId } = await openPair(stage.browser, stage.server, { seller: ANN, buyer: BOB }, { viewport: PHONE });
    await tap(ann, 'tab-nearby');
    await tap(ann, `trade-with-${bobId}`);
    await tap(bob, 'invitation-accept');
    await tap(ann, 'offer-sword');
    await tap(ann, 'offer-shield');
    await tap(ann, 'mine-shield-remove');
    await tap(ann, 'offer-gold');
    await tap(ann, 'quantity-gold-all');
    await tap(ann, 'quantity-gold-fewer');
    await tap(bob, 'offer-ore');
    await tap(bob, 'quantity-ore-more');
    await bob.reads('theirs-gold', '39');
    await ann.reads('theirs-ore', '2');
    await tap(ann, 'trade-hide');
    await tap(ann, 'trade-chip');
    await tap(ann, 'trade-accept');
    await tap(ann, 'summary-back');
    await tap(ann, 'trade-accept');
    await tap(ann, 'summary-sure');
    await bob.reads('theirs-badge', /^Accepted$/);
    await tap(bob, 'trade-accept');
    await tap(bob, 'summary-sure');
    await Promise.all([ann, bob].map((side) => side.get('trade-settled').waitFor()));
    await tap(ann, 'trade-done');
    await tap(bob, 'trade-done');
    const durable = await Promise.all([annId, bobId].map((id) => service(stage.server).player(id)));
    assert.deepEqual(durable.map(({ fungibles, items }) => [fungibles['gold'] ?? 0, fungibles['ore'] ?? 0, items.map(({ kind }) => kind).toSorted()]), [[1, 2, ['shield']], [39, 7, ['bow', 'sword']]]);

    // And gathering: where the ground is tapped, one walks; the list does the rest.
    await ann.get('zone').tap({ position: { x: 120, y: 120 } });
    await tap(ann, 'tab-nearby');
    await tap(ann, 'gather-wood-1');
    await tap(ann, 'tab-inventory');
    await ann.get('inventory-wood').waitFor();
    assert.deepEqual([...ann.errors, ...bob.errors], []);
    await Promise.all([ann.close(), bob.close()]);
  });

  it('a guild is founded, filled and emptied with the keyboard', async () => {
    const { seller: ann, buyer: bob, sellerId: annId } = await openPair(stage.browser, stage.server, { seller: ANN, buyer: BOB });
    const { keyboard } = ann.page;
    await ann.pressByKey('guild-open');
    await ann.tabTo('guild-name');
    await keyboard.type('Key Holders');
    await ann.tabTo('guild-tag');
    await keyboard.type('KEYS');
    await keyboard.press('Enter');
    await ann.get('guild-hall').waitFor();
    // Tabs are one stop, and the arrows turn them.
    await ann.tabTo('guild-tab-members');
    await keyboard.press('ArrowRight');
    assert.ok(await ann.hasFocus(ann.get('guild-tab-bank')));
    await ann.pressByKey('bank-in');
    await ann.pressByKey('deposit-gold');
    assert.ok(await ann.hasFocus(ann.get('deposit-chosen').getByTestId('quantity-gold')), 'the count takes the focus');
    await keyboard.type('15');
    await ann.pressByKey('bank-deposit');
    await until(async () => (await service(stage.server).player(annId)).fungibles['gold'] === 25);
    await ann.pressByKey('bank-out');
    await ann.pressByKey('withdraw-gold');
    await keyboard.type('4');
    await ann.pressByKey('bank-withdraw');
    await until(async () => (await service(stage.server).player(annId)).fungibles['gold'] === 29);
    await keyboard.press('Escape');
    await ann.get('guild-window').waitFor({ state: 'detached' });
    assert.ok(await ann.hasFocus(ann.get('guild-open')), 'the focus goes back to where it came from');
    await ann.pressByKey('board-open');
    await ann.tabTo('board-tab-arena');
    await keyboard.press('Escape');
    await Promise.all([ann.close(), bob.close()]);
  });
});
