import assert from 'node:assert/strict';
import { hueOf } from '../../web/src/player-hue.ts';
import { PlayerPage } from './pages.ts';
import { setStage } from './stage.ts';

const WATCHED_MS = 2_500;
/** As the page draws it at this size, in pixels a second. */
const SPEED_MAX = 180 * 1.3;
/** So slow that a jump from patch to patch is told from a step, also where few pictures are drawn. */
const PATCH_INTERVAL_MS = '100';
/** Colours that are told apart for sure. */
const HUES_APART = 40;

interface Sight {
  atMs: number;
  y: number;
}

/** Where somebody's figure is in each picture that the page draws, by the colour of their coat. */
async function watch({ page }: PlayerPage, playerId: string, forMs: number): Promise<Sight[]> {
  return await page.getByTestId('zone').evaluate((zone, { hue, ms }) => new Promise<Sight[]>((resolve) => {
    const view = zone.ownerDocument.defaultView;
    const copy = Object.assign(zone.ownerDocument.createElement('canvas'), { width: 160, height: zone.height });
    const context = copy.getContext('2d', { willReadFrequently: true });
    context.fillStyle = `hsl(${hue} 42% 44%)`;
    context.fillRect(0, 0, 1, 1);
    const [red = 0, green = 0, blue = 0]: number[] = context.getImageData(0, 0, 1, 1).data;
    const sights: Sight[] = [];
    const beganMs = performance.now();
    function look(atMs: number): void {
      context.drawImage(zone, -(zone.width - copy.width) / 2, 0);
      const data: Uint8ClampedArray = context.getImageData(0, 0, copy.width, copy.height).data;
      let [sum, count] = [0, 0];
      for (let at = 0; at < data.length; at += 4) {
        if (Math.abs(data[at]! - red) + Math.abs(data[at + 1]! - green) + Math.abs(data[at + 2]! - blue) > 9) continue;
        sum += Math.floor(at / 4 / copy.width);
        count++;
      }
      if (count > 20) sights.push({ atMs, y: sum / count });
      if (atMs - beganMs < ms) view.requestAnimationFrame(look);
      else resolve(sights);
    }
    view.requestAnimationFrame(look);
  }), { hue: hueOf(playerId), ms: forMs });
}

describe('browser: others in the zone', function () {
  this.timeout(240_000);
  const stage = setStage({ PATCH_INTERVAL_MS });

  async function comeIn(): Promise<{ player: PlayerPage; id: string }> {
    const player = await PlayerPage.open(stage.browser, stage.server.url);
    return { player, id: await player.playAsGuest() };
  }

  /** Guards the interpolation: drawn where the last patch had them, walkers jump ten times a second. */
  it('are seen walking, step by step, and not jumping from patch to patch', async () => {
    const [ann, bob] = [await comeIn(), await comeIn()];
    const others = [ann];
    // Whoever wears the watcher's colour waits behind.
    while (Math.abs(((hueOf(others.at(-1)!.id) - hueOf(bob.id) + 540) % 360) - 180) < HUES_APART) others.push(await comeIn());
    const walker = others.at(-1)!;
    await bob.player.get(`trade-with-${walker.id}`).waitFor();
    const watching = watch(bob.player, walker.id, WATCHED_MS);
    await walker.player.page.keyboard.down('ArrowUp');
    const sights = await watching;
    await walker.player.page.keyboard.up('ArrowUp');

    const steps = sights.slice(1).map(({ atMs, y }, at) => ({ px: Math.abs(y - sights[at]!.y), ms: atMs - sights[at]!.atMs })).filter(({ px }) => px > 0.5);
    const way = Math.max(...sights.map(({ y }) => y)) - Math.min(...sights.map(({ y }) => y));
    const jumps = steps.filter(({ px, ms }) => px > 2 + (1.5 * SPEED_MAX * ms) / 1000);
    const [walked, jumped] = [steps, jumps].map((some) => some.reduce((sum, { px }) => sum + px, 0)) as [number, number];
    assert.ok(way > 100, `walked ${way} pixels in ${sights.length} pictures`);
    // Nearly all of it, where nothing is interpolated.
    assert.ok(jumped < 0.4 * walked, `${Math.round(jumped)} of ${Math.round(walked)} pixels are jumps: ${JSON.stringify(jumps)}`);
    await Promise.all([bob, ...others].map(({ player }) => player.close()));
  });
});
