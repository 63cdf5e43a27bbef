import { Pool, type PoolClient } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import type { PlayerId } from '../../../schema/ids.ts';
import { pick, type Random } from './holdings.ts';
import type { ItemView, SeenItem } from './item-view.ts';
import type { More } from './rate.ts';
import { ACT, LOCK } from './trade-ceiling-statements.ts';

const BATCH_MAX = 100;

/** How the loop shares out what is in flight, and whether PostgreSQL plans as it likes or one plan for all. */
export interface CrewOptions {
  connections: number;
  inFlight: number;
  plan: 'auto' | 'force_generic_plan';
}

interface HandTrade {
  id: string;
  players: [PlayerId, PlayerId];
  items: [SeenItem, SeenItem];
}

/** One way to run the hand-written loop: so many connections, each with a batch of at most 100 at a time. */
export class TradeCrew {
  readonly name: string;
  readonly #options: CrewOptions;
  readonly #pool: Pool;
  readonly #players: readonly PlayerId[];
  readonly #view: ItemView;
  readonly #busy = new Set<PlayerId>();

  constructor(url: string, players: readonly PlayerId[], view: ItemView, options: CrewOptions) {
    this.#options = options;
    this.#players = players;
    this.#view = view;
    this.#pool = new Pool({ connectionString: url, max: options.connections, idleTimeoutMillis: 0, options: `-c plan_cache_mode=${options.plan}` });
    this.name = nameOf(options);
  }

  /** Trades between players of whom none is in two trades at once. @returns how long each took, which is its batch's time */
  async run(more: More, random: Random): Promise<number[]> {
    const tookMs: number[] = [];
    const worker = async (place: number) => {
      const client = await this.#pool.connect();
      try {
        while (more()) {
          const trades = Array.from({ length: batchOf(this.#options, place) }, () => this.#anyTrade(random));
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
    await Promise.all(Array.from({ length: this.#options.connections }, (_, place) => worker(place)));
    return tookMs;
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  #anyTrade(random: Random): HandTrade {
    const [first, second] = [this.#anySide(random), this.#anySide(random)];
    return { id: uuidv7(), players: [first.player, second.player], items: [first.item, second.item] };
  }

  #anySide(random: Random): { player: PlayerId; item: SeenItem } {
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
}

/** The batch of one connection; what does not divide goes to the later ones. */
function batchOf({ connections, inFlight }: CrewOptions, place = 0): number {
  return Math.min(BATCH_MAX, Math.floor((inFlight + place) / connections));
}

function nameOf(options: CrewOptions): string {
  const { connections, plan } = options;
  const batch = batchOf(options);
  const parts = [`the loop on ${connections} connection${connections > 1 ? 's' : ''}`, batch > 1 ? `in batches of ${batch}` : '', plan === 'auto' ? '' : 'with generic plans'];
  return parts.filter((part) => part !== '').join(' ');
}
