import assert from 'node:assert/strict';
import type { MapSchema } from '@colyseus/schema';
import type { Room } from '@colyseus/sdk';
import { assertAuditGreen, assertHolds, assertShown, belongings } from '../kit/economy.ts';
import { startFleet, type Fleet } from '../kit/fleet.ts';
import { accept, ask, assertBank, assertGuildShown, assertInOne, bankOf, deposit, foundGuild, goldOf, inviteAll, joinSome, leaveAll, seatVia, send, takeSeat, truthOf, type Member, type TestGuild } from '../kit/guild.ts';
import { portOf } from '../kit/login.ts';
import { assertGoesRed, makeMutant, type Mutant } from '../kit/mutant.ts';
import { assertSoon } from '../kit/patience.ts';
import { commandId, ignoreMessages, newClient, service, until, type TestPlayer } from '../kit/player.ts';
import { MortalRedis } from '../kit/redis-host.ts';
import type { TestServer } from '../kit/server.ts';
import { startShardHost, type ShardHost } from '../kit/shard-host.ts';

const SHOWN_WITHIN_MS = 3_000;
/** Who came while the room asked who is there is seen at its next look. */
const LOOKED_WITHIN_MS = 8_000;
const NEVER_MS = 350;
/** By the rule. */
const GONE_WITHIN_MS = 10_000;
const EACH = 4;
const ROUNDS = 3;
const GOLD = 100;

/** Where a guild has a room each. */
interface Pair {
  first: TestServer;
  second: TestServer;
  withinMs: number;
}

const onlineIn = (seat: Room, { id }: { id: string }) => (seat.state as { members: MapSchema<{ online: boolean }> }).members.get(id)?.online;

/** Who came in, to be sent home after each test: a process with many rooms more than another gets no new ones. */
const present: { room?: Room; seat?: Room }[] = [];

async function come(server: TestServer, count: number): Promise<TestPlayer[]> {
  const players = await joinSome(server, count);
  present.push(...players);
  return players;
}

/** A guild that is led from the first process, with members at home in both, and a room in each: theirs. */
async function twoRooms({ first, second }: Pair): Promise<TestGuild> {
  const [[founder, ...near], far] = await Promise.all([come(first, EACH), come(second, EACH)]);
  assert.ok(founder);
  const guild = await foundGuild(founder, near);
  await inviteAll(guild.leader.seat, far);
  assert.deepEqual(await Promise.all(far.map((player) => accept(player, guild.id))), far.map(() => 'answered'));
  const other = await seatVia(second, far[0]!, guild.id, 'create');
  assert.deepEqual([guild.leader.seat, ...guild.members.map(({ seat }) => seat), other].map(portOf), [...Array.from({ length: EACH }, () => first.port), second.port], 'where the rooms are');
  const seatAt = async ({ token }: TestPlayer): Promise<Room> => {
    const seat = await newClient(second.url, token).joinById(other.roomId, { guildId: guild.id });
    seat.reconnection.enabled = false;
    ignoreMessages(seat);
    return seat;
  };
  const seats = [other, ...(await Promise.all(far.slice(1).map(seatAt)))];
  present.push(guild.leader, ...guild.members, ...seats.map((seat) => ({ seat })));
  guild.members.push(...far.map((player, at): Member => ({ ...player, seat: seats[at]! })));
  return guild;
}

