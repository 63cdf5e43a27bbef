import assert from 'node:assert/strict';
import { setStage } from './stage.ts';

const BYTES_MAX = 200_000;

describe('browser: the first load', function () {
  this.timeout(240_000);
  const stage = setStage();

  /** Guards that the server compresses what it serves: without that, the same files are over 300 KB. */
  it('takes less than 200 KB off the wire until one can play', async function () {
    const context = await stage.browser.newContext();
    const page = await context.newPage();
    const wire = await context.newCDPSession(page);
    let bytes = 0;
    let files = 0;
    wire.on('Network.loadingFinished', ({ encodedDataLength }) => {
      bytes += encodedDataLength;
      files++;
    });
    await wire.send('Network.enable');
    await page.goto(stage.server.url);
    await page.getByTestId('play-now').waitFor();
    await page.waitForLoadState('networkidle');
    this.test!.title += `: ${(bytes / 1000).toFixed(1)} KB in ${files} requests`;
    assert.ok(files >= 3 && bytes > 10_000, `${files} requests with ${bytes} bytes are no page`);
    assert.ok(bytes < BYTES_MAX, `${bytes} bytes in ${files} requests`);
    await context.close();
  });
});
