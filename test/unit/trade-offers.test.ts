import assert from 'node:assert/strict';
import type { PlayerId, TradeId } from '../../schema/ids.ts';
import { CachedHoldings, type HoldingsLook } from '../../server/inventory/index.ts';
import { Trade, type TradeDeps } from '../../server/trading/index.ts';

const ANN = crypto.randomUUID() as PlayerId;
const BOB = crypto.randomUUID() as PlayerId;
const held = (gold: number) => new CachedHoldings({ version: 1, fungibles: { gold }, items: [] });
const gold = (quantity: number) => ({ items: [], fungibles: { gold: quantity } });

/** A trade whose cache answers as it is told, and whose database knows of 10 gold. */
function tradeOf(look: () => HoldingsLook | Promise<HoldingsLook>): Trade {
  const inventory = { look, reload: async () => held(10).view(), refresh: () => undefined };
  return new Trade(crypto.randomUUID() as TradeId, [ANN, BOB], { inventory, catalog: { fungible: () => undefined } } as unknown as TradeDeps);
}

describe('offers', () => {
  it('[TR1] that are covered by the cache are shown at once', async () => {
    const trade = tradeOf(() => held(5));
    const offered = trade.offer(ANN, gold(5));
    assert.deepEqual(trade.window.side(ANN).fungibles, { gold: 5 });
    assert.deepEqual(await offered, { revision: 1 });
  });

  it('[TR1] are shown in the order in which they came, whichever waits for a query', async () => {
    const loads = [Promise.withResolvers<HoldingsLook>(), Promise.withResolvers<HoldingsLook>()];
    const looks: (HoldingsLook | Promise<HoldingsLook>)[] = [loads[0]!.promise, held(10), loads[1]!.promise, held(10)];
    const trade = tradeOf(() => looks.shift() ?? assert.fail('nobody looks more often'));
    const [first, second] = [trade.offer(ANN, gold(1)), trade.offer(ANN, gold(2))];
    assert.deepEqual(trade.window.side(ANN).fungibles, {}, 'the second waits for the first');
    loads[0]!.resolve(held(10));
    assert.deepEqual(await Promise.all([first, second]), [{ revision: 1 }, { revision: 2 }]);
    assert.deepEqual(trade.window.side(ANN).fungibles, { gold: 2 });
    // One that fails lets the next one go.
    const [failed, next] = [trade.offer(ANN, gold(3)), trade.offer(ANN, gold(4))];
    loads[1]!.reject(new Error('the database is away'));
    await assert.rejects(failed, /the database is away/);
    assert.deepEqual(await next, { revision: 3 });
    assert.deepEqual(trade.window.side(ANN).fungibles, { gold: 4 });
  });

  it('[TR5] that the cache does not cover are judged by the database', async () => {
    const trade = tradeOf(() => held(1));
    assert.deepEqual(await trade.offer(ANN, gold(10)), { revision: 1 });
    await assert.rejects(trade.offer(ANN, gold(11)), { code: 'INSUFFICIENT' });
    assert.deepEqual(trade.window.side(ANN).fungibles, { gold: 10 });
  });
});