/** Members put in, take out, come and are kicked through both rooms at once. Then both rooms and everybody's own show the truth. */
async function bothAtOnce(pair: Pair): Promise<void> {
  const { first, second, withinMs } = pair;
  const guild = await twoRooms(pair);
  const people = [guild.leader, ...guild.members];
  await Promise.all(people.map(({ id }) => service(first).grant(id, { fungibles: { gold: GOLD } })));
  const [sword = ''] = await service(first).grant(guild.leader.id, { items: [{ kind: 'sword' }] });
  await deposit(guild.leader.seat, { items: [sword] });
  const officer = guild.members.at(-1)!;
  await send(guild.leader.seat, 'guild:rank', { playerId: officer.id, rank: 'officer' });
  const [near, far] = await Promise.all([come(first, 3), come(second, 3)]);
  await inviteAll(guild.leader.seat, [...near, ...far]);
  const kicked = [guild.members[1]!, guild.members[EACH]!];
  const sworn = new Set<string>();
  let [given, taken] = [0, 0];
  for (let round = 0; round < ROUNDS; round++) {
    const moves = people.flatMap((person) => [
      ask(person.seat, 'guild:deposit', { fungibles: { gold: 7 } }).then((outcome) => void (given += outcome === 'answered' ? 7 : 0)),
      ask(person.seat, 'guild:withdraw', { fungibles: { gold: 3 } }).then((outcome) => void (taken += outcome === 'answered' ? 3 : 0)),
      ...(round === 1 ? [ask(person.seat, 'guild:withdraw', { items: [sword] }).then((outcome) => void (outcome === 'answered' && sworn.add(person.id)))] : []),
    ]);
    const comings = [near[round]!, far[round]!].map(async (player) => assert.equal(await accept(player, guild.id), 'answered'));
    const goings = round < kicked.length ? [ask([guild.leader, officer][round]!.seat, 'guild:kick', { playerId: kicked[round]!.id })] : [];
    await Promise.all([...moves, ...comings, ...goings]);
  }
  // The last word is the other process's: what the first does itself would show it what it has missed.
  await deposit(officer.seat, { fungibles: { gold: 1 } });
  given += 1;
  assert.equal(sworn.size, 1, `${sworn.size} got the sword`);
  assert.deepEqual((await bankOf(first, guild.id)).fungibles, { gold: given - taken }, 'what was answered');
  assert.equal(await goldOf(first, guild.id, people), GOLD * people.length, 'the gold of all');
  for (const player of [...people, ...near, ...far]) await assertInOne(second, player, [guild.id]);
  for (const player of kicked) assert.equal((await service(second).player(player.id)).guildId, null, 'who was kicked');
  for (const seat of [guild.leader.seat, officer.seat]) await assertGuildShown(first, seat, withinMs);
  for (const player of [...people, ...near, ...far]) {
    await assertShown(first, player, withinMs);
    const { guildId } = await service(first).player(player.id);
    await until(() => (player.room.state as { guildId: string }).guildId === (guildId ?? ''), withinMs, 'its own room shows the guild');
  }
  await until(() => kicked.every(({ seat }) => !seat.connection.isOpen), withinMs, 'who was kicked has no seat');
  await assertAuditGreen(second);
}

/** One command goes to both rooms at once, then once more to each. */
async function oneCommand(pair: Pair): Promise<void> {
  const guild = await twoRooms(pair);
  const member = guild.members.at(-1)!;
  await service(pair.first).grant(member.id, { fungibles: { gold: 30 } });
  const near = await newClient(pair.first.url, member.token).joinById(guild.leader.seat.roomId, { guildId: guild.id });
  ignoreMessages(near);
  near.reconnection.enabled = false;
  const id = commandId();
  const answers = await Promise.all([near, member.seat].map((seat) => deposit(seat, { fungibles: { gold: 10 } }, id)));
  for (const seat of [near, member.seat]) answers.push(await deposit(seat, { fungibles: { gold: 10 } }, id));
  assert.equal(new Set(answers.map(({ version }) => version)).size, 1, 'one answer');
  await assertBank(pair.second, guild.id, { fungibles: { gold: 10 } });
  await assertHolds(pair.second, member, { fungibles: { gold: 20 } }, 'who asked');
  assert.equal(await ask(near, 'guild:deposit', { fungibles: { gold: 11 } }, id), 'COMMAND_REUSED');
  for (const seat of [near, member.seat]) await assertGuildShown(pair.first, seat, pair.withinMs);
  present.push({ seat: near });
}

