import { randomUUID } from 'node:crypto';
import type { Pool, PoolClient } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import type { GuildId } from '../../../schema/ids.ts';
import { invariant } from '../../../schema/invariant.ts';
import { openPool } from '../kit/pool.ts';
import type { More } from '../kit/rate.ts';
import type { Seat } from './hall.ts';

const HASH = Buffer.alloc(32, 11);

const LOCK = { name: 'hand-deposit-lock', text: 'select holder from inventory where holder = any($1::uuid[]) order by holder for update' };

/**
 * Deposits of one gold each, by members who stand in it once: ranks, balances and commands are checked, and everything is
 * written that ours writes, in our own tables. $1 guilds, $2 players, $3 commands, $4 a transaction per guild, $5 hash.
 */
const ACT = {
  name: 'hand-deposit-act',
  text: `
with d as materialized (select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[]) with ordinality as d(guild, player, command, tx, place)),
ok as materialized (select d.*, p.name, row_number() over (partition by d.guild order by d.place) as line
  from d join guild_member m on m.guild = d.guild and m.player = d.player and m.rank in ('leader', 'officer', 'member')
  join balance b on b.holder = d.player and b.asset = 'gold' and b.quantity >= 1 join player p on p.id = d.player
  where not exists (select from command c where c.actor = d.player and c.id = d.command)),
sums as materialized (select guild, count(*) as n from ok group by guild),
paid as (update balance b set quantity = b.quantity - 1 from ok where b.holder = ok.player and b.asset = 'gold'),
banked as (update balance b set quantity = b.quantity + sums.n from sums where b.holder = sums.guild and b.asset = 'gold'),
raised as (update inventory v set version = v.version + 1 from (select player as holder from ok union all select guild from sums) h where v.holder = h.holder),
counted as (update guild g set version = g.version + 1, logged = g.logged + sums.n from sums where g.id = sums.guild returning g.id, g.logged - sums.n as before),
written as (insert into ledger (transaction_id, seq, reason, asset, quantity, giver, receiver) select tx, line - 1, 'guild', 'gold', 1, player, guild from ok),
answered as (insert into command (actor, id, hash, answer, transaction_id) select player, command, $5::bytea, '{"version":1}', tx from ok),
logged as (insert into guild_log (guild, seq, event, actor, actor_name, details)
  select c.id, c.before + ok.line, 'deposit', ok.player, ok.name, '{"fungibles":{"gold":1}}' from ok join counted c on c.id = ok.guild)
select count(*)::int as done from ok`,
};

/** How the loop works: so many connections, each with so many deposits per transaction, planned as it likes or one plan for all. */
export interface HandOptions {
  connections: number;
  batch: number;
  plan: 'auto' | 'force_generic_plan';
}

/** The same deposits as ours, written by hand: lock the rows, one statement for all, commit. It tells nobody and refuses nothing. */
export class HandDeposits {
  readonly name: string;
  readonly #options: HandOptions;
  readonly #pool: Pool;
  readonly #seats: readonly Seat[];
  #next = 0;

  constructor(url: string, seats: readonly Seat[], options: HandOptions) {
    this.#options = options;
    this.#seats = seats;
    this.#pool = openPool({ connectionString: url, max: options.connections, pipeline: true, options: `-c plan_cache_mode=${options.plan}` });
    this.name = nameOf(options);
  }

  /** @returns how long each deposit took, which is its batch's time, in milliseconds */
  async run(more: More): Promise<number[]> {
    const tookMs: number[] = [];
    const worker = async () => {
      const client = await this.#pool.connect();
      try {
        while (more()) {
          const seats = Array.from({ length: this.#options.batch }, () => this.#seats[this.#next++ % this.#seats.length] as Seat);
          const began = performance.now();
          await deposit(client, seats);
          const took = performance.now() - began;
          for (const _ of seats) tookMs.push(took);
        }
      } finally {
        client.release();
      }
    };
    await Promise.all(Array.from({ length: this.#options.connections }, worker));
    return tookMs;
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}

async function deposit(client: PoolClient, seats: readonly Seat[]): Promise<void> {
  const transactions = new Map<GuildId, string>(seats.map(({ guild }) => [guild, uuidv7()]));
  const players = seats.map(({ player }) => player);
  await Promise.all([client.query('begin'), client.query({ ...LOCK, values: [[...transactions.keys(), ...players]] })]);
  const acted = client.query<{ done: number }>({
    ...ACT,
    values: [seats.map(({ guild }) => guild), players, seats.map(() => randomUUID()), seats.map(({ guild }) => transactions.get(guild)), HASH],
  });
  // As ours: what the statement must not do it leaves out.
  const [{ rows }] = await Promise.all([acted, client.query('commit')]);
  invariant(rows[0]?.done === seats.length, 'nothing speaks against a deposit of what is held');
}

function nameOf({ connections, batch, plan }: HandOptions): string {
  const parts = [`the bare statement on ${connections} connection${connections > 1 ? 's' : ''}`, `${batch} to a transaction`, plan === 'auto' ? '' : 'with generic plans'];
  return parts.filter((part) => part !== '').join(', ');
}
