import assert from 'node:assert/strict';
import fc from 'fast-check';
import { RenewedMap } from '../../server/ledger/renewed-map.ts';

const KEYS = 40;

describe('a map that is made anew', () => {
  it('has what a Map has, whatever comes and goes, however often it was made anew', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(KEYS - 1), fc.nat()), { minLength: 500, maxLength: 1_000 }), (steps) => {
        const [ours, model] = [new RenewedMap<number, number>(), new Map<number, number>()];
        for (const [comes, key, value] of steps) {
          if (comes) ours.set(key, value);
          else ours.delete(key);
          if (comes) model.set(key, value);
          else model.delete(key);
          assert.equal(ours.get(key), model.get(key));
        }
        for (let key = 0; key < KEYS; key++) assert.equal(ours.get(key), model.get(key));
      }),
      { numRuns: 50 },
    );
  });
});
