import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { MapSchema } from '@colyseus/schema';
import type { Room } from '@colyseus/sdk';
import type { GuildLogEntry, GuildMember, GuildRank } from '../../schema/guild.ts';
import type { Holdings } from '../../schema/holdings.ts';
import { belongings, type Belongings } from './economy.ts';
import { commandId, ignoreMessages, joinPlayer, newClient, service, signIn, until, type TestPlayer } from './player.ts';
import { joinOn, lockHolder, shardOf } from './one-commit.ts';
import type { TestServer } from './server.ts';
import { outcomeOf } from './trade.ts';

/** A player gets this many requests answered at once, and no more may wait. */
const AT_ONCE_MAX = 50;
const SHOWN_MAX_MS = 3_000;
/** What was sent has come to the server by then. */
const ARRIVED_MS = 50;

export type Person = Pick<TestPlayer, 'id' | 'token'>;

/** Somebody in a guild, with a seat in its room. */
export interface Member extends TestPlayer {
  seat: Room;
}

export interface TestGuild {
  id: string;
  leader: Member;
  /** All others. */
  members: Member[];
}

/** A guild as PostgreSQL has it. */
export interface GuildTruth {
  id: string;
  name: string;
  tag: string;
  motd: string;
  version: number;
  members: GuildMember[];
  bank: Holdings;
  log: GuildLogEntry[];
}

export interface Goods {
  items?: string[];
  fungibles?: Record<string, number>;
}

/** A name and a tag that no other guild of the run has. */
export function freshName(): { name: string; tag: string } {
  const tag = randomBytes(4).toString('hex');
  return { name: `Guild ${tag}`, tag };
}

export async function create({ room }: Pick<TestPlayer, 'room'>, named: { name: string; tag: string } = freshName()): Promise<string> {
  return (await room.request<unknown, { guildId: string }>('guild:create', { commandId: commandId(), ...named })).guildId;
}

/** A seat in the guild's room, through the client's own server. */
export async function takeSeat(client: TestPlayer['client'], guildId: string, how: 'joinOrCreate' | 'create' = 'joinOrCreate'): Promise<Room> {
  const seat = await client[how]('guild', { guildId });
  seat.reconnection.enabled = false;
  ignoreMessages(seat);
  await until(() => (seat.state as { version?: number }).version !== undefined && (seat.state as { version: number }).version > 0);
  return seat;
}

export const send = (seat: Room, type: string, payload: object = {}, id: string = commandId()): Promise<{ version: number }> => seat.request<unknown, { version: number }>(type, { commandId: id, ...payload });
/** `answered`, or the refusal's code, or `closed`. */
export const ask = (seat: Room, type: string, payload: object = {}, id: string = commandId()): Promise<string> => outcomeOf(send(seat, type, payload, id));
export const deposit = (seat: Room, goods: Goods, id?: string): Promise<{ version: number }> => send(seat, 'guild:deposit', goods, id);
export const withdraw = (seat: Room, goods: Goods, id?: string): Promise<{ version: number }> => send(seat, 'guild:withdraw', goods, id);
export const accept = ({ room }: Pick<TestPlayer, 'room'>, guildId: string, id: string = commandId()): Promise<string> => outcomeOf(room.request('guild:accept', { commandId: id, guildId }));

/** As many as a player may have waiting. */
export async function inviteAll(seat: Room, players: readonly { id: string }[]): Promise<void> {
  for (let at = 0; at < players.length; at += AT_ONCE_MAX) await Promise.all(players.slice(at, at + AT_ONCE_MAX).map(({ id }) => send(seat, 'guild:invite', { playerId: id })));
}

/** These players' guild: the first leads it. All of them have seats in it through their own server. */
export async function foundGuild(founder: TestPlayer, others: readonly TestPlayer[] = []): Promise<TestGuild> {
  const id = await create(founder);
  const seat = await takeSeat(founder.client, id);
  await inviteAll(seat, others);
  assert.deepEqual(await Promise.all(others.map((player) => accept(player, id))), others.map(() => 'answered'), 'all accept');
  const members = await Promise.all(others.map(async (player): Promise<Member> => ({ ...player, seat: await takeSeat(player.client, id) })));
  return { id, leader: { ...founder, seat }, members };
}

/** A guild whose rows and whose leader, who is on shard 1 of four, are on two shards: the guild's is the lower or the higher one, as its id falls. */
export async function foundGuildApart(server: TestServer): Promise<TestGuild> {
  for (;;) {
    const [founder] = await joinOn(server, [1]);
    const made = await foundGuild(founder as TestPlayer);
    if (shardOf(made.id) !== 1) return made;
    await leaveAll([made.leader]);
  }
}

/** Players with rooms of their own, so many at a time that the machine takes no harm. */
export async function joinSome(server: Pick<TestServer, 'url'>, count: number): Promise<TestPlayer[]> {
  const players: TestPlayer[] = [];
  while (players.length < count) {
    players.push(...(await Promise.all(Array.from({ length: Math.min(AT_ONCE_MAX, count - players.length) }, async () => {
      const signedIn = await signIn(server.url, 'Member');
      return { ...signedIn, ...(await joinPlayer(signedIn.client)) };
    }))));
  }
  return players;
}

/** The same member's seat through another process, without a player's room there. */
export const seatVia = ({ url }: Pick<TestServer, 'url'>, { token }: Person, guildId: string, how?: 'create'): Promise<Room> => takeSeat(newClient(url, token), guildId, how);

export async function leaveAll(people: readonly { room?: Room; seat?: Room }[]): Promise<void> {
  await Promise.allSettled(people.flatMap(({ room, seat }) => [room, seat]).map(async (one) => void (one?.connection.isOpen && (await one.leave()))));
}

