import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { SERVICE_ACTOR } from '../../../persistence/index.ts';
import { invariant } from '../../../schema/invariant.ts';
import { openPool } from '../kit/pool.ts';
import { keepBusy, type More } from '../kit/rate.ts';
import type { Scorer } from './bulk-scores.ts';
import type { Stadium } from './stadium.ts';

const HASH = Buffer.alloc(32, 11);
/** A board of its own: whoever writes there by hand tells no sorted set. */
const HAND_BOARD = 'by-hand';
const PREPARE = `insert into score (player, board, season, region, value) select player, '${HAND_BOARD}', 1, region, value from unnest($1::uuid[], $2::text[], $3::bigint[]) as s(player, region, value)`;

/** The best scores of players, $1, each once, under commands $2, with values $3 and a hash $4: score, command and claim in one statement and one commit. */
const SUBMIT = {
  name: 'hand-submit',
  text: `
with s as materialized (select * from unnest($1::uuid[], $2::uuid[], $3::bigint[]) as s(player, command, value)),
claimed as (insert into command (actor, id, hash, answer) select '${SERVICE_ACTOR}', command, $4::bytea, 'null' from s),
written as (insert into score as r (player, board, season, region, value)
  select s.player, '${HAND_BOARD}', 1, p.region, s.value from s join player p on p.id = s.player
  on conflict (player, board, season) do update set value = greatest(r.value, excluded.value), version = r.version + 1, changed_at = now() returning player, value),
answered as (insert into command (actor, id, hash, answer)
  select s.player, s.command, $4::bytea, jsonb_build_object('season', 1, 'score', w.value) from s join written w on w.player = s.player)
select count(*)::int as done from written`,
};

/** How the loop works: so many connections to each shard, each with so many scores per statement, planned as it likes or one plan for all. */
export interface HandOptions {
  connections: number;
  batch: number;
  plan: 'auto' | 'force_generic_plan';
}

/** The same scores as ours, written by hand into the same tables: one statement and one commit for all of a batch, which knows no other shard and tells nobody. */
export class HandScores {
  readonly name: string;
  readonly #options: HandOptions;
  readonly #shards: { pool: Pool; scorers: readonly Scorer[]; next: number }[];
  #value = 0;

  constructor({ economy, drawn }: Stadium, options: HandOptions) {
    this.#options = options;
    this.#shards = economy.urls.map((connectionString, shard) => ({ pool: openPool({ connectionString, max: options.connections, options: `-c plan_cache_mode=${options.plan}` }), scorers: drawn[shard] ?? [], next: 0 }));
    this.name = nameOf(options, economy.urls.length);
  }

  /** Everybody who was drawn has a score already. */
  static async prepare({ economy, drawn }: Stadium): Promise<void> {
    await Promise.all(economy.shards.map(async ({ pool }, shard) => {
      const here = drawn[shard] ?? [];
      await pool.query(PREPARE, [here.map(({ player }) => player), here.map(({ region }) => region), here.map(({ value }) => value)]);
    }));
  }

  /** @returns how long each score took, which is its batch's time, in milliseconds */
  async run(more: More): Promise<number[]> {
    const { batch, connections } = this.#options;
    const tookMs = await Promise.all(this.#shards.map((_, shard) => keepBusy(connections, more, () => this.#submit(shard, batch))));
    return tookMs.flat().flatMap((took) => Array.from({ length: batch }, () => took));
  }

  /** One score at a time, on one shard after the other. */
  async submitOne(at: number): Promise<void> {
    await this.#submit(at % this.#shards.length, 1);
  }

  async close(): Promise<void> {
    await Promise.all(this.#shards.map(({ pool }) => pool.end()));
  }

  async #submit(shard: number, batch: number): Promise<void> {
    const here = this.#shards[shard];
    invariant(here !== undefined && here.scorers.length >= batch * this.#options.connections, 'none is in two statements at once');
    const players = Array.from({ length: batch }, () => (here.scorers[here.next++ % here.scorers.length] as Scorer).player);
    const { rows } = await here.pool.query<{ done: number }>({ ...SUBMIT, values: [players, players.map(() => randomUUID()), players.map(() => 20_000_000 + this.#value++), HASH] });
    invariant(rows[0]?.done === batch, 'every score is written');
  }
}

function nameOf({ connections, batch, plan }: HandOptions, shards: number): string {
  const parts = [`one statement for all on ${connections} connection${connections > 1 ? 's' : ''} to each of ${shards} shards`, `${batch} to a statement`, plan === 'auto' ? '' : 'with generic plans'];
  return parts.filter((part) => part !== '').join(', ');
}
