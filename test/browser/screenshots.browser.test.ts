import assert from 'node:assert/strict';
import { mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { commandId, service } from '../kit/player.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';
import { DESKTOP, PHONE, type PlayerPage } from './pages.ts';
import { openPair, setStage } from './stage.ts';

const UPDATE = process.env['UPDATE_SCREENSHOTS'] === '1';
/** As the browser makes them; those in docs/images have a palette of 256 colours. */
const BYTES_MAX = 300_000;
const SIZES = { desktop: DESKTOP, phone: PHONE };

const MARA = {
  fungibles: { gold: 1250, wood: 34, herb: 12, gem: 3 },
  items: [{ kind: 'sword', attributes: { power: 7, element: 'fire' } }, { kind: 'shield', attributes: { armour: 4 } }, { kind: 'relic' }],
};
const ROWAN = { fungibles: { gold: 80, ore: 40, fish: 5 }, items: [{ kind: 'bow', attributes: { range: 12 } }, { kind: 'amulet' }] };

/** The pictures of docs/SCREENSHOTS.md, which are looked at when they are made anew. Each size has a world of its own. */
for (const [size, viewport] of Object.entries(SIZES)) describe(`browser: the screenshots, ${size}`, function () {
  this.timeout(240_000);
  const stage = setStage();
  const scratch = temporaryFolder();
  const folder = UPDATE ? path.resolve(import.meta.dirname, '../../docs/images') : scratch.folder;

  before(() => mkdirSync(folder, { recursive: true }));
  after(() => scratch.remove());

  async function rename(player: PlayerPage, name: string): Promise<void> {
    await player.press('account');
    await player.get('rename').fill(name);
    await player.press('rename-submit');
    await player.reads('player-name', name);
    await player.get('toasts').getByRole('button').click();
    await player.press('account-close');
  }

  it(`at ${viewport.width} × ${viewport.height}, in light and dark, of all windows`, async () => {
    const { seller: mara, buyer: rowan, sellerId: maraId, buyerId: rowanId } = await openPair(stage.browser, stage.server, { seller: MARA, buyer: ROWAN }, { viewport });
    async function take(what: string): Promise<void> {
      for (const colorScheme of ['light', 'dark'] as const) {
        await mara.page.emulateMedia({ colorScheme });
        const file = path.join(folder, `${what}-${size}-${colorScheme}.png`);
        await mara.screenshot(file);
        assert.ok(statSync(file).size < BYTES_MAX, `${file} has ${statSync(file).size} bytes`);
      }
    }
    await rename(mara, 'Mara Vey');
    await rename(rowan, 'Rowan Ash');
    // Rowan walks over and gathers, so that both are seen.
    await rowan.showPanel('nearby');
    await rowan.press('gather-herb-1');
    await rowan.get('zone-gain').filter({ hasText: 'herb' }).waitFor({ state: 'attached' });
    await mara.press('inventory-sword');
    await take('game');
    await mara.press('inventory-sword');

    await mara.invite(rowanId);
    await rowan.acceptInvitation();
    await mara.offerItem('sword');
    await mara.offerQuantity('gold', 250);
    await rowan.offerQuantity('ore', 30);
    await rowan.offerItem('amulet');
    await mara.get('theirs-amulet').waitFor();
    await mara.get('trade-standing').hover();
    await take('trade');
    await mara.acceptTrade();
    await rowan.reads('theirs-badge', /^Accepted$/);
    await rowan.acceptTrade();
    await Promise.all([mara, rowan].map((side) => side.get('trade-settled').waitFor()));
    await Promise.all([mara, rowan].map((side) => side.press('trade-done')));

    await mara.press('guild-open');
    await mara.get('guild-name').fill('The Night Watch');
    await mara.get('guild-tag').fill('NW');
    await mara.press('guild-create');
    await mara.press('guild-tab-bank');
    await mara.chooseForBank('deposit', 'gold', 100);
    await mara.get('guild-title').hover();
    await take('guild');
    await mara.press('guild-close');

    for (const [playerId, score] of [[maraId, 900], [rowanId, 1200]] as const) await service(stage.server).call('POST', '/scores', { commandId: commandId(), board: 'arena', playerId, score });
    await mara.press('board-open');
    await mara.get(`board-row-${maraId}`).waitFor();
    await take('leaderboard');
    assert.deepEqual([...mara.errors, ...rowan.errors], []);
    await Promise.all([mara.close(), rowan.close()]);
  });
});
