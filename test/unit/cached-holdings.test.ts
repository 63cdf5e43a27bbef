import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Holdings, Item } from '../../schema/holdings.ts';
import type { HolderId, ItemId } from '../../schema/ids.ts';
import { applyDelta, diffHoldings } from '../../schema/inventory-delta.ts';
import { CachedHoldings } from '../../server/inventory/index.ts';

const HOLDER = 'holder' as HolderId;
const fungibles = fc.dictionary(fc.constantFrom('gold', 'ore', 'gem'), fc.integer({ min: 1, max: 9 }), { noNullPrototype: true });
const items = fc.uniqueArray(fc.record({ id: fc.constantFrom(...'abcdef'), version: fc.integer({ min: 1, max: 3 }) }), { selector: ({ id }) => id });
const holdings = fc.record({ fungibles, items }).map(
  (held): Holdings => ({ version: 1, fungibles: held.fungibles, items: held.items.map(({ id, version }): Item => ({ id: id as ItemId, version, kind: 'sword', bound: false, attributes: {} })) }),
);
const ordered = (held: Holdings) => ({ ...held, items: held.items.toSorted((a, b) => (a.id < b.id ? -1 : 1)) });

describe('holdings in the cache', () => {
  it('[DS1] changes in place as a delta changes a copy, and what was handed out before stays as it was', () => {
    fc.assert(
      fc.property(holdings, fc.array(holdings, { minLength: 1, maxLength: 4 }), (first, states) => {
        const cached = new CachedHoldings(first);
        let copy = first;
        for (const [at, state] of states.entries()) {
          const before = cached.view();
          const shown = structuredClone(before);
          const delta = diffHoldings(HOLDER, copy, { ...state, version: at + 2 });
          copy = applyDelta(copy, delta);
          cached.apply(delta);
          assert.deepEqual(ordered(cached.view()), ordered(copy));
          assert.deepEqual(before, shown);
          assert.equal(cached.view(), cached.view(), 'the whole is made once per version');
          for (const asset of ['gold', 'ore', 'gem', 'wood']) assert.equal(cached.count(asset), copy.fungibles[asset] ?? 0);
          for (const id of 'abcdefg') assert.deepEqual(cached.item(id as ItemId), copy.items.find((item) => item.id === id));
        }
      }),
    );
  });
});
