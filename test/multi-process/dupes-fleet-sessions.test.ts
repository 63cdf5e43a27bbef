import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Room } from '@colyseus/sdk';
import { assertAuditGreen, assertHolds, assertShown, belongings, shown } from '../kit/economy.ts';
import { ServersAhead } from '../kit/ahead.ts';
import { startFleet, type Fleet } from '../kit/fleet.ts';
import { closing, comeBack, login, portOf, quietly } from '../kit/login.ts';
import { assertGoesRed, makeMutant, type Mutant } from '../kit/mutant.ts';
import type { MutationName } from '../kit/mutations.ts';
import { commandId, drop, ignoreMessages, join, newClient, service, signIn, until, type TestPlayer } from '../kit/player.ts';
import { MortalRedis } from '../kit/redis-host.ts';
import type { TestServer } from '../kit/server.ts';
import { startShardHost, type ShardHost } from '../kit/shard-host.ts';
import { accept, attempt, offer, outcomeOf, sitDown, trade } from '../kit/trade.ts';

const REPLACED = 4100;
const SHOWN_WITHIN_MS = 3_000;
/** For what never comes. */
const NEVER_MS = 350;
const LOGINS = 20;

/** Two processes: where a scenario begins, and where it goes on. */
interface Pair {
  first: TestServer;
  second: TestServer;
  /** How long it may take until rooms show what happened elsewhere. */
  withinMs: number;
}

/** Who came in, to be sent home after each test: a process with many rooms more than another gets no new ones. */
const present = new Set<TestPlayer>();

async function enter(server: TestServer, name?: string): Promise<TestPlayer> {
  const player = await join(server.url, name);
  present.add(player);
  return player;
}

async function enterAgain(server: TestServer, who: Pick<TestPlayer, 'id' | 'token'>): Promise<TestPlayer> {
  const player = await login(server, who);
  present.add(player);
  return player;
}

const phaseOf = (room: Room) => (room.state as { phase?: string }).phase;

async function historyOf(server: TestServer, item: string): Promise<{ giver: string | null; receiver: string | null }[]> {
  return (await service(server).call<{ entries: { giver: string | null; receiver: string | null }[] }>('GET', `/items/${item}/history`)).body.entries;
}

/** 2: the seller's process settles, the buyer's is another; the buyer logs out; the seller's is killed; both are back through the buyer's. */
async function soldAndKilled({ first, second, withinMs }: Pair): Promise<void> {
  const [seller, buyer] = await Promise.all([enter(first), enter(second)]);
  const [sword = ''] = await service(second).grant(seller.id, { items: [{ kind: 'sword' }] });
  await service(second).grant(buyer.id, { fungibles: { gold: 10 } });
  const table = await sitDown(seller, buyer);
  assert.deepEqual([seller.room, table.first, table.second, buyer.room].map(portOf), [first.port, first.port, first.port, second.port], 'who is where');
  await trade(table, { items: [sword] }, { fungibles: { gold: 10 } });
  await buyer.leave();
  await first.kill('SIGKILL');

  const [selling, buying] = await Promise.all([enterAgain(second, seller), enterAgain(second, buyer)]);
  await assertHolds(second, seller, { fungibles: { gold: 10 } }, 'the seller');
  await assertHolds(second, buyer, { items: [sword] }, 'the buyer');
  assert.deepEqual([shown(selling), shown(buying)], [await belongings(second, seller), await belongings(second, buyer)], 'what both rooms show at once');
  await assertAuditGreen(second);
  // The sword goes back as from its holder, and there is nothing of the first sale to be done again.
  await trade(await sitDown(buying, selling), { items: [sword] }, { fungibles: { gold: 10 } });
  await Promise.all([selling, buying].map((player) => assertShown(second, player, withinMs)));
  await assertHolds(second, seller, { items: [sword] }, 'the seller');
  await assertHolds(second, buyer, { fungibles: { gold: 10 } }, 'the buyer');
  assert.deepEqual((await historyOf(second, sword)).map(({ receiver }) => receiver), [seller.id, buyer.id, seller.id], 'the chain of the sword');
  await assertAuditGreen(second);
}

