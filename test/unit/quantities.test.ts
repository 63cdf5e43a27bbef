import assert from 'node:assert/strict';
import fc from 'fast-check';
import { CommandId, ItemId, PlayerId, TradeId } from '../../schema/ids.ts';
import { Accept, Offer } from '../../schema/messages/trade.ts';
import { Burn, Grant } from '../../schema/messages/service.ts';
import { AssetName, ATTRIBUTES_BYTES_MAX, Attributes, Fungibles, POSTINGS_MAX, Quantity, QUANTITY_MAX } from '../../schema/quantities.ts';

const id = () => crypto.randomUUID();
const accepts = (schema: { safeParse(value: unknown): { success: boolean } }, value: unknown) => schema.safeParse(value).success;

describe('ids', () => {
  // Guards the `.toLowerCase()` of schema/ids.ts: without it two spellings of one id are two ids.
  it('[ID1] are folded to lower case, in whatever case they came', () => {
    const mixed = fc.tuple(fc.uuid(), fc.array(fc.boolean(), { minLength: 36, maxLength: 36 })).map(([uuid, upper]) => ({
      uuid,
      typed: [...uuid].map((letter, at) => (upper[at] ? letter.toUpperCase() : letter)).join(''),
    }));
    fc.assert(
      fc.property(mixed, ({ uuid, typed }) => {
        for (const schema of [PlayerId, ItemId, CommandId, TradeId]) assert.equal(schema.parse(typed), uuid);
      }),
    );
  });

  it('[ID1] are UUIDs and nothing else', () => {
    for (const wrong of ['', 'x', '0', id().slice(1), `${id()} `, `{${id()}}`, id().replaceAll('-', ''), 7, null, undefined, [id()], { id: id() }]) {
      assert.equal(accepts(PlayerId, wrong), false, JSON.stringify(wrong));
    }
    fc.assert(fc.property(fc.string(), (text) => accepts(ItemId, text) === /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(text)));
  });

  it('[ID1] cannot be named twice in one request by spelling one of them otherwise', () => {
    const item = id();
    const twice = { items: [item, item.toUpperCase()], fungibles: {} };
    assert.equal(accepts(Offer, twice), false);
    assert.equal(accepts(Burn, { ...twice, commandId: id(), playerId: id() }), false);
  });
});

describe('quantities', () => {
  it('[QU1] are whole numbers from 1 to 2^53 − 1', () => {
    for (const right of [1, 2, 2 ** 31, 2 ** 32, 2 ** 53 - 1]) assert.ok(accepts(Quantity, right), String(right));
    fc.assert(fc.property(fc.integer({ min: 1, max: QUANTITY_MAX }), (count) => accepts(Quantity, count)));
    fc.assert(fc.property(fc.double(), (number) => accepts(Quantity, number) === (Number.isSafeInteger(number) && number >= 1)));
  });

  // Guards `.min(1)`, `.max(…)` and `int` of Quantity: each wrong value is let in by one of them when it is taken out.
  it('[QU1] are refused below, between and beyond, and as a numeral in quotes', () => {
    for (const wrong of [0, -0, -1, -5, 0.5, 1.5, 2 ** 53, 2 ** 53 + 2, 2 ** 63, 1e308, NaN, Infinity, -Infinity, '5', '', null, undefined, true, 5n, [5], {}]) {
      assert.equal(accepts(Quantity, wrong), false, String(wrong));
      if (typeof wrong === 'bigint' || wrong === undefined) continue;
      assert.equal(accepts(Offer, { items: [], fungibles: { gold: wrong } }), false, String(wrong));
      assert.equal(accepts(Grant, { commandId: id(), playerId: id(), fungibles: { gold: wrong } }), false, String(wrong));
    }
  });

  it('[QU1] stand under catalogue names, at most 100 of them', () => {
    const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`asset_${at}`, 1]));
    assert.ok(accepts(Fungibles, many(POSTINGS_MAX)));
    assert.equal(accepts(Fungibles, many(POSTINGS_MAX + 1)), false);
    for (const name of ['', 'Gold', '1gold', 'a b', 'gold;', 'ä', 'x'.repeat(33)]) {
      assert.equal(accepts(Fungibles, { [name]: 1 }), false, name);
    }
    const sly = Fungibles.parse(JSON.parse('{ "__proto__": { "gold": 5 } }'));
    assert.deepEqual([Object.keys(sly), sly['gold']], [[], undefined]);
  });

  // Guards the refinement of AssetName: `holdings.fungibles['constructor']` is a function, whatever is held.
  it('[QU1] stand under no name that every object of the language has', () => {
    for (const name of Object.getOwnPropertyNames(Object.prototype)) assert.equal(accepts(AssetName, name), false, name);
  });

  it('[QU1] bound the attributes of an item: 4 KB of JSON, and no NUL, which PostgreSQL has not', () => {
    const ofBytes = (bytes: number) => ({ a: 'x'.repeat(bytes - '{"a":""}'.length) });
    assert.ok(accepts(Attributes, ofBytes(ATTRIBUTES_BYTES_MAX)));
    assert.equal(accepts(Attributes, ofBytes(ATTRIBUTES_BYTES_MAX + 1)), false);
    assert.equal(accepts(Attributes, { a: 'é'.repeat(ATTRIBUTES_BYTES_MAX / 2) }), false, 'bytes are counted, not letters');
    for (const wrong of [{ a: '\u0000' }, { 'a\u0000': 1 }, { a: { b: ['\u0000'] } }, { a: undefined }, { a: NaN }, { a: 5n }, [], null, 'a']) assert.equal(accepts(Attributes, wrong), false);
  });

  it('[QU1] leave a request that names a thing too much, too little or unknown refused', () => {
    const body = { commandId: id(), playerId: id(), fungibles: { gold: 1 } };
    assert.ok(accepts(Grant, body));
    assert.equal(accepts(Grant, { ...body, fungibles: {} }), false, 'nothing to grant');
    assert.equal(accepts(Grant, { ...body, admin: true }), false, 'an unknown field');
    assert.equal(accepts(Burn, { ...body, items: Array.from({ length: POSTINGS_MAX + 1 }, id) }), false, 'too many items');
    assert.equal(accepts(Offer, { items: [], fungibles: {}, playerId: id() }), false, 'whose side it is, is not the client\'s to say');
    for (const revision of [-1, 0.5, '0', 2 ** 32, NaN]) assert.equal(accepts(Accept, { commandId: id(), revision }), false, String(revision));
  });
});
