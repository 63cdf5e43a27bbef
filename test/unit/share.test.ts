import assert from 'node:assert/strict';
import { PARTS, wantedOf } from '../share.ts';

const SCENARIOS = Array.from({ length: 4 }, (_, nth) => `dupe ${nth}: nothing is there twice`);
const CONTROLS = Array.from({ length: 30 }, (_, nth) => `dupe ${nth} goes red without its guard`);
const runsOf = (file: string) => Array.from({ length: PARTS }, (_, part) => [...SCENARIOS, ...CONTROLS].filter(wantedOf(file, part)));

describe('the parts of the tests', () => {
  for (const name of ['integration/audit', 'unit/world', 'multi-process/leases', 'multi-process/power-cuts', 'multi-process/mutations', 'browser/trade.browser', 'browser/first-trade.browser', 'sim/faults']) {
    it(`are all of ${name}, each control in one of them`, () => {
      const runs = runsOf(`/somewhere/test/${name}.test.ts`);
      assert.deepEqual(new Set(runs.flat()), new Set([...SCENARIOS, ...CONTROLS]));
      for (const control of CONTROLS) assert.equal(runs.filter((done) => done.includes(control)).length, 1, control);
    });
  }

  it('have every scenario of a file that is short, and one in three of those that take long', () => {
    const timesOf = (file: string) => SCENARIOS.map((scenario) => runsOf(file).filter((done) => done.includes(scenario)).length);
    assert.deepEqual(timesOf('/test/integration/audit.test.ts'), SCENARIOS.map(() => PARTS));
    assert.deepEqual(timesOf('/test/multi-process/mutations.test.ts'), SCENARIOS.map(() => PARTS));
    assert.deepEqual(timesOf('/test/multi-process/leases.test.ts'), SCENARIOS.map(() => PARTS / 3));
  });
});
