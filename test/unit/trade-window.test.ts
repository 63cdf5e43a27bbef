import assert from 'node:assert/strict';
import fc from 'fast-check';
import { holdersOf } from '../../persistence/index.ts';
import type { Holdings } from '../../schema/holdings.ts';
import type { CommandId, ItemId, PlayerId } from '../../schema/ids.ts';
import { Refusal, type RefusalCode } from '../../schema/refusals.ts';
import { tradePostings } from '../../server/trading/postings.ts';
import { CachedHoldings } from '../../server/inventory/index.ts';
import { judgeOffer } from '../../server/trading/trade.ts';
import { TradeWindow, type OfferedItem } from '../../server/trading/trade-window.ts';

const [ANN, BOB, EVE] = ['ann', 'bob', 'eve'] as [PlayerId, PlayerId, PlayerId];
const commandId = () => crypto.randomUUID() as CommandId;
const item = (id: string, version = 1): OfferedItem => ({ id: id as ItemId, kind: 'sword', version, attributes: {} });
const refused = (code: RefusalCode, details: object = {}) => (error: unknown) => {
  assert.ok(error instanceof Refusal, String(error));
  assert.equal(error.code, code);
  assert.partialDeepStrictEqual(error.details, details);
  return true;
};

describe('the trade window', () => {
  let window: TradeWindow;
  const accept = (player: PlayerId, revision = window.revision) => window.accept(player, revision, commandId());
  beforeEach(() => {
    window = new TradeWindow([ANN, BOB]);
  });

  // Guards `#changed`: an acceptance that outlives an offer is how the switch scam works.
  it('[TR1] takes an offer in place of the former one, raises the revision and clears both acceptances', () => {
    assert.equal(window.offer(ANN, [item('a')], { gold: 5 }), 1);
    accept(ANN);
    assert.equal(window.offer(BOB, [], { ore: 1 }), 2);
    assert.deepEqual(window.side(ANN).acceptedBy, []);
    accept(BOB);
    assert.equal(window.offer(ANN, [], {}), 3);
    assert.deepEqual([window.side(ANN), window.side(BOB)], [{ items: [], fungibles: {}, acceptedBy: [] }, { items: [], fungibles: { ore: 1 }, acceptedBy: [] }]);
    assert.equal(window.offer(ANN, [], {}), 4, 'even an offer of the same is a new one to look at');
  });

  it('[TR2] refuses an acceptance of any revision but the present', () => {
    window.offer(ANN, [], { gold: 5 });
    window.offer(ANN, [], { gold: 1 });
    for (const revision of [0, 1, 3, -1, NaN]) assert.throws(() => accept(BOB, revision), refused('TRADE_STALE', { revision: 2 }));
    assert.deepEqual(window.side(BOB).acceptedBy, []);
  });

  it('[TR2] refuses to accept nothing for nothing', () => {
    assert.throws(() => accept(ANN), refused('BAD_REQUEST'));
    window.offer(BOB, [], { gold: 1 });
    assert.equal(accept(ANN), 'waiting', 'a gift is a trade');
  });

  it('[TR3] settles when both accepted the same revision, and not when one did twice', () => {
    window.offer(ANN, [], { gold: 5 });
    assert.equal(accept(ANN), 'waiting');
    assert.equal(accept(ANN), 'waiting');
    assert.equal(window.phase, 'open');
    assert.equal(accept(BOB), 'both');
    assert.equal(window.phase, 'settling');
    assert.throws(() => accept(BOB), refused('TRADE_CLOSED'));
  });

  // Guards `mustBeOpen` in each of the three: taken out of any of them, the window moves while its goods do.
  it('[TR4] is closed to offers, acceptances and cancels while it settles and afterwards', () => {
    const shut = (phase: string) => {
      assert.throws(() => window.offer(ANN, [], {}), refused('TRADE_CLOSED', { phase }));
      assert.throws(() => accept(ANN), refused('TRADE_CLOSED', { phase }));
      assert.throws(() => window.cancel('cancelled'), refused('TRADE_CLOSED', { phase }));
    };
    window.offer(ANN, [], { gold: 5 });
    accept(ANN);
    accept(BOB);
    shut('settling');
    window.settled();
    shut('settled');
    assert.ok(window.isOver);
    window = new TradeWindow([ANN, BOB]);
    window.cancel('left');
    shut('cancelled');
    assert.equal(window.reason, 'left');
  });

  it('[TR9] opens again after a refused settlement, at a new revision and with nothing accepted', () => {
    window.offer(ANN, [], { gold: 5 });
    accept(ANN);
    accept(BOB);
    window.reopen('INSUFFICIENT');
    assert.deepEqual([window.phase, window.revision, window.reason], ['open', 2, 'INSUFFICIENT']);
    assert.deepEqual([window.side(ANN).acceptedBy, window.side(BOB).acceptedBy], [[], []]);
    assert.throws(() => accept(BOB, 1), refused('TRADE_STALE'));
  });

  it('[TR6] is nobody else\'s, and never one\'s own alone', () => {
    assert.throws(() => new TradeWindow([ANN, ANN]), refused('TRADE_SELF'));
    for (const act of [() => window.side(EVE), () => window.partnerOf(EVE), () => window.offer(EVE, [], {}), () => accept(EVE)]) assert.throws(act, refused('TRADE_NOT_FOUND'));
    assert.deepEqual([window.partnerOf(ANN), window.partnerOf(BOB)], [BOB, ANN]);
  });

  it('[TR7] moves exactly the two offers, each to the other', () => {
    const fungibles = fc.dictionary(fc.constantFrom('gold', 'ore', 'coal'), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), { noNullPrototype: true });
    const side = (prefix: string) => fc.record({ items: fc.uniqueArray(fc.integer({ min: 0, max: 9 })).map((ids) => ids.map((id) => item(`${prefix}${id}`, id + 1))), fungibles });
    fc.assert(
      fc.property(side('a'), side('b'), (ofAnn, ofBob) => {
        const traded = new TradeWindow([ANN, BOB]);
        traded.offer(ANN, ofAnn.items, ofAnn.fungibles);
        traded.offer(BOB, ofBob.items, ofBob.fungibles);
        const postings = tradePostings(traded);
        const expected = [[ANN, BOB, ofAnn] as const, [BOB, ANN, ofBob] as const].flatMap(([giver, receiver, { items, fungibles: counts }]) => [
          ...items.map(({ id, version, kind, attributes }) => ({ item: id, version, content: { kind, attributes, bound: false }, giver, receiver })),
          ...Object.entries(counts).map(([asset, quantity]) => ({ asset, quantity, giver, receiver })),
        ]);
        const text = (list: readonly object[]) => list.map((posting) => JSON.stringify(posting, [...Object.keys(posting), 'kind', 'attributes', 'bound'].toSorted())).toSorted();
        assert.deepEqual(text(postings), text(expected));
        if (postings.length > 0) assert.deepEqual(holdersOf({ reason: '', postings, commands: [] }).toSorted(), [ANN, BOB]);
      }),
    );
  });
});

