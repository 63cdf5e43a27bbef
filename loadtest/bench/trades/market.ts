import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import { faultPoints } from '../../../persistence/index.ts';
import type { Holdings } from '../../../schema/holdings.ts';
import type { CommandId, ItemId, PlayerId, TradeId } from '../../../schema/ids.ts';
import { loadCatalog } from '../../../server/catalog/index.ts';
import { createFeatures, type Features } from '../../../server/features.ts';
import { Metrics } from '../../../server/telemetry/index.ts';
import { Trade } from '../../../server/trading/index.ts';
import { populate, type Economy } from '../kit/economy.ts';
import { ASSETS, pick, seededRandom, type Random } from '../kit/holdings.ts';
import type { More } from '../kit/rate.ts';

export const PLAYERS = 10_000;
export const ITEMS = 20;
const CATALOG = path.resolve(import.meta.dirname, '../../../catalog.yaml');
/** What a session has that was never displaced. */
const SESSION = { epoch: 0 };

/** The trading feature over an economy, with every inventory in its cache, as of players who are online. */
export class Market {
  readonly economy: Economy;
  readonly players: readonly PlayerId[];
  readonly #features: Pick<Features, 'inventory' | 'trading'>;
  readonly #busy = new Set<PlayerId>();

  private constructor(economy: Economy, players: readonly PlayerId[], features: Pick<Features, 'inventory' | 'trading'>) {
    this.economy = economy;
    this.players = players;
    this.#features = features;
  }

  static async open(economy: Economy): Promise<Market> {
    const players = await populate(economy, { players: PLAYERS, itemsEach: ITEMS + ASSETS.length, random: seededRandom(5) });
    const features = createFeatures({
      storage: economy.storage,
      catalog: loadCatalog(CATALOG),
      metrics: new Metrics(),
      limits: { inventoryCacheMax: PLAYERS * 2, inventoryCacheTtlMs: 3_600_000 },
      reach: faultPoints(undefined),
    });
    const market = new Market(economy, players, features);
    await market.goods();
    return market;
  }

  /** What everybody has, by the feature's own view. */
  async goods(): Promise<Map<PlayerId, Holdings>> {
    return new Map(await Promise.all(this.players.map(async (player) => [player, await this.#features.inventory.get(player)] as const)));
  }

  /** So many at a time, between players of whom none is in two trades at once. @returns how long each took, in milliseconds */
  async run(inFlight: number, more: More, random: Random): Promise<number[]> {
    const tookMs: number[] = [];
    const worker = async () => {
      while (more()) {
        const pair: [PlayerId, PlayerId] = [this.#take(random), this.#take(random)];
        const began = performance.now();
        if (await this.trade(pair, random)) tookMs.push(performance.now() - began);
        for (const player of pair) this.#busy.delete(player);
      }
    };
    await Promise.all(Array.from({ length: inFlight }, worker));
    return tookMs;
  }

  /**
   * A whole trade of any item against any other and one gold: two offers, two acceptances, settled.
   * @returns false when one of them has nothing to give. @throws {Refusal} what the feature refuses
   */
  async trade([a, b]: readonly [PlayerId, PlayerId], random: Random): Promise<boolean> {
    const { inventory, trading } = this.#features;
    const [mine, theirs] = await Promise.all([inventory.get(a), inventory.get(b)]);
    if (mine.items.length === 0 || theirs.items.length === 0 || (mine.fungibles['gold'] ?? 0) < 1) return false;
    return await this.#tradeItems(new Trade(uuidv7() as TradeId, [a, b], trading), pick(random, mine.items).id, pick(random, theirs.items).id);
  }

  async #tradeItems(trade: Trade, given: ItemId, taken: ItemId): Promise<boolean> {
    const [a, b] = trade.window.players;
    trade.seat(a, SESSION);
    trade.seat(b, SESSION);
    await trade.offer(a, { items: [given], fungibles: { gold: 1 } });
    const { revision } = await trade.offer(b, { items: [taken], fungibles: {} });
    await trade.accept(a, { commandId: randomUUID() as CommandId, revision });
    return (await trade.accept(b, { commandId: randomUUID() as CommandId, revision })).status === 'settled';
  }

  #take(random: Random): PlayerId {
    for (;;) {
      const player = pick(random, this.players);
      if (this.#busy.has(player)) continue;
      this.#busy.add(player);
      return player;
    }
  }
}