/** 5: the seller, at home in the first process, accepts in the second's trade and loses the network; the buyer accepts; the seller is back by way of the second. */
async function acceptDropReturn({ first, second, withinMs }: Pair): Promise<void> {
  const [seller, buyer] = await Promise.all([enter(first), enter(second)]);
  const [sword = ''] = await service(first).grant(seller.id, { items: [{ kind: 'sword' }] });
  await service(second).grant(buyer.id, { fungibles: { gold: 100 } });
  await Promise.all([assertShown(first, seller, withinMs), assertShown(second, buyer, withinMs)]);
  const table = await sitDown(buyer, seller);
  assert.deepEqual([table.second, seller.room].map(portOf), [second.port, first.port], 'where the seller has its seats');
  await offer(table.second, { items: [sword] });
  const revision = await offer(table.first, { fungibles: { gold: 100 } });
  assert.equal(await accept(table.second, revision), 'waiting');
  const tokens = [seller.room.reconnectionToken, table.second.reconnectionToken];
  await Promise.all([drop(seller.room), drop(table.second)]);
  assert.equal(await outcomeOf(table.first.request('trade:accept', { commandId: commandId(), revision })), 'settled');

  const [home, seat] = await Promise.all(tokens.map((token) => comeBack(second, seller, token)));
  assert.ok(home && seat, 'both seats were kept');
  await until(() => phaseOf(seat) === 'settled', withinMs, 'the trade shows that it settled');
  await until(() => Boolean((home.state as { playerId?: string }).playerId), withinMs);
  await assertHolds(second, seller, { fungibles: { gold: 100 } }, 'the seller');
  await assertHolds(second, buyer, { items: [sword] }, 'the buyer');
  assert.equal((await historyOf(second, sword)).length, 2, 'minted, and sold once');
  await Promise.all([assertShown(first, { ...seller, room: home }, withinMs), assertShown(second, buyer, withinMs)]);
  await assertAuditGreen(first);
}

async function leaveAll(): Promise<void> {
  await Promise.allSettled([...present].map((player) => player.leave()));
  present.clear();
}

interface Displacement extends Pair {
  /** Whether the client lost its connections before it logged in again. */
  dropped: boolean;
  /** Whether the first process hears of the second login. */
  told: boolean;
  /** What happens right before it. */
  meanwhile?: () => Promise<void>;
}

/** 6: a player is about to give all its gold away, and logs in through the second process; then its old seats are tried. */
async function oldSeats({ first, second, withinMs, dropped, told, meanwhile }: Displacement): Promise<void> {
  const [player, partner, other] = await Promise.all([enter(first, 'Before'), enter(second), enter(second)]);
  await service(first).grant(player.id, { fungibles: { gold: 100 } });
  const table = await sitDown(player, partner);
  assert.deepEqual([player.room, table.first].map(portOf), [first.port, first.port], 'where the old seats are');
  const revision = await offer(table.first, { fungibles: { gold: 100 } });
  await accept(table.second, revision);
  const seats = [player.room, table.first];
  const tokens = seats.map(({ reconnectionToken }) => reconnectionToken);
  const closed = seats.map(closing);
  if (dropped) await Promise.all(seats.map(drop));

  await meanwhile?.();
  const back = await enterAgain(second, player);
  assert.equal(portOf(back.room), second.port, 'where the new session is');
  if (told) await until(() => phaseOf(table.second) === 'cancelled', withinMs, 'the partner sees that the trade is cancelled');
  if (told && !dropped) assert.deepEqual(await Promise.all(closed), [REPLACED, REPLACED]);
  const [home, seat] = await quietly(() => Promise.all(dropped ? [comeBack(first, player, tokens[0]!), comeBack(second, player, tokens[1]!)] : seats));
  const said = [
    home && (await outcomeOf(home.request('player:rename', { commandId: commandId(), name: 'After' }))),
    seat && (await outcomeOf(seat.request('trade:accept', { commandId: commandId(), revision }))),
  ];
  await assertHolds(second, player, { fungibles: { gold: 100 } }, 'the displaced player');
  await assertHolds(second, partner, {}, 'the partner');
  assert.equal((await service(second).player(player.id)).name, 'Before');
  const refused = told ? ['closed', undefined] : ['SESSION_REPLACED'];
  assert.ok(said.every((outcome) => refused.includes(outcome)), `the old seats were told ${said.join(' and ')}`);
  // The session that displaced it gives the gold to somebody else.
  assert.equal(await attempt(await sitDown(back, other), { fungibles: { gold: 100 } }), 'settled');
  await assertHolds(second, player, {}, 'the player');
  await assertHolds(second, other, { fungibles: { gold: 100 } }, 'the other');
  await Promise.all([back, other].map((one) => assertShown(second, one, withinMs)));
  await assertAuditGreen(second);
}

