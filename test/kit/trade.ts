import type { Room } from '@colyseus/sdk';
import type { RefusalCode, RefusalReply } from '../../schema/refusals.ts';
import { commandId, ignoreMessages, join, joinPlayer, joinTrade, service, signIn, type TestPlayer } from './player.ts';
import type { TestServer } from './server.ts';

/** Two players at one trade; `first` invited `second`. */
export interface Table {
  id: string;
  first: Room;
  second: Room;
}

export interface Offered {
  items?: string[];
  /** Typed loosely, because some tests lie. */
  fungibles?: Record<string, unknown>;
}

export async function sitDown(first: TestPlayer, second: TestPlayer): Promise<Table> {
  const { tradeId } = await first.room.request<unknown, { tradeId: string }>('trade:invite', { playerId: second.id });
  const [a, b] = await Promise.all([joinTrade(first, tradeId), joinTrade(second, tradeId)]);
  return { id: tradeId, first: a, second: b };
}

/** @returns the revision that the offer made */
export async function offer(trade: Room, { items = [], fungibles = {} }: Offered): Promise<number> {
  return (await trade.request<unknown, { revision: number }>('trade:offer', { items, fungibles })).revision;
}

export async function accept(trade: Room, revision: number, id: string = commandId()): Promise<'waiting' | 'settled'> {
  return (await trade.request<unknown, { status: 'waiting' | 'settled' }>('trade:accept', { commandId: id, revision })).status;
}

/** Both offer, both accept. @returns the ids of the acceptances, in the players' order */
export async function trade({ first, second }: Table, gives: Offered, gets: Offered): Promise<[string, string]> {
  await offer(first, gives);
  const revision = await offer(second, gets);
  const ids: [string, string] = [commandId(), commandId()];
  await accept(first, revision, ids[0]);
  await accept(second, revision, ids[1]);
  return ids;
}

/** What a request came to: its answer's status, the refusal's code, or `closed` when the connection ended first. */
export async function outcomeOf(request: Promise<unknown>): Promise<RefusalCode | 'closed' | 'waiting' | 'settled' | 'answered'> {
  try {
    const status = ((await request) as { status?: 'waiting' | 'settled' } | undefined)?.status;
    return status ?? 'answered';
  } catch (error) {
    const { reason, message } = error as Error & { reason?: RefusalReply };
    if (reason?.code !== undefined) return reason.code;
    if (/connection (is not open|closed)/.test(message)) return 'closed';
    throw error;
  }
}

/** Tries to carry a trade through, whatever is refused on the way. @returns how it ended */
export async function attempt(table: Table, gives: Offered, gets: Offered = {}): Promise<string> {
  const requests = async () => {
    await offer(table.first, gives);
    const revision = await offer(table.second, gets);
    await accept(table.first, revision);
    return { status: await accept(table.second, revision) };
  };
  return await outcomeOf(requests());
}

/** Players on one shard, or each on its own, lower shards first: signs in as many as it takes and joins those that fit. */
export async function joinGroup(server: TestServer, count: number, shards: 'same' | 'distinct'): Promise<TestPlayer[]> {
  const byShard = new Map<number, Awaited<ReturnType<typeof signIn>>[]>();
  for (;;) {
    const player = await signIn(server.url, 'Grouped');
    const { shard } = await service(server).player(player.id);
    byShard.set(shard, [...(byShard.get(shard) ?? []), player]);
    const group = shards === 'same' ? byShard.get(shard) : [...byShard].toSorted(([a], [b]) => a - b).flatMap(([, [one]]) => one ?? []);
    if (group?.length === count) return await Promise.all(group.map(async (member) => ({ ...member, ...(await joinPlayer(member.client)) })));
  }
}

export async function joinMany(server: TestServer, count: number): Promise<TestPlayer[]> {
  return await Promise.all(Array.from({ length: count }, () => join(server.url)));
}

export async function joinZone(player: { client: TestPlayer['client'] }, zone = 'meadow'): Promise<Room> {
  const room = await player.client.joinOrCreate('zone', { zone });
  room.reconnection.enabled = false;
  ignoreMessages(room);
  return room;
}
