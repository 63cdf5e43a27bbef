import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Route } from 'playwright-core';
import { assertAuditGreen, assertHolds } from '../kit/economy.ts';
import { ops } from '../kit/ops.ts';
import { join, service, until, type TestPlayer } from '../kit/player.ts';
import { attempt, sitDown, trade } from '../kit/trade.ts';
import { assertAccessible } from './axe.ts';
import { OpsPage } from './ops-pages.ts';
import { DESKTOP, PHONE } from './pages.ts';
import { setStage } from './stage.ts';

const CHARTS = 6;
/** Longer than the page waits before it asks again. */
const QUIET_MS = 6_000;
/** While nobody looks nothing is asked for: the page is told so, as when another tab is in front. */
const hide = (isHidden: boolean) => `Object.defineProperty(document, 'hidden', { value: ${isHidden}, configurable: true }); document.dispatchEvent(new Event('visibilitychange'))`;

interface Sale {
  seller: TestPlayer;
  buyer: TestPlayer;
  sword: string;
  transactionId: string;
}

describe('browser: the operations page', function () {
  this.timeout(240_000);
  const stage = setStage();
  const present = new Set<TestPlayer>();
  afterEach(async () => {
    await Promise.allSettled([...present].map((player) => player.leave()));
    present.clear();
  });

  async function enter(name: string): Promise<TestPlayer> {
    const player = await join(stage.server.url, name);
    present.add(player);
    return player;
  }

  /** A sword and 20 of 30 gold for 3 of 4 ore. */
  async function sale(names: [string, string] = ['Mara Vey', 'Rowan Ash']): Promise<Sale> {
    const { server } = stage;
    const [seller, buyer] = [await enter(names[0]), await enter(names[1])];
    const [sword = ''] = await service(server).grant(seller.id, { fungibles: { gold: 30 }, items: [{ kind: 'sword', attributes: { power: 7 } }] });
    await service(server).grant(buyer.id, { fungibles: { ore: 4 } });
    await trade(await sitDown(seller, buyer), { items: [sword], fungibles: { gold: 20 } }, { fungibles: { ore: 3 } });
    const transactionId = (await ops(server).file(seller.id)).deeds[0]?.transactionId ?? '';
    return { seller, buyer, sword, transactionId };
  }

  const visit = (hash?: string, options?: Parameters<typeof OpsPage.visit>[3]) => OpsPage.visit(stage.browser, stage.server, hash, options);

  async function done(page: OpsPage): Promise<void> {
    assert.deepEqual(page.errors, []);
    await page.close();
  }

  it('[OP5] the page demands the password, with a slash at its end too, and then shows processes, shards and the last hour', async () => {
    for (const path of ['/ops', '/ops/', '/ops/api/state']) assert.equal((await fetch(stage.server.url + path)).status, 401, path);
    await enter('Somebody');
    const page = await visit('/');
    assert.equal(new URL(page.page.url()).pathname, '/ops');
    await page.reads('processes', String(stage.server.pid));
    await page.reads('figure-players', /^[1-9]/);
    assert.equal(await page.get('shards').locator('tbody tr').count(), 4);
    await page.get('chart-summary').nth(CHARTS - 1).waitFor({ state: 'attached' });
    assert.match(await page.get('chart-summary').first().innerText(), /^online: /);
    await page.get('figure-trades').filter({ hasText: '/s' }).waitFor();
    await done(page);
  });

  it('[OP5] says when the server does not answer and comes back by itself, and asks for nothing while nobody looks', async () => {
    const page = await visit();
    await page.reads('updated', 'Updated');
    await page.page.route('**/ops/api/state', (route) => route.abort());
    await page.reads('away', 'The server does not answer. What you see is from');
    await page.page.unroute('**/ops/api/state');
    await page.get('away').waitFor({ state: 'hidden' });

    let asked = 0;
    page.page.on('request', () => asked++);
    await page.page.evaluate(hide(true));
    asked = 0;
    await delay(QUIET_MS);
    assert.equal(asked, 0);
    await page.page.evaluate(hide(false));
    await until(() => asked > 0);
    await done(page);
  });

  it('[OP4] finds a player, freezes it, and reverses a trade out of its deeds; the log has both', async () => {
    const name = `Mara ${crypto.randomUUID().slice(0, 8)}`;
    const { seller, buyer, sword, transactionId } = await sale([name, 'Rowan Ash']);
    const page = await visit();
    await page.press('place-find');
    await page.get('find-player').fill(name.toLowerCase());
    await page.press('find-submit');
    await page.press(`found-${seller.id}`);
    await page.reads('count-gold', '10');
    await page.reads('session', seller.room.roomId);
    await page.press('freeze');
    await page.press('deed-sure');
    await page.reads('deed-problem', 'Say why');
    await page.sure('sold a duplicate');
    await page.get('frozen').waitFor();
    assert.equal(await attempt(await sitDown(seller, buyer), { fungibles: { gold: 1 } }), 'ACCOUNT_FROZEN');

    await page.get('deeds').getByTestId(`trade-${transactionId}`).click();
    await page.reads('reversal', 'it can be reversed');
    assert.deepEqual(await page.get('leg').allInnerTexts().then((texts) => texts.map((text) => text.split('\n')[0])), [`${name} gave Rowan Ash`, `Rowan Ash gave ${name}`]);
    await page.press('reverse');
    await page.reads('deed-dialog', new RegExp(`Rowan Ash gives back to ${name}\\s*Sword .+\\s*20 Gold\\s*${name} gives back to Rowan Ash\\s*3 Iron ore`));
    await page.sure('the sword was stolen');
    await page.get('reversed').waitFor();
    await page.reads('reversal', 'the sword was stolen');
    assert.equal(await page.get('reverse').count(), 0);
    await assertHolds(stage.server, seller, { fungibles: { gold: 30 }, items: [sword] }, 'the seller');
    await assertHolds(stage.server, buyer, { fungibles: { ore: 4 } }, 'the buyer');

    await page.press('place-log');
    await page.get('entry-reverse').first().filter({ hasText: 'the sword was stolen' }).waitFor();
    await page.get('entry-freeze').first().filter({ hasText: `Froze ${name}` }).waitFor();
    for (const title of ['Trade', name]) {
      await page.page.goBack();
      await page.get('view-title').filter({ hasText: title }).waitFor();
    }
    await page.reads('count-gold', '30');
    await page.get('items').getByTestId(`item-${sword}`).click();
    await page.get('history').locator('li').nth(2).waitFor();
    const steps = await page.get('history').locator('li').allInnerTexts();
    assert.deepEqual(steps.map((step) => step.split('\n')[0]), [`Made for ${name}`, `${name} gave it to Rowan Ash`, `Rowan Ash gave it to ${name}`]);
    await assertAuditGreen(stage.server);
    await done(page);
  });

  it('[OP4] says what stands in the way of a reversal, and moves nothing', async () => {
    const { seller, buyer, sword, transactionId } = await sale();
    const third = await enter('Cleo Marr');
    const page = await visit(`#trade/${transactionId}`);
    await page.press('reverse');
    // It goes on while support reads what would go back.
    await trade(await sitDown(buyer, third), { items: [sword], fungibles: { gold: 5 } }, {});
    await page.sure('asked for by the seller');
    await page.reads('deed-problem', 'An item is not held by the one who gives it. Sword');
    await page.press('deed-cancel');
    await page.reads('obstacles', /Sword .+ moved on or changed after the trade: Cleo Marr holds it now, at version 3\./);
    await page.reads('obstacles', 'Rowan Ash has 15 Gold left; 20 would go back.');
    assert.equal(await page.get('reverse').count(), 0);
    await assertHolds(stage.server, seller, { fungibles: { gold: 10, ore: 3 } });
    await assertHolds(stage.server, third, { fungibles: { gold: 5 }, items: [sword] });
    await done(page);
  });

  it('[OP3] pauses everything with a banner that nobody overlooks, and resumes', async () => {
    const { seller, buyer } = await sale();
    const page = await visit('#trading');
    await page.reads('pauses', 'Nothing: everything is traded.');
    await page.press('pause');
    await page.sure('a dupe is being looked into');
    await page.reads('paused', 'All trading is paused');
    assert.equal(await attempt(await sitDown(seller, buyer), { fungibles: { gold: 1 } }), 'TRADING_PAUSED');
    await page.press('place-log');
    await page.reads('paused', 'a dupe is being looked into');
    await assertAccessible(page.page, 'while trading is paused');
    await page.get('paused').getByRole('link').click();
    await page.press('resume-*');
    await page.sure('nothing was found');
    await page.get('paused').waitFor({ state: 'hidden' });
    assert.equal(await attempt(await sitDown(seller, buyer), { fungibles: { gold: 1 } }), 'settled');
    await page.get('pause-scope').selectOption({ label: 'Gold' });
    await page.press('pause');
    await page.reads('deed-dialog', 'Pause trading of Gold');
    await page.press('deed-cancel');
    await done(page);
  });

  it('[OP2] a freeze is reached and done by keyboard alone, and thawed again', async () => {
    const person = await enter(`Quill ${crypto.randomUUID().slice(0, 8)}`);
    const page = await visit();
    const { keyboard } = page.page;
    await page.pressByKey('place-find');
    await page.tabTo('find-player');
    await keyboard.type(person.id);
    await keyboard.press('Enter');
    await page.get(`found-${person.id}`).waitFor();
    await page.pressByKey(`found-${person.id}`);
    await page.get('freeze').waitFor();
    assert.equal(await page.hasFocus(page.get('view-title')), true, 'a new view takes the focus');
    await page.pressByKey('freeze');
    assert.equal(await page.hasFocus(page.get('deed-reason')), true, 'the reason takes the focus');
    await keyboard.type('asked by keyboard');
    await page.pressByKey('deed-sure');
    await page.get('frozen').waitFor();
    assert.equal((await ops(stage.server).file(person.id)).frozen, true);
    await page.pressByKey('thaw');
    await keyboard.press('Escape');
    await page.get('deed-dialog').waitFor({ state: 'detached' });
    assert.equal((await ops(stage.server).file(person.id)).frozen, true, 'Esc does nothing');
    await page.pressByKey('thaw');
    await keyboard.type('asked by keyboard again');
    await page.pressByKey('deed-sure');
    await page.get('freeze').waitFor();
    await done(page);
  });

  // Guards the command id that is kept until there is an answer, over a reload too.
  it('[OP1] a deed whose answer was lost happens once, when it is asked for again', async () => {
    const person = await enter('Wren Sable');
    const page = await visit(`#player/${person.id}`);
    const loseAnswer = async (route: Route) => {
      await route.fetch();
      await route.abort();
    };
    await page.page.route('**/freeze', loseAnswer, { times: 2 });
    await page.press('freeze');
    await page.sure('looked at twice');
    await page.reads('deed-problem', 'The server did not answer');
    await page.press('deed-sure');
    await page.reads('deed-problem', 'The server did not answer');
    // As one sees it who did not look since, and so asks for the same deed.
    await page.page.route(`**/players/${person.id}`, async (route) => route.fulfill({ json: { ...(await ops(stage.server).file(person.id)), frozen: false } }), { times: 1 });
    await page.page.reload();
    await page.press('freeze');
    assert.equal(await page.get('deed-reason').inputValue(), 'looked at twice');
    await page.press('deed-sure');
    await page.get('frozen').waitFor();
    assert.equal((await ops(stage.server).entries()).filter(({ target }) => target === person.id).length, 1);
    await done(page);
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`[OP5] keeps nobody out, ${colorScheme}, and fits a phone`, async () => {
      const { seller, sword, transactionId } = await sale();
      for (const viewport of [DESKTOP, PHONE]) {
        const page = await visit('', { viewport, colorScheme });
        await page.get('chart-summary').nth(CHARTS - 1).waitFor({ state: 'attached' });
        await fits('the overview');
        for (const [view, ready] of [[`player/${seller.id}`, 'deeds'], [`trade/${transactionId}`, 'reversal'], [`item/${sword}`, 'history'], ['find/mara', 'results'], ['trading', 'pauses'], ['log', 'log']] as const) {
          await page.page.evaluate(`location.hash = '${view}'`);
          await page.get(ready).waitFor();
          await fits(view);
        }
        await page.page.goto(`${stage.server.url}/ops#trade/${transactionId}`);
        await page.press('reverse');
        await fits('the dialog');
        await done(page);

        async function fits(what: string): Promise<void> {
          assert.equal(await page.page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth'), true, `${what} is as wide as the screen of ${viewport.width}`);
          await assertAccessible(page.page, `${what}, ${colorScheme}, ${viewport.width} wide`);
        }
      }
    });
  }
});