describe('guilds over several processes', () => {
  let host: ShardHost;
  let redis: MortalRedis;
  let fleet: Fleet;
  let mutant: Mutant | undefined;
  let [first, second, odd]: TestServer[] = [];
  before(async () => {
    [host, redis] = await Promise.all([startShardHost(), MortalRedis.start()]);
    // Nothing but the bus tells a process of what happened in another.
    fleet = await startFleet({ processes: 1, redis, shards: await host.freshShards(), env: { VERSION_CHECK_INTERVAL_MS: '600000' } });
    [first] = fleet.servers;
    mutant = makeMutant('bus-muted', 'dead-stay-online');
    [second, odd] = await Promise.all([fleet.start(), fleet.start({ root: mutant.root })]);
  });
  after(async () => {
    await fleet?.stop();
    await redis?.stop();
    await host?.stop();
    mutant?.remove();
  });
  afterEach(() => leaveAll(present.splice(0)));
  const pair = (one: TestServer | undefined, other: TestServer | undefined, withinMs = SHOWN_WITHIN_MS): Pair => ({ first: one!, second: other!, withinMs });

  it('[GU8] [BU1] members act through two rooms in two processes, and both show the truth', () => bothAtOnce(pair(first, second)));
  it('[GA4] dupe 20: one command through two rooms in two processes acts once', () => oneCommand(pair(first, second)));
  it('goes red when one of the processes is "bus-muted"', () => assertGoesRed(bothAtOnce(pair(first, odd, NEVER_MS)), /the guild room shows/));

  it('[GU8] [GN2] the process with the room is killed: members are back through another, and who was there is not online, unless a process is "dead-stay-online"', async () => {
    const [[founder, ...lost], kept, strange] = await Promise.all([come(first!, 3), come(second!, 2), come(odd!, 1)]);
    assert.ok(founder);
    const guild = await foundGuild(founder, [...lost, ...kept, ...strange]);
    const seated = guild.members.filter(({ id }) => kept.some((player) => player.id === id));
    assert.deepEqual(new Set([guild.leader, ...guild.members].map(({ seat }) => portOf(seat))), new Set([first!.port]), 'one room for all');
    await service(second!).grant(kept[0]!.id, { fungibles: { gold: 5 } });
    await deposit(seated[0]!.seat, { fungibles: { gold: 5 } });
    await until(() => [founder, ...lost, ...kept].every((player) => onlineIn(seated[0]!.seat, player) === true), LOOKED_WITHIN_MS, 'all are there');
    const before = await truthOf(second!, guild.id);
    const killedAt = performance.now();
    await first!.kill('SIGKILL');

    const seatBack = async (server: TestServer, { token }: { token: string }, how?: 'create'): Promise<Room> => {
      for (;;) {
        const seat = await takeSeat(newClient(server.url, token), guild.id, how ?? 'joinOrCreate').catch(() => undefined);
        if (seat !== undefined) return seat;
        assertSoon(performance.now() - killedAt, GONE_WITHIN_MS, 'the way back into the guild room');
      }
    };
    const back = await Promise.all(kept.map((player) => seatBack(second!, player)));
    const wrong = await seatBack(odd!, strange[0]!, 'create');
    assert.deepEqual(back.map(portOf), [second!.port, second!.port]);
    for (const seat of back) await assertGuildShown(second!, seat, SHOWN_WITHIN_MS);
    assert.deepEqual(await truthOf(second!, guild.id), before, 'the guild is as it was');
    assert.equal(await ask(back[0]!, 'guild:withdraw', { fungibles: { gold: 5 } }), 'answered');
    assert.deepEqual(await belongings(second!, kept[0]!), { fungibles: { gold: 5 }, items: [] });
    const shown = (seat: Room) => [founder, ...lost].every((player) => onlineIn(seat, player) === false) && kept.every((player) => onlineIn(seat, player) === true);
    for (const seat of back) await until(() => shown(seat), GONE_WITHIN_MS - (performance.now() - killedAt), 'who was on the dead process is not there');
    // A process that takes every session for alive never shows it.
    assert.equal(portOf(wrong), odd!.port);
    await assertGoesRed(until(() => shown(wrong), NEVER_MS, 'who was on the dead process is not there'), /is not there/);
    await assertAuditGreen(second!);
    present.push(...[...back, wrong].map((seat) => ({ seat })));
  });
});
