import assert from 'node:assert/strict';
import { service } from '../kit/player.ts';
import { PlayerPage } from './pages.ts';
import { setStage } from './stage.ts';

describe('browser: an account', function () {
  this.timeout(240_000);
  const stage = setStage();

  async function fillIn(player: PlayerPage, email: string, password: string): Promise<void> {
    await player.get('email').fill(email);
    await player.get('password').fill(password);
    await player.press('credentials-submit');
  }

  it('is kept under an e-mail with everything held, and found again after signing out', async () => {
    const player = await PlayerPage.open(stage.browser, stage.server.url);
    const id = await player.playAsGuest();
    await service(stage.server).grant(id, { fungibles: { gold: 5 } });
    await player.get('inventory-gold').waitFor();

    await player.press('account');
    await player.get('rename').fill('Mara Vey');
    await player.press('rename-submit');
    await player.reads('player-name', 'Mara Vey');
    await fillIn(player, 'mara@example.org', 'correct horse');
    await player.get('account-dialog').waitFor({ state: 'detached' });
    await player.press('account');
    await player.reads('account-email', 'Signed in as mara@example.org.');

    await player.press('sign-out');
    await fillIn(player, 'mara@example.org', 'wrong horse');
    await player.reads('sign-in-problem', 'do not belong together');
    await fillIn(player, 'mara@example.org', 'correct horse');
    assert.equal(await player.playerId(), id);
    await player.get('inventory-gold').waitFor();
    assert.deepEqual(await player.inventory(), { gold: 'Gold, 5' });
    await player.close();
  });

  it('is remembered over a reload, and `?player=2` is somebody else in the same browser', async () => {
    const player = await PlayerPage.open(stage.browser, stage.server.url);
    const id = await player.playAsGuest();
    await player.page.reload();
    assert.equal(await player.playerId(), id);
    const second = await player.context.newPage();
    await second.goto(`${stage.server.url}/?player=2`);
    await second.getByTestId('play-now').click();
    await second.locator('[data-testid="player-name"]:not([data-player-id=""])').waitFor();
    assert.notEqual(await second.getByTestId('player-name').getAttribute('data-player-id'), id);
    assert.equal(await player.get('banner').isVisible(), false);
    await player.close();
  });

  it('is made with a new e-mail, and refused in a sentence when that is taken', async () => {
    const player = await PlayerPage.open(stage.browser, stage.server.url);
    await player.press('credentials-mode');
    await fillIn(player, 'rowan@example.org', 'correct horse');
    await player.playerId();
    await player.press('account');
    await player.press('sign-out');
    await player.press('credentials-mode');
    await fillIn(player, 'rowan@example.org', 'another horse');
    await player.reads('sign-in-problem', 'There is an account with this e-mail already');
    await player.close();
  });
});