/** 7: what the seller has is cached in the first process; it is sold in the second; the seller is back in the first, which nobody has told. */
async function rejoinBeforeInvalidation({ first, second, withinMs }: Pair): Promise<void> {
  const [seller, buyer, third] = await Promise.all([enter(first), enter(second), enter(first)]);
  const [sword = ''] = await service(first).grant(seller.id, { items: [{ kind: 'sword' }] });
  await service(first).grant(buyer.id, { fungibles: { gold: 10 } });
  await assertShown(first, seller, withinMs);
  await seller.leave();
  const selling = await enterAgain(second, seller);
  assert.equal(await attempt(await sitDown(selling, buyer), { items: [sword] }, { fungibles: { gold: 10 } }), 'settled');

  const back = await enterAgain(first, seller);
  assert.deepEqual([selling.room, back.room].map(portOf), [second.port, first.port], 'where the sessions are');
  assert.deepEqual(shown(back), { fungibles: { gold: 10 }, items: [] }, 'what the room shows at once');
  assert.equal(await attempt(await sitDown(back, third), { items: [sword] }), 'NOT_OWNER');
  await assertHolds(first, seller, { fungibles: { gold: 10 } }, 'the seller');
  await assertHolds(first, buyer, { items: [sword] }, 'the buyer');
  await assertHolds(first, third, {}, 'the third');
  await Promise.all([back, buyer, third].map((player) => assertShown(first, player, withinMs)));
  await assertAuditGreen(first);
}

/** 8: one account logs in twenty times at once, through two processes in turn, and each login gives the one sword to another partner. */
async function manyLogins({ first, second, withinMs }: Pair): Promise<void> {
  const processes = [first, second] as const;
  const owner = await enter(first);
  const [sword = ''] = await service(first).grant(owner.id, { fungibles: { gold: 1 }, items: [{ kind: 'sword' }] });
  // Without rooms of their own.
  const partners = await Promise.all(Array.from({ length: LOGINS }, (_, at) => signIn(processes[at % 2]!.url)));
  const sessions: TestPlayer[] = [];
  const seated = (room: Room) => {
    room.reconnection.enabled = false;
    ignoreMessages(room);
    return room;
  };
  const sell = async (partner: Pick<TestPlayer, 'id' | 'client'>, at: number): Promise<string> => {
    const client = newClient(processes[at % 2]!.url, owner.token);
    const room = seated(await client.joinOrCreate('player'));
    const session = { ...owner, client, room, leave: async () => void (room.connection.isOpen && (await room.leave())) };
    sessions.push(session);
    present.add(session);
    const { tradeId } = await room.request<unknown, { tradeId: string }>('trade:invite', { playerId: partner.id });
    const [mine, theirs] = await Promise.all([client.joinById(tradeId), partner.client.joinById(tradeId)]);
    return await attempt({ id: tradeId, first: seated(mine), second: seated(theirs) }, { items: [sword] });
  };
  // A login that was displaced on its way has no seat, which the SDK says in many words.
  const outcomes = await quietly(() => Promise.all(partners.map((partner, at) => sell(partner, at).catch(() => 'no seat'))));

  const open = () => sessions.filter(({ room }) => room.connection.isOpen);
  const holders = [];
  for (const partner of [owner, ...partners]) if ((await belongings(first, partner)).items.includes(sword)) holders.push(partner.id);
  const sold = partners.filter((_, at) => outcomes[at] === 'settled').map(({ id }) => id);
  assert.ok(sold.length <= 1, `sold ${sold.length} times`);
  assert.deepEqual(holders, sold.length === 1 ? sold : [owner.id], 'who has the sword');
  assert.equal((await historyOf(first, sword)).length, 1 + sold.length, 'minted, and sold as often as it was answered');
  // However many there are then is said below.
  await until(() => open().length === 1, withinMs).catch(() => undefined);
  assert.equal(open().length, 1, `${open().length} sessions are left open`);
  assert.equal(owner.room.connection.isOpen, false);
  const [last] = open();
  await until(() => Boolean((last!.room.state as { playerId?: string }).playerId), withinMs);
  const partner = await enterAgain(second, partners[0]!);
  assert.equal(await attempt(await sitDown(last!, partner), { fungibles: { gold: 1 } }), 'settled', 'what the session that is left can do');
  await Promise.all([last!, partner].map((player) => assertShown(first, player, withinMs)));
  await assertAuditGreen(first);
}

