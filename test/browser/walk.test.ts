import assert from 'node:assert/strict';
import { parseQuantity } from '../../web/src/quantity-text.ts';
import { distance, standBy, Walker } from '../../web/src/walker.ts';
import { interpolate } from '../../web/src/zone-model.ts';

const bounds = { width: 1000, height: 1000 };

/** Walks for a while at 60 pictures a second. @returns what was sent */
function walk(walker: Walker, forMs: number, fromMs = 1000) {
  const sent = [];
  for (let now = fromMs; now < fromMs + forMs; now += 1000 / 60) {
    const news = walker.step(1000 / 60, bounds, now);
    if (news) sent.push(news);
  }
  return sent;
}

describe('web: walking', () => {
  it('stays under the speed limit and sends at most ten times a second', () => {
    const walker = new Walker();
    walker.heed({ x: 500, y: 500 });
    walker.target = { x: 900, y: 500 };
    const sent = walk(walker, 1000);
    assert.ok(sent.length <= 11, `${sent.length} messages in a second`);
    const walked = distance({ x: 500, y: 500 }, walker.position ?? { x: 0, y: 0 });
    assert.ok(walked > 150 && walked < 200, `${walked} units in a second`);
  });

  it('stops at its target, tells the server of it, and stays inside the zone', () => {
    const walker = new Walker();
    walker.heed({ x: 20, y: 500 });
    walker.target = { x: 40, y: 500 };
    assert.deepEqual(walk(walker, 500).at(-1), { x: 40, y: 500 });
    walker.direction = { x: -1, y: 0 };
    walk(walker, 1000, 5000);
    assert.equal(walker.position?.x, 0);
  });

  it('takes the word of the server when it is far away, and glides there when it stands', () => {
    const walker = new Walker();
    walker.heed({ x: 500, y: 500 });
    walker.heed({ x: 100, y: 100 });
    assert.deepEqual(walker.position, { x: 100, y: 100 });
    walker.heed({ x: 130, y: 100 });
    walk(walker, 4000);
    assert.ok(distance(walker.position ?? { x: 0, y: 0 }, { x: 130, y: 100 }) < 2);
  });

  it('stands beside what it wants to touch', () => {
    assert.deepEqual(standBy({ x: 0, y: 0 }, { x: 100, y: 0 }, 30), { x: 70, y: 0 });
    assert.deepEqual(standBy({ x: 90, y: 0 }, { x: 100, y: 0 }, 30), { x: 90, y: 0 });
  });

  it('draws others between the two places around a moment', () => {
    const samples = [{ x: 0, y: 0, atMs: 100 }, { x: 10, y: 20, atMs: 200 }];
    assert.deepEqual(interpolate(samples, 150), { x: 5, y: 10 });
    assert.equal(interpolate(samples, 50), samples[0]);
    assert.equal(interpolate(samples, 900), samples[1]);
    assert.equal(interpolate([], 1), undefined);
  });

  it('reads a typed quantity as a whole number within what is held', () => {
    const typed = ['', '0', '007', '12,5', '-3', 'abc', '999999999999999999999'];
    assert.deepEqual(typed.map((text) => parseQuantity(text, 100)), [0, 0, 7, 100, 3, 0, 100]);
  });
});
