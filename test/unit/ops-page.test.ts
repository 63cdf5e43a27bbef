import assert from 'node:assert/strict';
import type { ItemId, PlayerId } from '../../schema/ids.ts';
import { OpsRefused, NoAnswer } from '../../web/ops/ask.ts';
import { bytesText, delayText, numberText, rateText, shareText, spanText } from '../../web/ops/figures.ts';
import { bridged, firstKnown, lineSummary } from '../../web/ops/overview/chart-list.ts';
import { RateWindow } from '../../web/ops/rates.ts';
import { hashOf, routeOf } from '../../web/ops/route.ts';
import { failureText } from '../../web/ops/words.ts';

const [ANN, BEN, SWORD] = ['0198c1f0-aaaa-7000-8000-000000000001', '0198c1f0-aaaa-7000-8000-000000000002', '0198c1f0-aaaa-7000-8000-0000000000ff'] as const;
const START = 1_000_000_000;
const [MINUTE, HOUR, DAY] = [60_000, 3_600_000, 86_400_000] as const;

/** What a process that began long ago says. */
function sample({ id = 'a', at, refused = 0, movements = 0, startedAt = START - DAY }: { id?: string; at: number; refused?: number; movements?: number; startedAt?: number }) {
  const totals = { trades: { settled: movements }, refusals: { INSUFFICIENT: refused }, movements, commits: movements / 2, queueWaitSeconds: movements / 1000, commitSeconds: movements / 256, cacheHits: movements * 3, cacheReads: movements * 4 };
  return { processId: id, startedAt, at: START + at, totals };
}

describe('web: what the operations page says', () => {
  it('has an address for each view, and a first view for what is none', () => {
    for (const hash of ['#overview', '#find', '#find/a%2Fb%20c', `#player/${ANN}`, `#item/${SWORD}`, `#trade/${ANN}`, '#trading', '#log']) assert.equal(hashOf(routeOf(hash)), hash);
    assert.deepEqual(routeOf('#find/a%2Fb%20c'), { view: 'find', text: 'a/b c' });
    assert.deepEqual(routeOf(`#player/${ANN.toUpperCase()}`), { view: 'player', id: ANN });
    for (const hash of ['', '#', '#else', '#overview/1']) assert.deepEqual(routeOf(hash), { view: 'overview' });
    for (const hash of ['#player/', '#item/1', '#trade/../x']) assert.deepEqual(routeOf(hash), { view: 'find', text: '' });
    assert.deepEqual(routeOf('#find/%zz'), { view: 'find', text: '%zz' });
  });

  it('makes rates of totals, over all processes, once each was heard of twice', () => {
    const window = new RateWindow();
    assert.equal(window.add([sample({ at: 0 }), sample({ id: 'b', at: 0 })]), undefined);
    assert.equal(window.add([sample({ at: 5_000, movements: 20 }), sample({ id: 'b', at: 0 })]), undefined);
    const rates = window.add([sample({ at: 10_000, movements: 40, refused: 5 }), sample({ id: 'b', at: 10_000, movements: 20 })]);
    assert.deepEqual(rates, { tradesPerSecond: 6, refusalsPerSecond: { INSUFFICIENT: 0.5 }, batchSize: 2, queueWaitMs: 1, commitMs: 7.8125, cacheHits: 0.75 });
  });

  it('looks a minute back, takes nothing twice, and counts who is new from its beginning', () => {
    const window = new RateWindow();
    for (let at = 0; at <= 200_000; at += 10_000) window.add([sample({ at, movements: at < 120_000 ? 0 : (at - 120_000) / 1000 })]);
    assert.equal(window.add([sample({ at: 200_000, movements: 80 })])?.tradesPerSecond, 1, 'what came before the minute does not count');
    assert.equal(window.add([sample({ at: 190_000, movements: 70 })])?.tradesPerSecond, 1, 'an older word changes nothing');
    assert.equal(window.add([sample({ id: 'c', at: 210_000, startedAt: START + 200_000, movements: 30 })])?.tradesPerSecond, 3, 'who is gone is left out');
  });

  it('sums a line up in words, and leaves out where it says nothing', () => {
    const line = { label: 'trades', values: [null, null, 1, 4, null], text: rateText };
    assert.equal(lineSummary(line, [0, 1, 2, 3, 4], (at) => `moment ${at}`), 'trades: now 4/s, at most 4/s at moment 3, on average 2.5/s');
    assert.equal(lineSummary({ ...line, values: [null] }, [0], String), 'trades: nothing yet');
    assert.deepEqual(bridged([null, 1, null, null, 2, null, null, null, 3, null]), [null, 1, undefined, undefined, 2, null, null, null, 3, null]);
    const late = Array.from({ length: 100 }, (_, place) => (place < 20 ? null : 1));
    assert.equal(firstKnown([{ ...line, values: late }]), 20);
    assert.equal(firstKnown([{ ...line, values: late.map((_, place) => (place < 95 ? null : 1)) }]), 70, 'five minutes at least');
    assert.equal(firstKnown([]), 0);
  });

  it('says a refusal in words, with all that is in its details', () => {
    const refused = (code: 'NOT_OWNER' | 'BAD_REQUEST' | 'INTERNAL', details: object) => new OpsRefused({ code, details: { ...details }, ref: 'r-1' });
    const obstacles = [
      { code: 'NOT_OWNER', item: SWORD as string as ItemId, kind: 'sword', holder: BEN as string as PlayerId, version: 3 },
      { code: 'NOT_OWNER', item: SWORD, kind: null, holder: null, version: null },
      { code: 'ITEM_BOUND', item: SWORD, kind: 'sword', holder: ANN },
      { code: 'INSUFFICIENT', asset: 'gold', holder: ANN, held: 5, needed: 1_000 },
    ];
    assert.equal(failureText(refused('NOT_OWNER', { obstacles }), { [ANN]: 'Ann' }), [
      'An item is not held by the one who gives it.',
      'sword 0198…0000ff moved on or changed after the trade: guild bank 0198…000002 holds it now, at version 3.',
      'The item 0198…0000ff is gone: it was destroyed after the trade.',
      'sword 0198…0000ff is bound to Ann and cannot leave.',
      'Ann has 5 gold left; 1,000 would go back.',
    ].join(' '));
    assert.equal(failureText(refused('BAD_REQUEST', { issues: [{ path: 'reason', message: 'Too small' }] })), 'The request is malformed. Reason: Too small.');
    assert.equal(failureText(refused('INTERNAL', {})), 'Something broke on our side. The log has it under r-1.');
    assert.equal(failureText(new NoAnswer()), 'The server did not answer.');
  });

  it('shows figures with the digits that count, and a dash for what is not known', () => {
    assert.deepEqual([0, 3, 1234, 0.126, 12.34, 123.4].map(numberText), ['0', '3', '1,234', '0.13', '12.3', '123']);
    assert.deepEqual([numberText(null), rateText(undefined), delayText(Number.NaN), shareText(null)], ['–', '–', '–', '–']);
    assert.deepEqual([delayText(0.5), delayText(1500), shareText(0.996), rateText(2.5)], ['0.5 ms', '1.5 s', '100 %', '2.5/s']);
    assert.deepEqual([bytesText(9 * 1024 ** 2), bytesText(1.5 * 1024 ** 3)], ['9 MiB', '1.5 GiB']);
    assert.deepEqual([3 * DAY + 4 * HOUR, 4 * HOUR + 12 * MINUTE, 12 * MINUTE, 40_000, -5].map(spanText), ['3 d 4 h', '4 h 12 min', '12 min', '40 s', '0 s']);
  });
});
