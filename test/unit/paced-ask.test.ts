import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { PacedAsk } from '../../web/src/paced-ask.ts';
import { until } from '../kit/player.ts';

/** Asks that take a while, with when each began and how many were under way then. */
function asking({ gapMs, everyMs, takesMs = 10 }: { gapMs: number; everyMs: number; takesMs?: number }) {
  const begun: number[] = [];
  let [underWay, mostUnderWay] = [0, 0];
  const asks = new PacedAsk({
    gapMs, everyMs,
    async ask() {
      begun.push(Date.now());
      mostUnderWay = Math.max(mostUnderWay, ++underWay);
      await delay(takesMs);
      underWay--;
    },
  });
  return { asks, begun, mostUnderWay: () => mostUnderWay };
}

describe('web: a question that is asked again', () => {
  it('is asked at once, one at a time, and once more for all that changed meanwhile', async () => {
    const { asks, begun, mostUnderWay } = asking({ gapMs: 40, everyMs: 60_000 });
    asks.soon();
    await until(() => begun.length === 1);
    for (let change = 0; change < 20; change++) asks.soon();
    await until(() => begun.length === 2);
    await delay(100);
    asks.close();
    assert.equal(begun.length, 2);
    assert.equal(mostUnderWay(), 1);
    assert.ok(begun[1]! - begun[0]! >= 45, `${begun[1]! - begun[0]!} ms apart`);
  });

  it('is asked by itself after a while, and no more once it is closed', async () => {
    const { asks, begun } = asking({ gapMs: 1, everyMs: 20, takesMs: 1 });
    asks.soon();
    await until(() => begun.length === 3);
    asks.close();
    asks.soon();
    await delay(60);
    assert.equal(begun.length, 3);
  });
});
