import type { PoolClient } from 'pg';
import type { Item } from '../../../schema/holdings.ts';
import type { PlayerId } from '../../../schema/ids.ts';
import { invariant } from '../../../schema/invariant.ts';
import type { Economy } from './economy.ts';
import { openPool } from './pool.ts';

/** Bounded, so that no statement sorts more than memory holds. */
const CHUNK = 50_000;
/** A slot's share of the keys varies, and a shard's share of the slots does. */
const CANDIDATES_PER_PLAYER = 1.5;
const CANDIDATES_MORE = 500;
/** So much that nobody runs out by giving one at a time. */
const QUANTITY = 1_000_000;

/** What every item is that was made in bulk. */
export const BULK_CONTENT: Pick<Item, 'kind' | 'attributes' | 'bound'> = { kind: 'sword', attributes: { damage: 30, durability: 50 }, bound: false };

export interface BulkPopulation {
  /** In all; shared out evenly among the shards. */
  players: number;
  itemsEach: number;
  assets: readonly string[];
}

/**
 * Players on one shard, $1, with what one grant each gave them: holdings, versions, the grant's ledger rows and its command,
 * as a settlement would have left them, so that the audit holds. $2 ids are drawn, and those are kept, up to $3, that live here.
 */
const POPULATE = `
with born as materialized (
  select id, uuidv7() as tx from (select uuidv7() as id from generate_series(1, $2::int)) as candidate
  where slot_of(id::text) in (select slot from slot where shard = $1::int) limit $3::int),
given as materialized (
  select id as holder, tx, place as seq, null::text as asset, uuidv7() as item, 1 as item_version, 1 as quantity from born, generate_series(1, $4::int) as place
  union all select id, tx, $4::int + place, asset, null, null, $6::int from born, unnest($5::text[]) with ordinality as a(asset, place)),
players as (insert into player (id, slot, name, region) select id, slot_of(id::text), 'Bencher', 'eu' from born),
inventories as (insert into inventory (holder, version) select id, 1 from born),
balances as (insert into balance (holder, asset, quantity) select holder, asset, quantity from given where asset is not null),
items as (insert into item (id, holder, kind, attributes, version, bound) select item, holder, $7::text, $8::jsonb, item_version, false from given where item is not null),
written as (insert into ledger (transaction_id, seq, reason, asset, item, item_version, quantity, receiver)
  select tx, seq, 'grant', asset, item, item_version, quantity, holder from given),
answered as (insert into command (actor, id, hash, answer, transaction_id) select id, uuidv7(), sha256(id::text::bytea), '{}', tx from born)
select id from born`;

/** Makes many players in little time, past the features. @returns them by shard */
export async function populateInBulk({ urls }: Pick<Economy, 'urls'>, population: BulkPopulation): Promise<PlayerId[][]> {
  const playersHere = Math.ceil(population.players / urls.length);
  return await Promise.all(urls.map((url, shard) => fill(url, shard, urls.length, { ...population, players: playersHere })));
}

async function fill(url: string, shard: number, shardCount: number, { players, itemsEach, assets }: BulkPopulation): Promise<PlayerId[]> {
  // Its own connection: a shard's pool gives a statement a minute.
  const pool = openPool({ connectionString: url, max: 1 });
  const client = await pool.connect();
  try {
    const ids: PlayerId[] = [];
    while (ids.length < players) ids.push(...(await populateChunk(client, Math.min(CHUNK, players - ids.length))));
    await client.query('vacuum analyze');
    return ids;
  } finally {
    client.release();
    await pool.end();
  }

  async function populateChunk(client: PoolClient, count: number): Promise<PlayerId[]> {
    const candidates = shardCount === 1 ? count : Math.ceil(count * shardCount * CANDIDATES_PER_PLAYER) + CANDIDATES_MORE;
    const { rows } = await client.query<{ id: PlayerId }>(POPULATE, [shard, candidates, count, itemsEach, assets, QUANTITY, BULK_CONTENT.kind, JSON.stringify(BULK_CONTENT.attributes)]);
    invariant(rows.length > 0, 'some of the keys drawn live here');
    return rows.map(({ id }) => id);
  }
}
