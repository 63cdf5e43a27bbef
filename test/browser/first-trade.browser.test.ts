import assert from 'node:assert/strict';
import { PlayerPage } from './pages.ts';
import { setStage } from './stage.ts';

describe('browser: from the first visit to the first trade', function () {
  this.timeout(240_000);
  const stage = setStage();

  /** What somebody gathered by now, as the inventory says it. */
  async function gather(player: PlayerPage, nodeId: string, asset: string): Promise<string> {
    await player.press(`gather-${nodeId}`);
    await player.get(`inventory-${asset}`).waitFor();
    return (await player.inventory())[asset] ?? '';
  }

  it('two strangers come, are told how once, gather, and trade what they gathered', async () => {
    const [ann, bob] = await Promise.all([PlayerPage.open(stage.browser, stage.server.url), PlayerPage.open(stage.browser, stage.server.url)]);
    const [, bobId] = await Promise.all([ann.playAsGuest(), bob.playAsGuest()]);
    await ann.get('inventory-empty').waitFor();

    // A hint goes by being followed, or by being read; each is one sentence.
    await ann.reads('hint', /^Click the grass to walk[^.]*[.]/);
    await ann.hasDrawn();
    // Away from every node and from who stands beside, wherever within the spread one came.
    const { width = 0, height = 0 } = (await ann.get('zone').boundingBox()) ?? {};
    await ann.get('zone').click({ position: { x: width / 2 - 200, y: height / 2 + 100 } });
    await ann.reads('hint', /^Click a tree[^.]*[.]/);
    await bob.press('hint-next');
    await bob.reads('hint', /^Click a tree/);
    const wood = await gather(ann, 'wood-1', 'wood');
    const ore = await gather(bob, 'ore-1', 'ore');
    assert.match(wood, /^Oak wood, [1-4]$/);
    assert.match(ore, /^Iron ore, [1-3]$/);
    await ann.reads('hint', /^Click another player/);

    await ann.invite(bobId);
    await ann.reads('hint-trade', /^Click or drag your things[^.]*[.]/);
    await bob.acceptInvitation();
    await bob.press('hint-trade-done');
    await bob.get('hint-trade').waitFor({ state: 'detached' });
    await ann.get('offer-wood').dragTo(ann.get('mine'));
    await bob.press('offer-ore');
    await ann.get('theirs-ore').waitFor();
    await bob.get('theirs-wood').waitFor();
    await ann.acceptTrade();
    await bob.reads('theirs-badge', /^Accepted$/);
    await bob.acceptTrade();
    await Promise.all([ann, bob].map((side) => side.get('trade-settled').waitFor()));
    await Promise.all([ann, bob].map((side) => side.press('trade-done')));
    await ann.get('inventory-ore').waitFor();
    await bob.get('inventory-wood').waitFor();

    // Who knows, is not told again: neither over the zone, nor in the window.
    assert.equal(await ann.get('hint').isVisible(), false);
    await ann.page.reload();
    await ann.playerId();
    assert.equal(await ann.get('hint').isVisible(), false);
    await ann.invite(bobId);
    assert.equal(await ann.get('hint-trade').count(), 0);
    assert.deepEqual([...ann.errors, ...bob.errors], []);
    await Promise.all([ann.close(), bob.close()]);
  });
});
