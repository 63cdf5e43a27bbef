import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Holdings, Item } from '../../schema/holdings.ts';
import type { ItemId, PlayerId } from '../../schema/ids.ts';
import { applyDelta, diffHoldings, planDelta } from '../../schema/inventory-delta.ts';

const HOLDER = 'holder' as PlayerId;
const ASSETS = ['gold', 'ore', 'coal', 'wood'];
const ITEMS = ['a', 'b', 'c', 'd', 'e'] as ItemId[];

/** What an item is at a version: the version says all, as it does in the database. */
const itemAt = (id: ItemId, version: number): Item => ({ id, kind: 'sword', version, bound: false, attributes: { edge: version } });

const holdings: fc.Arbitrary<Holdings> = fc.record({
  version: fc.nat(),
  fungibles: fc.dictionary(fc.constantFrom(...ASSETS), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), { noNullPrototype: true }),
  items: fc.uniqueArray(fc.tuple(fc.constantFrom(...ITEMS), fc.integer({ min: 1, max: 3 })), { selector: ([id]) => id }).map((pairs) => pairs.map(([id, version]) => itemAt(id, version))),
});

/** The order of items carries no meaning. */
const ordered = (held: Holdings): Holdings => ({ ...held, items: held.items.toSorted((a, b) => (a.id < b.id ? -1 : 1)) });

describe('inventory deltas', () => {
  // Guards both halves: without `removed`, or with relative values in `set`, some pair of states does not arrive.
  it('[DS1] applied to the one state give the other', () => {
    fc.assert(
      fc.property(holdings, holdings, (before, after) => {
        assert.deepEqual(ordered(applyDelta(before, diffHoldings(HOLDER, before, after))), ordered(after));
      }),
    );
  });

  it('[DS1] hold absolute values, so that applying one twice changes nothing more', () => {
    fc.assert(
      fc.property(holdings, holdings, (before, after) => {
        const delta = diffHoldings(HOLDER, before, after);
        const once = applyDelta(before, delta);
        assert.deepEqual(ordered(applyDelta(once, delta)), ordered(once));
        for (const [asset, count] of Object.entries(delta.set.fungibles)) assert.equal(count, after.fungibles[asset]);
      }),
    );
  });

  it('[DS1] name what changed and nothing else, each thing once', () => {
    fc.assert(
      fc.property(holdings, holdings, (before, after) => {
        const { set, removed } = diffHoldings(HOLDER, before, after);
        const names = [...Object.keys(set.fungibles), ...removed.fungibles];
        const ids = [...set.items.map(({ id }) => id), ...removed.items];
        assert.deepEqual(names.toSorted(), ASSETS.filter((asset) => before.fungibles[asset] !== after.fungibles[asset]).toSorted());
        const at = (held: Holdings, id: ItemId) => held.items.find((item) => item.id === id)?.version;
        assert.deepEqual(ids.toSorted(), ITEMS.filter((id) => at(before, id) !== at(after, id)));
      }),
    );
    const still = diffHoldings(HOLDER, { version: 1, fungibles: { gold: 5 }, items: [itemAt(ITEMS[0]!, 1)] }, { version: 2, fungibles: { gold: 5 }, items: [itemAt(ITEMS[0]!, 1)] });
    assert.deepEqual(still, { holderId: HOLDER, version: 2, set: { fungibles: {}, items: [] }, removed: { fungibles: [], items: [] } });
  });

  it('[DS1] leave the states that they were made of as they were', () => {
    const freeze = (held: Holdings): Holdings => ({ ...held, fungibles: Object.freeze(held.fungibles), items: Object.freeze(held.items) as Item[] });
    fc.assert(fc.property(holdings.map(freeze), holdings.map(freeze), (before, after) => void applyDelta(before, diffHoldings(HOLDER, before, after))));
  });

  it('[DS2] are applied when next, dropped when not newer, and a gap is a reload', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (held, incoming) => {
        const expected = incoming <= held ? 'drop' : incoming === held + 1 ? 'apply' : 'resync';
        assert.equal(planDelta(held, incoming), expected);
      }),
    );
    assert.deepEqual([planDelta(5, 4), planDelta(5, 5), planDelta(5, 6), planDelta(5, 7)], ['drop', 'drop', 'apply', 'resync']);
  });

  // Guards `planDelta` against every loss, repeat and change of order that a bus may do.
  it('[DS2] bring a holder to the last state however the bus loses, repeats and reorders them', () => {
    const history = fc.array(holdings, { minLength: 2, maxLength: 8 }).map((states) => states.map((state, version) => ({ ...state, version })));
    const journey = history.chain((states) => fc.tuple(fc.constant(states), fc.array(fc.integer({ min: 1, max: states.length - 1 }), { maxLength: 20 })));
    fc.assert(
      fc.property(journey, ([states, arrivals]) => {
        let held = states[0]!;
        for (const version of [...arrivals, states.length - 1]) {
          const delta = diffHoldings(HOLDER, states[version - 1]!, states[version]!);
          const plan = planDelta(held.version, delta.version);
          // A reload reads the newest state, which may be beyond the delta that caused it.
          if (plan === 'resync') held = states.at(-1)!;
          if (plan === 'apply') held = applyDelta(held, delta);
          assert.deepEqual(ordered(held), ordered(states[held.version]!));
        }
        assert.equal(held.version, states.length - 1);
      }),
    );
  });
});
