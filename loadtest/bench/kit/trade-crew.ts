import type { Pool } from 'pg';
import type { PlayerId } from '../../../schema/ids.ts';
import { FreePlayers } from './free-players.ts';
import { anyTrade, settleByHand } from './hand-trade.ts';
import type { Random } from './holdings.ts';
import type { ItemView } from './item-view.ts';
import { openPool } from './pool.ts';
import type { More } from './rate.ts';
import type { HandStatements } from './trade-ceiling-statements.ts';

const BATCH_MAX = 100;

/** How the loop shares out what is in flight, whether PostgreSQL plans as it likes or one plan for all, and whether two statements go in one round trip. */
export interface CrewOptions {
  connections: number;
  inFlight: number;
  plan: 'auto' | 'force_generic_plan';
  together?: boolean;
}

/** Who trades there, what they hold, and how. */
export interface HandMarket {
  players: readonly PlayerId[];
  view: ItemView;
  statements: HandStatements;
}

/** One way to run the hand-written loop: so many connections, each with a batch of at most 100 at a time. */
export class TradeCrew {
  readonly name: string;
  readonly #options: CrewOptions;
  readonly #pool: Pool;
  readonly #players: FreePlayers;
  readonly #view: ItemView;
  readonly #statements: HandStatements;

  constructor(url: string, { players, view, statements }: HandMarket, options: CrewOptions) {
    this.#statements = statements;
    this.#options = options;
    this.#players = new FreePlayers(players);
    this.#view = view;
    this.#pool = openPool({ connectionString: url, max: options.connections, pipeline: options.together === true, options: `-c plan_cache_mode=${options.plan}` });
    this.name = nameOf(options);
  }

  /** Trades between players of whom none is in two trades at once. @returns how long each took, which is its batch's time */
  async run(more: More, random: Random): Promise<number[]> {
    const tookMs: number[] = [];
    const worker = async (place: number) => {
      const client = await this.#pool.connect();
      try {
        while (more()) {
          const trades = Array.from({ length: batchOf(this.#options, place) }, () => anyTrade(this.#view, this.#players.pair(random), random));
          const began = performance.now();
          const done = await settleByHand(client, this.#statements, this.#view, trades, this.#options.together);
          const took = performance.now() - began;
          this.#players.release(trades.flatMap(({ players }) => players));
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
}

/** The batch of one connection; what does not divide goes to the later ones. */
function batchOf({ connections, inFlight }: CrewOptions, place = 0): number {
  return Math.min(BATCH_MAX, Math.floor((inFlight + place) / connections));
}

function nameOf(options: CrewOptions): string {
  const { connections, plan, together = false } = options;
  const batch = batchOf(options);
  const parts = [`the loop on ${connections} connection${connections > 1 ? 's' : ''}`, batch > 1 ? `in batches of ${batch}` : '', plan === 'auto' ? '' : 'with generic plans', together ? 'in two round trips' : ''];
  return parts.filter((part) => part !== '').join(' ');
}
