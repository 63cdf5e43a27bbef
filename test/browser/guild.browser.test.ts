import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import path from 'node:path';
import { service } from '../kit/player.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';
import { DESKTOP, PHONE, type PlayerPage } from './pages.ts';
import { openPair, setStage } from './stage.ts';

const SCREENSHOT_BYTES_MAX = 300_000;

const ANN = { fungibles: { gold: 120, ore: 34, gem: 4 }, items: [{ kind: 'sword', attributes: { power: 7, element: 'fire' } }, { kind: 'shield', attributes: { armour: 4 } }, { kind: 'relic' }] };
const BOB = { fungibles: { herb: 12, gem: 2 }, items: [{ kind: 'bow', attributes: { range: 12 } }] };

async function found(player: PlayerPage, name: string, tag: string): Promise<void> {
  await player.press('guild-open');
  await player.get('guild-name').fill(name);
  await player.get('guild-tag').fill(tag);
  await player.press('guild-create');
  await player.reads('guild-title', `[${tag}] ${name}`);
}

async function answerInvitation(player: PlayerPage, answer: 'Accept' | 'Decline', name: string): Promise<void> {
  await player.reads('guild-count', '1');
  await player.press('guild-open');
  await player.page.getByRole('button', { name: `${answer} the invitation of ${name}` }).click();
}

describe('browser: a guild by clicking', function () {
  this.timeout(240_000);
  const stage = setStage();
  const { folder, remove } = temporaryFolder();
  after(remove);

  /** Guards that the panel follows the room: what one does, the other sees without pressing anything. */
  it('is founded, joined, filled and emptied by two people, and left by the one who is removed', async () => {
    const { seller: ann, buyer: bob, sellerId: annId, buyerId: bobId } = await openPair(stage.browser, stage.server, { seller: ANN, buyer: BOB }, { viewport: DESKTOP });
    const [annName, bobName] = [await ann.text('player-name'), await bob.text('player-name')];
    await found(ann, 'Night Watch', 'NW');
    await ann.press('guild-tab-invite');
    await ann.press(`guild-invite-${bobId}`);
    await bob.reads('toast', `${annName} invites you to join Night Watch.`);
    await answerInvitation(bob, 'Accept', 'Night Watch');
    await bob.reads('guild-title', '[NW] Night Watch');
    await ann.reads('guild-standing', '2 members, 2 online');

    await ann.press('guild-motd-edit');
    await ann.get('guild-motd-text').fill('Tonight at eight by the old mill. Bring wood for the new hall.');
    await ann.press('guild-motd-save');
    await bob.reads('guild-motd', 'Tonight at eight');

    await ann.press('guild-tab-bank');
    await ann.chooseForBank('deposit', 'gold', 50);
    await ann.chooseForBank('deposit', 'gem', 3);
    await ann.press('deposit-sword');
    await ann.press('bank-deposit');
    await bob.press('guild-tab-bank');
    await bob.get('withdraw-sword').waitFor();
    await bob.chooseForBank('withdraw', 'gold', 20);
    await bob.press('bank-withdraw');
    await bob.get('withdraw-gold').and(bob.page.getByLabel('Gold, 30')).waitFor();
    await ann.press('bank-out');
    await ann.get('withdraw-gold').and(ann.page.getByLabel('Gold, 30')).waitFor();
    await ann.chooseForBank('withdraw', 'gold', 5);
    await ann.press('withdraw-sword');
    await ann.get('guild-title').hover();
    await ann.screenshot(path.join(folder, 'guild-desktop.png'));
    assert.ok(statSync(path.join(folder, 'guild-desktop.png')).size < SCREENSHOT_BYTES_MAX);

    await Promise.all([ann, bob].map((side) => side.press('guild-tab-log')));
    await ann.reads('guild-log', `${bobName} took 20 Gold out of the bank.`);
    await ann.reads('guild-log', 'You put 50 Gold, 3 Rough gem, and 1 Sword into the bank.');
    await bob.reads('guild-log', 'You took 20 Gold out of the bank.');
    await bob.reads('guild-log', `${annName} put 50 Gold, 3 Rough gem, and 1 Sword into the bank.`);

    await ann.press('guild-tab-members');
    await ann.press(`guild-manage-${bobId}`);
    await ann.press('guild-kick');
    await ann.press('guild-kick-confirm-sure');
    await bob.reads('guild-notice', `${annName} removed you from the guild.`);
    await ann.reads('guild-standing', '1 member, 1 online');
    const durable = await Promise.all([annId, bobId].map((id) => service(stage.server).player(id)));
    assert.deepEqual(durable.map(({ fungibles, guildId }) => [fungibles['gold'], guildId !== null]), [[70, true], [20, false]]);
    assert.deepEqual([...ann.errors, ...bob.errors], []);
    await Promise.all([ann.close(), bob.close()]);
  });

  it('says on a phone why not, is led by whom it was handed to, and ends by its last member', async () => {
    const { seller: ann, buyer: bob, buyerId: bobId } = await openPair(stage.browser, stage.server, { seller: ANN, buyer: BOB }, { viewport: PHONE, colorScheme: 'dark' });
    const annName = await ann.text('player-name');
    await found(ann, 'The Wandering Owls', 'OWLS');
    await ann.press('guild-tab-invite');
    await ann.press(`guild-invite-${bobId}`);
    await answerInvitation(bob, 'Decline', 'The Wandering Owls');
    await bob.get('guild-uninvited').waitFor();
    await ann.press(`guild-invite-${bobId}`);
    await bob.page.getByRole('button', { name: 'Accept the invitation of The Wandering Owls' }).click();
    await bob.get('guild-hall').waitFor();

    assert.deepEqual([await bob.get('guild-motd-edit').isVisible(), await bob.get('guild-tab-invite').isVisible()], [false, false]);
    await ann.press('guild-tab-bank');
    await ann.press('bank-in');
    await ann.press('deposit-relic');
    await ann.reads('toast', 'bound to its holder');
    await ann.press('deposit-sword');
    await ann.press('bank-deposit');
    await ann.press('bank-out');
    await ann.get('withdraw-sword').waitFor();
    await ann.press('guild-disband');
    await ann.press('guild-disband-confirm-sure');
    await ann.page.getByTestId('toast').filter({ hasText: 'the bank is not empty' }).waitFor();

    await ann.press('guild-tab-members');
    await ann.press(`guild-manage-${bobId}`);
    await ann.press('guild-hand-over');
    await ann.press('guild-hand-over-confirm-sure');
    await bob.reads(`guild-member-${bobId}`, 'Leader');
    await ann.press('guild-leave');
    await ann.press('guild-leave-confirm-sure');
    await ann.reads('guild-notice', 'You left The Wandering Owls.');
    await bob.page.getByTestId('toast').filter({ hasText: `${annName} left the guild.` }).waitFor();
    await bob.press('guild-tab-bank');
    await bob.press('withdraw-sword');
    await bob.press('bank-withdraw');
    await bob.get('withdraw-sword').waitFor({ state: 'detached' });
    await bob.press('guild-disband');
    await bob.press('guild-disband-confirm-sure');
    await bob.reads('guild-notice', 'You disbanded The Wandering Owls.');
    assert.deepEqual([...ann.errors, ...bob.errors], []);
    await Promise.all([ann.close(), bob.close()]);
  });
});
