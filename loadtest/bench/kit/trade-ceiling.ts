import { Pool, type PoolClient } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import type { Holdings } from '../../../schema/holdings.ts';
import type { PlayerId } from '../../../schema/ids.ts';
import { invariant } from '../../../schema/invariant.ts';
import { pick, type Random } from './holdings.ts';
import { ItemView } from './item-view.ts';
import type { More } from './rate.ts';
import { ACT, FILL_BALANCE, FILL_INVENTORY, FILL_ITEM, LOCK, TABLES } from './trade-ceiling-statements.ts';

const CONNECTIONS_MAX = 10;
const BATCH_MAX = 100;

interface HandTrade {
  id: string;
  players: [PlayerId, PlayerId];
  items: [NonNullable<ReturnType<ItemView['any']>>, NonNullable<ReturnType<ItemView['any']>>];
}

/** How the loop shares out what is in flight: so many connections, each with a batch of at most 100. */
export interface Crew {
  connections: number;
  inFlight: number;
}

export const batchOf = ({ connections, inFlight }: Crew, place = 0): number => Math.min(BATCH_MAX, Math.floor((inFlight + place) / connections));

/**
 * The same trade as ours, written by hand: a loop that begins, locks the rows, acts set-based and commits, on tables of
 * its own on the same server with the same players and goods. It knows its goods in memory, asks nothing and refuses
 * nothing; it writes one command row per trade where ours writes one for each side.
 */
export class TradeCeiling {
  readonly pool: Pool;
  readonly #players: PlayerId[];
  readonly #view: ItemView;
  readonly #busy = new Set<PlayerId>();

  private constructor(pool: Pool, goods: ReadonlyMap<PlayerId, Holdings>) {
    this.pool = pool;
    this.#players = [...goods.keys()];
    this.#view = new ItemView(goods);
  }

  static async open(url: string, goods: ReadonlyMap<PlayerId, Holdings>): Promise<TradeCeiling> {
    const pool = new Pool({ connectionString: url, max: CONNECTIONS_MAX });
    const balances = [...goods].flatMap(([holder, { fungibles }]) => Object.entries(fungibles).map(([asset, quantity]) => ({ holder, asset, quantity })));
    const items = [...goods].flatMap(([holder, { items }]) => items.map((item) => ({ ...item, holder })));
    invariant(items.every(({ version }) => version === 1), 'the ceiling begins with goods that nobody traded');
    await pool.query(TABLES);
    await pool.query(FILL_INVENTORY, [[...goods.keys()]]);
    await pool.query(FILL_BALANCE, [balances.map(({ holder }) => holder), balances.map(({ asset }) => asset), balances.map(({ quantity }) => quantity)]);
    await pool.query(FILL_ITEM, [items.map(({ id }) => id), items.map(({ holder }) => holder), items.map(({ kind }) => kind), items.map(({ attributes }) => JSON.stringify(attributes))]);
    return new TradeCeiling(pool, goods);
  }

  /** Trades between players of whom none is in two trades at once. @returns how long each took, which is its batch's time */
  async run(crew: Crew, more: More, random: Random): Promise<number[]> {
    const tookMs: number[] = [];
    const worker = async (place: number) => {
      const client = await this.pool.connect();
      try {
        while (more()) {
          const trades = Array.from({ length: batchOf(crew, place) }, () => this.#anyTrade(random));
          const began = performance.now();
          const done = await this.#settle(client, trades);
          const took = performance.now() - began;
          for (const player of trades.flatMap(({ players }) => players)) this.#busy.delete(player);
          for (let count = 0; count < done.size; count++) tookMs.push(took);
        }
      } finally {
        client.release();
      }
    };
    await Promise.all(Array.from({ length: crew.connections }, (_, place) => worker(place)));
    return tookMs;
  }

  #anyTrade(random: Random): HandTrade {
    const sides = [this.#anySide(random), this.#anySide(random)] as const;
    return { id: uuidv7(), players: [sides[0].player, sides[1].player], items: [sides[0].item, sides[1].item] };
  }

  #anySide(random: Random) {
    for (;;) {
      const player = pick(random, this.#players);
      const item = this.#busy.has(player) ? undefined : this.#view.any(player, random);
      if (item === undefined) continue;
      this.#busy.add(player);
      return { player, item };
    }
  }

  /** One transaction. @returns the trades that happened, by their place */
  async #settle(client: PoolClient, trades: readonly HandTrade[]): Promise<Set<number>> {
    const [givers, takers] = [trades.map(({ players }) => players[0]), trades.map(({ players }) => players[1])];
    const moves = trades.flatMap(({ players: [a, b], items: [given, taken] }, ix) => [{ ix, item: given, giver: a, receiver: b }, { ix, item: taken, giver: b, receiver: a }]);
    await client.query('begin');
    await client.query({ ...LOCK, values: [[...givers, ...takers]] });
    const { rows } = await client.query<{ ix: number }>({
      ...ACT,
      values: [
        trades.map((_, ix) => ix), trades.map(({ id }) => id), givers, takers,
        moves.map(({ ix }) => ix), moves.map(({ item }) => item.id), moves.map(({ giver }) => giver), moves.map(({ receiver }) => receiver), moves.map(({ item }) => item.version),
        trades.map(() => 'gold'), trades.map(() => 1),
      ],
    });
    await client.query('commit');
    const done = new Set(rows.map(({ ix }) => ix));
    for (const { ix, item, giver, receiver } of moves) if (done.has(ix)) this.#view.moved(item, giver, receiver);
    return done;
  }

  async close(): Promise<void> {
    await this.pool.end();
  }
}
