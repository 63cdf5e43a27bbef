import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import path from 'node:path';
import type { WebSocket } from 'playwright-core';
import { commandId, service, until } from '../kit/player.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';
import { openGateway } from './gateway.ts';
import { DESKTOP, PHONE, PlayerPage, type PageOptions } from './pages.ts';
import { setStage, type Stage } from './stage.ts';

const SCREENSHOT_BYTES_MAX = 300_000;
/** Fed by nothing in the game, and the first of the catalogue. */
const BOARD = 'arena';

interface Ranked {
  player: PlayerPage;
  id: string;
}

async function guest({ browser, server }: Stage, options: PageOptions, url = server.url): Promise<Ranked> {
  const player = await PlayerPage.open(browser, url, options);
  return { player, id: await player.playAsGuest() };
}

async function submit({ server }: Stage, playerId: string, score: number): Promise<void> {
  const { status, body } = await service(server).call('POST', '/scores', { commandId: commandId(), board: BOARD, playerId, score });
  assert.equal(status, 200, JSON.stringify(body));
}

/** Waits until a row says how its player moved, in the words for those who do not see it. */
async function moved({ page }: PlayerPage, playerId: string, text: string): Promise<void> {
  await page.getByTestId(`board-move-${playerId}`).and(page.getByLabel(text, { exact: true })).waitFor();
}

async function ranked({ page }: PlayerPage, playerId: string, rank: number, score: string): Promise<void> {
  await page.locator(`[data-testid="board-row-${playerId}"][data-rank="${rank}"]`).filter({ hasText: score }).waitFor();
}

/** The connections that a page opens from now on, while they are open. */
function openSockets({ page }: PlayerPage): ReadonlySet<WebSocket> {
  const open = new Set<WebSocket>();
  page.on('websocket', (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
  });
  return open;
}

/** By how much the page and what is in the window are wider than what can be seen of them. */
async function overflows({ page }: PlayerPage): Promise<number[]> {
  return await page.locator('html, [data-testid="board-window"], [data-testid="board-scroll"]').evaluateAll((elements) => elements.map((element) => element.scrollWidth - element.clientWidth));
}

describe('browser: the leaderboards by clicking', function () {
  this.timeout(240_000);
  const stage = setStage();
  const { folder, remove } = temporaryFolder();
  after(remove);

  /** Guards that the window follows the room: what is submitted is seen without pressing anything. */
  it('show scores as they come, who overtakes whom, and who is ranked in a region and in the own guild', async () => {
    const [{ player: ann, id: annId }, { player: bob, id: bobId }] = await Promise.all([guest(stage, { viewport: DESKTOP }), guest(stage, { viewport: DESKTOP })]);
    await submit(stage, annId, 1200);
    await ann.press('board-open');
    await ann.reads('board-title', 'Arena');
    await ann.reads('board-season', 'Season 1');
    await ranked(ann, annId, 1, '1,200');
    await ann.reads(`board-row-${annId}`, 'You');
    await submit(stage, bobId, 1000);
    await ranked(ann, bobId, 2, '1,000');
    await moved(ann, bobId, 'new on the board');

    await bob.press('board-open');
    await ranked(bob, bobId, 2, '1,000');
    await submit(stage, bobId, 1234567);
    await moved(bob, bobId, 'up 1 place');
    await moved(bob, annId, 'down 1 place');
    await moved(ann, annId, 'down 1 place');
    await ann.screenshot(path.join(folder, 'leaderboard-desktop.png'));
    assert.ok(statSync(path.join(folder, 'leaderboard-desktop.png')).size < SCREENSHOT_BYTES_MAX);
    await submit(stage, annId, 1234567);
    await ranked(bob, annId, 1, '1,234,567');
    await ranked(bob, bobId, 1, '1,234,567');

    await bob.press('board-scope-eu');
    await ranked(bob, annId, 1, '1,234,567');
    await bob.page.keyboard.press('ArrowRight');
    await bob.reads('board-empty', 'Nobody has a score here yet.');
    assert.ok(await bob.hasFocus(bob.get('board-scope-us')));
    assert.equal(await bob.get('board-scope-us').getAttribute('aria-selected'), 'true');

    await ann.press('board-scope-my_guild');
    await ann.reads('board-empty', 'You are in no guild.');
    await ann.press('board-close');
    await ann.press('guild-open');
    await ann.get('guild-name').fill('Table Toppers');
    await ann.get('guild-tag').fill('TOP');
    await ann.press('guild-create');
    await ann.get('guild-hall').waitFor();
    await ann.press('guild-close');
    await ann.press('board-open');
    await ranked(ann, annId, 1, '1,234,567');
    assert.equal(await ann.get('board-scope-my_guild').getAttribute('aria-selected'), 'true');
    assert.equal(await ann.get('board-rows').getByRole('row').count(), 1);
    assert.deepEqual([...ann.errors, ...bob.errors], []);
    await Promise.all([ann.close(), bob.close()]);
  });

  it('fit a phone with the longest name and score, come back after a drop, and hold a connection only while they are open', async () => {
    const gateway = await openGateway(stage.server.port);
    const { player: cleo, id } = await guest(stage, { viewport: PHONE, colorScheme: 'dark' }, gateway.url);
    await cleo.press('account');
    await cleo.get('rename').fill('W'.repeat(24));
    await cleo.press('rename-submit');
    await cleo.reads('player-name', 'W'.repeat(24));
    await cleo.press('account-close');
    const sockets = openSockets(cleo);
    await cleo.page.reload();
    await cleo.playerId();
    await until(() => sockets.size === 2);

    await submit(stage, id, Number.MAX_SAFE_INTEGER - 1);
    await cleo.press('board-open');
    await ranked(cleo, id, 1, '9,007,199,254,740,990');
    assert.equal(sockets.size, 3);
    assert.deepEqual(await overflows(cleo), [0, 0, 0]);
    await cleo.get('board-scope-select').selectOption('EU');
    await ranked(cleo, id, 1, '9,007,199,254,740,990');
    await cleo.get('board-scope-select').selectOption('Asia');
    await cleo.get('board-empty').waitFor();
    await cleo.get('board-tab-select').selectOption('Gatherers of the week');
    await cleo.reads('board-season', /^Season \d+, ends in \d/);
    await cleo.get('board-tab-select').selectOption('Arena');
    await cleo.get('board-scope-select').selectOption('All regions');
    await ranked(cleo, id, 1, '9,007,199,254,740,990');

    gateway.cut();
    await submit(stage, id, Number.MAX_SAFE_INTEGER);
    await ranked(cleo, id, 1, '9,007,199,254,740,991');
    await cleo.screenshot(path.join(folder, 'leaderboard-phone.png'));
    await cleo.press('board-close');
    await until(() => sockets.size === 2);
    assert.deepEqual(cleo.errors, []);
    await cleo.close();
    await gateway.close();
  });
});
