import { Client } from 'pg';
import { shardOfSlot, slotOf } from '../../persistence/slots.ts';
import { commandId, joinPlayer, signIn, until, type TestPlayer } from './player.ts';
import type { TestServer } from './server.ts';
import { accept, offer, outcomeOf, sitDown, type Offered, type Table } from './trade.ts';

const SHARDS = 4;
/** At least as many as commits of one lane are under way at once: so many must be held up before anything gathers behind them. */
export const PLUGS = 4;

/** A trade that only the second one's acceptance is missing from. */
export interface Deal {
  first: Pick<TestPlayer, 'id'>;
  second: Pick<TestPlayer, 'id'>;
  table: Table;
  revision: number;
  /** The acceptances' command ids, in the players' order. */
  ids: readonly [string, string];
}

export async function prepareDeal(first: TestPlayer, second: TestPlayer, gives: Offered, gets: Offered): Promise<Deal> {
  const table = await sitDown(first, second);
  await offer(table.first, gives);
  const revision = await offer(table.second, gets);
  const ids = [commandId(), commandId()] as const;
  await accept(table.first, revision, ids[0]);
  return { first, second, table, revision, ids };
}

/** A player whose row is locked until something has come about. */
interface Hold {
  holder: string;
  until: () => Promise<boolean>;
}

/**
 * Settles the deals in one commit, or in one of each process: the plugs, of the same lane, occupy its workers because
 * their rows are held up; what settles meanwhile gathers; then the rows are let go. @returns what each acceptance came to
 */
export async function settleTogether(shardUrls: string, plugs: readonly Deal[], deals: readonly Deal[], hold?: Hold): Promise<{ plugs: string[]; deals: string[] }> {
  const settle = ({ table, revision, ids }: Deal) => outcomeOf(table.second.request('trade:accept', { commandId: ids[1], revision }));
  const isSettling = ({ table }: Deal) => (table.first.state as { phase?: string }).phase === 'settling';
  const plugged: ReturnType<typeof settle>[] = [];
  const locks: Client[] = [];
  let gathered: ReturnType<typeof settle>[] = [];
  const held = hold && (await lockHolder(shardUrls, hold.holder));
  try {
    for (const plug of plugs) {
      locks.push(await lockHolder(shardUrls, plug.first.id));
      plugged.push(settle(plug));
      await until(() => isSettling(plug), 1_500, 'a plug is under way');
    }
    gathered = deals.map(settle);
    await until(() => deals.every(isSettling), 1_500, 'every deal waits for its commit, if there are plugs enough');
  } finally {
    await Promise.all(locks.map((lock) => lock.end()));
    if (hold) await until(hold.until, 1_500, 'what was held up is waiting').finally(() => held?.end());
  }
  return { plugs: await Promise.all(plugged), deals: await Promise.all(gathered) };
}

/** Locks a holder's row as a slow transaction would, until the connection ends. */
export async function lockHolder(shardUrls: string, holder: string): Promise<Client> {
  const client = new Client({ connectionString: shardUrls.split(',')[shardOf(holder)] });
  await client.connect();
  await client.query('begin');
  await client.query('select from inventory where holder = $1 for update', [holder]);
  return client;
}

/** On which of the four a player, a guild or a name is. */
export const shardOf = (key: string) => shardOfSlot(slotOf(key), SHARDS);

/** Players on these shards, in this order: signs in as many as it takes and joins those that fit. */
export async function joinOn(server: TestServer, shards: readonly number[]): Promise<TestPlayer[]> {
  const found = new Map<number, Awaited<ReturnType<typeof signIn>>>();
  const wanted = new Set(shards.keys());
  while (wanted.size > 0) {
    for (const player of await Promise.all(Array.from({ length: 2 * wanted.size }, () => signIn(server.url, 'Placed')))) {
      const place = [...wanted].find((at) => shards[at] === shardOf(player.id));
      if (place !== undefined && wanted.delete(place)) found.set(place, player);
    }
  }
  return await Promise.all(shards.map(async (_, at) => {
    const player = found.get(at)!;
    return { ...player, ...(await joinPlayer(player.client)) };
  }));
}
