import path from 'node:path';
import { faultPoints, newId } from '../../../persistence/index.ts';
import type { Holdings } from '../../../schema/holdings.ts';
import type { ItemId, PlayerId, TradeId } from '../../../schema/ids.ts';
import { invariant } from '../../../schema/invariant.ts';
import { loadCatalog } from '../../../server/catalog/index.ts';
import { createFeatures, type Features } from '../../../server/features.ts';
import { Metrics } from '../../../server/telemetry/index.ts';
import { Trade } from '../../../server/trading/index.ts';
import { newCommandId } from './command-id.ts';
import { populate, type Economy } from './economy.ts';
import { FreePlayers, type Pairs } from './free-players.ts';
import { ASSETS, pick, seededRandom, type Random } from './holdings.ts';
import type { More } from './rate.ts';

export const PLAYERS = 10_000;
export const ITEMS = 20;
/** So much that nobody runs out by giving one at a time. */
const GOLD = 1_000_000;
const CATALOG = path.resolve(import.meta.dirname, '../../../catalog.yaml');
/** What a session has that was never displaced. */
const SESSION = { epoch: 0 };

/** The trading feature over an economy, with every inventory in its cache, as of players who are online. */
export class Market {
  readonly economy: Economy;
  readonly players: readonly PlayerId[];
  readonly #features: Pick<Features, 'inventory' | 'trading'>;
  readonly #free: Pairs;
  /** What each player's client shows: who offers looks there, not at the server. */
  readonly #shown = new Map<PlayerId, ItemId[]>();

  private constructor(economy: Economy, players: readonly PlayerId[], features: Pick<Features, 'inventory' | 'trading'>) {
    this.economy = economy;
    this.players = players;
    this.#features = features;
    this.#free = new FreePlayers(players);
  }

  /** A market of players who have gold and unique items; without any, 10,000 are made. */
  static async open(economy: Economy, among?: readonly PlayerId[]): Promise<Market> {
    const players = among ?? (await populate(economy, { players: PLAYERS, itemsEach: ITEMS + ASSETS.length, random: seededRandom(5), fungibles: { gold: GOLD } }));
    const features = createFeatures({
      storage: economy.storage,
      catalog: loadCatalog(CATALOG),
      metrics: new Metrics(),
      limits: { inventoryCacheMax: players.length * 2, inventoryCacheTtlMs: 3_600_000, tradesOpenMax: 1 },
      reach: faultPoints(undefined),
    });
    const market = new Market(economy, players, features);
    await market.#show();
    return market;
  }

  /** What everybody has, by the feature's own view. */
  async goods(): Promise<Map<PlayerId, Holdings>> {
    return new Map(await Promise.all(this.players.map(async (player) => [player, await this.#features.inventory.get(player)] as const)));
  }

  /** So many at a time, between players of whom none is in two trades at once. @returns how long each took, in milliseconds */
  async run(inFlight: number, more: More, random: Random, pairs = this.#free): Promise<number[]> {
    const tookMs: number[] = [];
    const worker = async () => {
      while (more()) {
        const pair = pairs.pair(random);
        const [mine, theirs] = [this.#shown.get(pair[0]) ?? [], this.#shown.get(pair[1]) ?? []];
        const [at, there] = [Math.floor(random() * mine.length), Math.floor(random() * theirs.length)];
        const items = [mine[at] as ItemId, theirs[there] as ItemId] as const;
        const began = performance.now();
        await this.#settled(pair, items);
        tookMs.push(performance.now() - began);
        [theirs[there], mine[at]] = items;
        pairs.release(pair);
      }
    };
    await Promise.all(Array.from({ length: inFlight }, worker));
    return tookMs;
  }

  /** Somebody else wrote to the databases: all that is known is read again. */
  async readAgain(): Promise<void> {
    this.#features.inventory.refresh(this.players);
    await this.#show();
  }

  /** Any item of each, as the feature sees them now. */
  async anyItems(pair: readonly [PlayerId, PlayerId], random: Random): Promise<[ItemId, ItemId]> {
    const [mine, theirs] = await Promise.all([this.#features.inventory.get(pair[0]), this.#features.inventory.get(pair[1])]);
    return [pick(random, mine.items).id, pick(random, theirs.items).id];
  }

  /** A whole trade: two offers, two acceptances, settled. @throws {Refusal} what the feature refuses */
  async tradeItems([a, b]: readonly [PlayerId, PlayerId], [given, taken]: readonly [ItemId, ItemId]): Promise<void> {
    await this.#settled([a, b], [given, taken]);
    this.#replace(a, given, taken);
    this.#replace(b, taken, given);
  }

  async #settled([a, b]: readonly [PlayerId, PlayerId], [given, taken]: readonly [ItemId, ItemId]): Promise<void> {
    const trade = new Trade(newId<TradeId>(), [a, b], this.#features.trading);
    trade.seat(a, SESSION);
    trade.seat(b, SESSION);
    await trade.offer(a, { items: [given], fungibles: { gold: 1 } });
    const { revision } = await trade.offer(b, { items: [taken], fungibles: {} });
    await trade.accept(a, { commandId: newCommandId(), revision });
    const { status } = await trade.accept(b, { commandId: newCommandId(), revision });
    invariant(status === 'settled', 'the second acceptance settles');
  }

  async #show(): Promise<void> {
    for (const [player, { items }] of await this.goods()) this.#shown.set(player, items.map(({ id }) => id));
  }

  #replace(player: PlayerId, given: ItemId, taken: ItemId): void {
    const shown = this.#shown.get(player) ?? [];
    shown[shown.indexOf(given)] = taken;
  }
}
