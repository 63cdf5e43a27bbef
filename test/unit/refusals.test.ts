import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { SettleRow } from '../../persistence/settle-columns.ts';
import { deny, type Denials } from '../../persistence/settle-outcomes.ts';
import { firstRefusal, Refusal, REFUSALS, type RefusalCode } from '../../schema/refusals.ts';

const CODES = Object.keys(REFUSALS) as RefusalCode[];
const row = (key: string, doc: unknown = {}): SettleRow => ({ ix: 0, holder: null, key, n: 0, doc });

function verdict(...rows: SettleRow[]) {
  const denials: Denials = new Map();
  for (const bad of rows) deny(denials, 0, bad);
  return denials.get(0);
}

describe('refusals', () => {
  // Guards the order of the table: sorting by anything else (the alphabet, say) makes these red.
  it('[RF1] answer the first of the table, in whatever order they were found', () => {
    fc.assert(
      fc.property(fc.subarray(CODES, { minLength: 1 }), fc.infiniteStream(fc.nat()), (held, random) => {
        const found = held.toSorted(() => (random.next().value ?? 0) - 2 ** 30);
        return firstRefusal(found) === held[0];
      }),
    );
    assert.equal(firstRefusal([]), undefined);
  });

  it('[RF1] put who one is before what one asked, and what one asked before what one has', () => {
    const order: RefusalCode[] = ['UNAUTHENTICATED', 'SESSION_REPLACED', 'RATE_LIMITED', 'BAD_REQUEST', 'COMMAND_REUSED', 'UNKNOWN_ASSET', 'UNKNOWN_PLAYER', 'ACCOUNT_FROZEN', 'TRADING_PAUSED', 'NOT_OWNER', 'ITEM_BOUND', 'INSUFFICIENT', 'TRADE_NOT_FOUND', 'TRADE_CLOSED', 'TRADE_STALE'];
    assert.deepEqual(CODES.slice(0, order.length), order);
    assert.equal(CODES.at(-1), 'INTERNAL');
  });

  it('[RF1] of a movement: the first of the table over all shards', () => {
    const rows = [row('INSUFFICIENT', { asset: 'gold' }), row('ITEM_BOUND', { item: 'a' }), row('NOT_OWNER', { item: 'b' })];
    for (const found of [rows, rows.toReversed()]) assert.deepEqual(verdict(...found), { status: 'refused', code: 'NOT_OWNER', details: { item: 'b' } });
  });

  // Guards `stronger`: an answer given before wins over every refusal, and a refusal over what may be read again.
  it('[RF1] of a movement: what it did before wins over all, and what may be read again is last', () => {
    const known = row('KNOWN', { hash: 'ff', answer: 'done', place: 1 });
    for (const found of [[known, row('NOT_OWNER')], [row('NOT_OWNER'), known], [row('STALE'), known]]) {
      assert.deepEqual(verdict(...found), { status: 'known', hash: Buffer.from('ff', 'hex'), answer: 'done', command: 1 });
    }
    for (const found of [[row('STALE', { item: 'a' }), row('INSUFFICIENT')], [row('INSUFFICIENT'), row('STALE', { item: 'a' })]]) assert.equal(verdict(...found)?.status, 'refused');
    assert.deepEqual(verdict(row('STALE', { item: 'a', version: 2 }), row('STALE', { item: 'b', version: 3 })), { status: 'stale', items: [{ item: 'a', version: 2 }, { item: 'b', version: 3 }] });
  });

  it('[RF1] carry their code and details, and a status that says no', () => {
    const refusal = new Refusal('TRADE_STALE', { revision: 3 });
    assert.deepEqual([refusal.code, refusal.details, refusal.message], ['TRADE_STALE', { revision: 3 }, 'TRADE_STALE: The offer changed after you last saw it.']);
    for (const code of CODES) assert.ok(REFUSALS[code].status >= 400 && REFUSALS[code].status < 600, code);
  });
});