/** @returns undefined if there is no such guild any more */
export async function truthOf(server: TestServer, guildId: string): Promise<GuildTruth | undefined> {
  const { status, body } = await service(server).call<GuildTruth & { code?: string }>('GET', `/guilds/${guildId}`);
  if (status === 200) return body;
  assert.equal(body.code, 'GUILD_NOT_FOUND');
  return undefined;
}

export async function bankOf(server: TestServer, guildId: string): Promise<Belongings> {
  const { fungibles, items } = (await truthOf(server, guildId))?.bank ?? { fungibles: {}, items: [] };
  return { fungibles: Object.fromEntries(Object.entries(fungibles).filter(([, count]) => count !== 0)), items: items.map(({ id }) => id as string).toSorted() };
}

/** PostgreSQL says that the bank has exactly this. */
export async function assertBank(server: TestServer, guildId: string, { fungibles = {}, items = [] }: Goods): Promise<void> {
  const held = await bankOf(server, guildId);
  const wanted = { fungibles: Object.fromEntries(Object.entries(fungibles).filter(([, count]) => count !== 0)), items: items.toSorted() };
  assert.deepEqual(held, wanted, `the bank holds ${JSON.stringify(held)} instead of ${JSON.stringify(wanted)}`);
}

/** So much gold do they have together, and the bank. */
export async function goldOf(server: TestServer, guildId: string | undefined, players: readonly { id: string }[]): Promise<number> {
  const held = await Promise.all(players.map((player) => belongings(server, player)));
  const bank = guildId === undefined ? undefined : await bankOf(server, guildId);
  return [...held, ...(bank ? [bank] : [])].reduce((sum, { fungibles }) => sum + (fungibles['gold'] ?? 0), 0);
}

/** What guilds say of a player, and what the player's own row says, are one guild, or none. @returns it */
export async function assertInOne(server: TestServer, player: { id: string }, guildIds: readonly string[]): Promise<string | null> {
  const { guildId } = await service(server).player(player.id);
  const truths = await Promise.all(guildIds.map((id) => truthOf(server, id)));
  const having = guildIds.filter((_, at) => truths[at]?.members.some(({ playerId }) => playerId === player.id));
  assert.deepEqual(having, guildId === null ? [] : [guildId], `the player is in ${having.length} guilds, and its own row says ${guildId}`);
  return guildId;
}

const shownIn = (seat: Room) => {
  const { version, motd, members, bank, log } = seat.state as {
    version: number; motd: string; members: MapSchema<{ rank: GuildRank }>; bank: { fungibles: MapSchema<number>; items: MapSchema<unknown> }; log: Iterable<{ seq: number; event: string }>;
  };
  return JSON.stringify({
    version, motd,
    members: [...members.entries()].map(([id, { rank }]) => `${id} ${rank}`).toSorted(),
    fungibles: [...bank.fungibles.entries()].filter(([, count]) => count !== 0).toSorted(([a], [b]) => (a < b ? -1 : 1)),
    items: [...bank.items.keys()].toSorted(),
    log: [...log].map(({ seq, event }) => `${seq} ${event}`),
  });
};

/** What a guild's room shows becomes what PostgreSQL says, soon. [V of the invariants] */
export async function assertGuildShown(server: TestServer, seat: Room, withinMs = SHOWN_MAX_MS): Promise<void> {
  const truth = await truthOf(server, (seat.state as { guildId: string }).guildId);
  assert.ok(truth, 'the guild lives');
  const said = JSON.stringify({
    version: truth.version, motd: truth.motd,
    members: truth.members.map(({ playerId, rank }) => `${playerId} ${rank}`).toSorted(),
    fungibles: Object.entries(truth.bank.fungibles).filter(([, count]) => count !== 0).toSorted(([a], [b]) => (a < b ? -1 : 1)),
    items: truth.bank.items.map(({ id }) => id).toSorted(),
    log: truth.log.map(({ seq, event }) => `${seq} ${event}`),
  });
  await until(() => shownIn(seat) === said, withinMs).catch(() => undefined);
  assert.equal(shownIn(seat), said, `the guild room shows ${shownIn(seat)}, PostgreSQL ${said}`);
}

/** All lines of the guild's log, the oldest first, as a member whose rank may read them sees it. */
export async function wholeLog(server: TestServer, guildId: string, { token }: Pick<Person, 'token'>): Promise<GuildLogEntry[]> {
  const lines: GuildLogEntry[] = [];
  for (let before: number | null = Number.MAX_SAFE_INTEGER; before !== null; ) {
    const response = await fetch(`${server.url}/guilds/${guildId}/log?limit=200&before=${before}`, { headers: { authorization: `Bearer ${token}` } });
    const { entries, next } = (await response.json()) as { entries: GuildLogEntry[]; next: number | null };
    lines.push(...entries);
    before = next;
  }
  return lines.toReversed();
}

/**
 * Holds the guild's row up, lets the leader's word wait for it, and then all that `ask` asks: it goes as one flush, as far
 * as there is room, in the order in which it was asked.
 */
export async function inOneFlush(shardUrls: string, { id, leader }: Pick<TestGuild, 'id' | 'leader'>, ask: (() => Promise<string>[])[]): Promise<string[]> {
  const lock = await lockHolder(shardUrls, id);
  const asked: Promise<string>[] = [];
  const plug = send(leader.seat, 'guild:motd', { motd: 'held up' });
  try {
    for (const some of ask) {
      await delay(ARRIVED_MS);
      asked.push(...some());
    }
    await delay(ARRIVED_MS);
  } finally {
    await lock.end();
  }
  await plug;
  return await Promise.all(asked);
}