describe('judging an offer', () => {
  const held: Holdings = {
    version: 1,
    fungibles: { gold: 5 },
    items: [{ ...item('a', 4), bound: false }, { ...item('relic'), bound: true }],
  };
  const judge = (items: string[], fungibles: Record<string, number> = {}) => judgeOffer(new CachedHoldings(held), { items: items as ItemId[], fungibles });

  it('[TR5] lets pass what is held, as it is held', () => {
    assert.deepEqual(judge(['a'], { gold: 5 }), { items: [item('a', 4)] });
    assert.deepEqual(judge([]), { items: [] });
  });

  // Guards each of the three lines of judgeOffer.
  it('[TR5] refuses what is not held, what is bound, and what exceeds the holding', () => {
    assert.deepEqual(judge(['b']), { code: 'NOT_OWNER', details: { item: 'b' } });
    assert.deepEqual(judge(['relic']), { code: 'ITEM_BOUND', details: { item: 'relic' } });
    assert.deepEqual(judge([], { gold: 6 }), { code: 'INSUFFICIENT', details: { asset: 'gold', held: 5, needed: 6 } });
    assert.deepEqual(judge([], { ore: 1 }), { code: 'INSUFFICIENT', details: { asset: 'ore', held: 0, needed: 1 } });
  });

  it('[RF1] by the first of the table where several hold', () => {
    assert.equal(judge(['relic', 'b'], { gold: 6 }).code, 'NOT_OWNER');
    assert.equal(judge(['relic'], { gold: 6 }).code, 'ITEM_BOUND');
  });
});
