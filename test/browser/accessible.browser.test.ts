import assert from 'node:assert/strict';
import { commandId, service } from '../kit/player.ts';
import { seriousViolations } from './axe.ts';
import { DESKTOP, PHONE, PlayerPage } from './pages.ts';
import { openPair, setStage } from './stage.ts';
import { overflowing, tooSmall } from './touch.ts';

const ANN = { fungibles: { gold: 120, wood: 34 }, items: [{ kind: 'sword', attributes: { power: 7, element: 'fire' } }, { kind: 'relic' }] };
const BOB = { fungibles: { ore: 40, herb: 12 }, items: [{ kind: 'bow' }] };
const SIZES = { desktop: DESKTOP, phone: PHONE };

describe('browser: everybody can use it', function () {
  this.timeout(400_000);
  const stage = setStage();

  for (const [size, viewport] of Object.entries(SIZES)) {
    it(`axe-core finds nothing serious on any screen, ${size}, in light and dark`, () => lookAtAll(size, viewport));
  }

  /** Opens one screen after another. On a phone, nothing is wider than it, and what is pressed is as large as a fingertip. */
  async function lookAtAll(size: string, viewport: { width: number; height: number }): Promise<void> {
    const options = { viewport };
    const problems: string[] = [];
    async function look({ page }: PlayerPage, what: string): Promise<void> {
      for (const colorScheme of ['dark', 'light'] as const) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        problems.push(...(await seriousViolations(page)).map((problem) => `${what}, ${colorScheme}: ${problem}`));
      }
      if (viewport.width >= DESKTOP.width) return;
      problems.push(...(await overflowing(page)).map((problem) => `${what}: wider than the screen: ${problem}`));
      problems.push(...(await tooSmall(page)).map((problem) => `${what}: smaller than a fingertip: ${problem}`));
    }

    const stranger = await PlayerPage.open(stage.browser, stage.server.url, options);
    await look(stranger, 'the first page');
    await stranger.press('credentials-mode');
    await look(stranger, 'a new account');
    await stranger.playAsGuest();
    await look(stranger, 'the game of somebody new');
    await stranger.close();

    const { seller: ann, buyer: bob, sellerId: annId, buyerId: bobId } = await openPair(stage.browser, stage.server, { seller: ANN, buyer: BOB }, options);
    await ann.press('inventory-sword');
    await look(ann, 'the inventory, with details');
    await ann.showPanel('nearby');
    await look(ann, 'who is around');
    await ann.invite(bobId);
    await look(ann, 'a trade that waits');
    await bob.get('trade-invitation').waitFor();
    await look(bob, 'an invitation');
    await bob.acceptInvitation();
    await ann.offerItem('sword');
    await ann.offerQuantity('gold', 50);
    await bob.offerQuantity('ore', 30);
    await ann.reads('theirs-ore', '30');
    await ann.press('offer-relic');
    await look(ann, 'an open trade, with a refusal');
    await ann.acceptTrade();
    await bob.reads('theirs-badge', /^Accepted$/);
    await bob.press('trade-accept');
    await bob.get('trade-summary').waitFor();
    await look(bob, 'the second look');
    await bob.press('summary-sure');
    await ann.get('trade-settled').waitFor();
    await look(ann, 'the end of a trade');
    await Promise.all([ann.press('trade-done'), bob.press('trade-done')]);

    await ann.press('guild-open');
    await ann.get('guild-lobby').waitFor();
    await look(ann, 'no guild');
    await ann.get('guild-name').fill(`Keepers ${size}`);
    await ann.get('guild-tag').fill(size.slice(0, 4));
    await ann.press('guild-create');
    await ann.get('guild-hall').waitFor();
    await look(ann, 'the members');
    await ann.press('guild-tab-invite');
    await ann.press(`guild-invite-${bobId}`);
    await look(ann, 'whom to invite');
    await ann.press('guild-tab-bank');
    await ann.chooseForBank('deposit', 'gold', 20);
    await look(ann, 'the bank, on the way in');
    await ann.press('bank-deposit');
    await ann.reads('toast', 'Put into the bank.');
    await ann.chooseForBank('withdraw', 'gold', 5);
    await look(ann, 'the bank, on the way out');
    await ann.press('guild-tab-log');
    await look(ann, 'the log');
    await ann.press('guild-leave');
    await look(ann, 'a question');
    await ann.press('guild-leave-confirm-back');
    await ann.press('guild-close');
    await bob.press('guild-open');
    await bob.page.getByRole('button', { name: /^Accept the invitation/ }).waitFor();
    await look(bob, 'an invitation to a guild');
    await bob.press('guild-close');

    for (const [playerId, score] of [[annId, 900], [bobId, 1200]] as const) await service(stage.server).call('POST', '/scores', { commandId: commandId(), board: 'arena', playerId, score });
    await ann.press('board-open');
    await ann.get(`board-row-${annId}`).waitFor();
    await look(ann, 'a leaderboard');
    await ann.press('board-close');
    await ann.press('account');
    await look(ann, 'the account');
    await ann.press('account-close');
    assert.deepEqual(problems, []);
    await Promise.all([ann.close(), bob.close()]);
  }
});