describe('dupes: sessions over several processes', () => {
  let host: ShardHost;
  let redis: MortalRedis;
  let fleet: Fleet;
  const mutants: Mutant[] = [];
  let [first, second, muted]: TestServer[] = [];
  /** Those without a guard that only controls need, and most runs do few of those. */
  let without: ServersAhead<'unguarded' | 'hasty'>;
  const unguarded = () => without.take('unguarded');
  const hasty = () => without.take('hasty');
  /** Whoever says that Redis was emptied. */
  const watchful: TestServer[] = [];

  const mutant = async (...names: MutationName[]) => {
    const made = makeMutant('keeps-apart', ...names);
    mutants.push(made);
    return await fleet.start({ root: made.root });
  };
  before(async () => {
    [host, redis] = await Promise.all([startShardHost(), MortalRedis.start()]);
    // Nothing but the bus tells a process of what happened in another.
    fleet = await startFleet({ processes: 1, redis, shards: await host.freshShards(), env: { VERSION_CHECK_INTERVAL_MS: '600000' } });
    [first] = fleet.servers;
    [second, muted] = await Promise.all([fleet.start(), mutant('bus-muted', 'seats-adopted', 'losses-unseen')]);
    watchful.push(first!, second);
    without = new ServersAhead<'unguarded' | 'hasty'>([], async (name) => {
      if (name === 'hasty') return await mutant('answers-first'); // it is killed
      const server = await mutant('displaced-stay', 'no-fence', 'join-believes-cache');
      watchful.push(server);
      return server;
    });
  });
  afterEach(leaveAll);
  after(async () => {
    await fleet?.stop();
    await redis?.stop();
    await host?.stop();
    for (const { remove } of mutants) remove();
  });
  /** Empties Redis under a scenario, and waits until the processes have said again what lives in them. */
  const whileEmpty = async (scenario: (empty: () => Promise<void>) => Promise<void>) => {
    const noticed = () => watchful.map((server) => server.log().split('Redis was emptied').length);
    const before = noticed();
    await scenario(() => redis.flush());
    await until(() => noticed().every((times, at) => times > before[at]!), SHOWN_WITHIN_MS, 'every process notices that Redis was emptied');
    await delay(200);
  };
  /** The processes are there only when the first test begins. */
  const pair = async (one: TestServer | Promise<TestServer> | undefined, other: TestServer | undefined, withinMs = SHOWN_WITHIN_MS): Promise<Pair> => ({ first: (await one)!, second: other!, withinMs });

  it('[BU1] dupe 5: who accepted drops, the partner accepts in another process, the first returns by way of it', async () => acceptDropReturn(await pair(first, second)));
  it('[SE1] dupe 6: at a trade, a player logs in on another process, and the old seats are closed', async () => oldSeats({ ...(await pair(first, second)), dropped: false, told: true }));
  it('[SE1] dupe 6: closed by force at a trade, a player logs in on another process, and the old seats are gone', async () => oldSeats({ ...(await pair(first, second)), dropped: true, told: true }));
  it('[SE2] dupe 6: the database refuses old seats whose process was never told', async () => oldSeats({ ...(await pair(first, muted)), dropped: false, told: false }));
  it('[SE2] dupe 6: the database refuses old seats that were returned to, where nobody was told', async () => oldSeats({ ...(await pair(first, muted)), dropped: true, told: false }));
  it('[SE1] dupe 6: the old seats are closed also when Redis has just lost who is where', async () => {
    // Sooner than the processes notice the loss and say it again, as a rule.
    for (let times = 0; times < 2; times++) await whileEmpty(async (meanwhile) => oldSeats({ ...(await pair(first, second)), dropped: false, told: true, meanwhile }));
  });
  it('[DS6] dupe 7: traded on one process, and back on another that was never told', async () => rejoinBeforeInvalidation(await pair(first, muted)));
  it('[DS6] dupe 7: the same, as fast as it can be, where it is told', async () => rejoinBeforeInvalidation(await pair(second, first)));
  it(`[SE1] dupe 8: ${LOGINS} logins at once over two processes, each selling the same sword`, async () => manyLogins(await pair(first, second)));

  describe('negative controls', () => {
    it('dupe 2 goes red when the giver’s process is "answers-first"', async () => assertGoesRed(soldAndKilled(await pair(hasty(), second)), /the seller holds/));
    it('dupe 5 goes red when the process that settles is "bus-muted"', async () => assertGoesRed(acceptDropReturn(await pair(first, muted, NEVER_MS)), /the room shows/));
    it('dupe 6 goes red when the old process is "displaced-stay"', async () =>
      assertGoesRed(oldSeats({ ...(await pair(unguarded(), second, NEVER_MS)), dropped: false, told: true }), /the partner sees that the trade is cancelled/));
    it('dupe 6 goes red while Redis has lost the session when the old process is "seats-adopted"', () =>
      whileEmpty(async (meanwhile) => assertGoesRed(oldSeats({ ...(await pair(muted, second, NEVER_MS)), dropped: false, told: true, meanwhile }), /the partner sees that the trade is cancelled/)));
    it('dupe 6 goes red when the old process was never told and is "no-fence"', async () =>
      assertGoesRed(oldSeats({ ...(await pair(unguarded(), muted)), dropped: false, told: false }), /the displaced player holds/));
    it('dupe 7 goes red when the process that was never told is "join-believes-cache"', async () =>
      assertGoesRed(rejoinBeforeInvalidation(await pair(unguarded(), muted)), /what the room shows at once/));
    it('dupe 8 goes red when one of the processes is "displaced-stay"', async () => assertGoesRed(manyLogins(await pair(unguarded(), second, NEVER_MS)), /^([2-9]|1\d) sessions are left open/));
  });

  describe('at last one of them is killed', () => {
    it('[KE1] dupe 2: sold, the receiver logs out, the giver’s process is killed, and both log in on the other', async () => soldAndKilled(await pair(first, second)));
  });
});
