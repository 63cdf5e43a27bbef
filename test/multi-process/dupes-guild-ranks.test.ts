import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { GuildLogEntry } from '../../schema/guild.ts';
import { assertAuditGreen, assertHolds, belongings } from '../kit/economy.ts';
import { accept, ask, assertBank, create, deposit, foundGuild, freshName, inOneFlush, joinSome, leaveAll, seatVia, send, wholeLog, withdraw, type Member, type TestGuild } from '../kit/guild.ts';
import { assertGoesRed, withMutant } from '../kit/mutant.ts';
import type { MutationName } from '../kit/mutations.ts';
import { commandId, service } from '../kit/player.ts';
import { startServer, type TestServer } from '../kit/server.ts';
import { startShardHost, type ShardHost } from '../kit/shard-host.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';
import { outcomeOf } from '../kit/trade.ts';

const GOLD = 100_000;
const MANY = 30;
/** By the catalogue, of each asset a day. */
const MEMBER_LIMIT = 1_000;

/** Two processes on the same databases, without a bus between them: what one does, the other is never told. */
interface Scene {
  first: TestServer;
  second: TestServer;
  shards: string;
}

/** A leader with a full bank, and one more, with seats in both processes. */
async function rich({ first, second }: Scene): Promise<{ guild: TestGuild; other: Member; elsewhere: Member['seat'] }> {
  const [founder, player] = await joinSome(first, 2);
  assert.ok(founder && player);
  const guild = await foundGuild(founder, [player]);
  await service(first).grant(founder.id, { fungibles: { gold: GOLD } });
  await deposit(guild.leader.seat, { fungibles: { gold: GOLD } });
  return { guild, other: guild.members[0]!, elsewhere: await seatVia(second, player, guild.id) };
}

const taking = (seat: Member['seat'], gold: number, times = MANY) => () => Array.from({ length: times }, () => outcomeOf(withdraw(seat, { fungibles: { gold } })));
const places = (log: readonly GuildLogEntry[], event: string) => log.filter((line) => line.event === event).map(({ seq }) => seq);
const count = (outcomes: readonly string[]) => outcomes.filter((outcome) => outcome === 'answered').length;

/** 22: a kick in the midst of withdrawals, in one flush and in two processes: what was taken was taken before it. */
async function kickedInTheWindow(scene: Scene): Promise<void> {
  const { first, second, shards } = scene;
  for (const inOne of [true, false]) {
    const { guild, other, elsewhere } = await rich(scene);
    const kick = () => [ask(guild.leader.seat, 'guild:kick', { playerId: other.id })];
    const after: Promise<string>[] = [];
    const outcomes = inOne
      ? await inOneFlush(shards, guild, [taking(other.seat, 1), kick, taking(other.seat, 1)])
      : await Promise.all([
          ...taking(other.seat, 1)(), ...taking(elsewhere, 1)(),
          delay(15).then(async () => {
            const kicked = await kick()[0]!;
            after.push(...taking(other.seat, 1, 5)(), ...taking(elsewhere, 1, 5)());
            return kicked;
          }),
        ]);
    const late = await Promise.all(after);
    const taken = count(outcomes) - 1;
    const log = await wholeLog(second, guild.id, guild.leader);
    const [kickedAt = 0] = places(log, 'kick');
    const takenAt = places(log, 'withdraw');
    assert.deepEqual(takenAt.filter((seq) => seq > kickedAt), [], `${takenAt.filter((seq) => seq > kickedAt).length} withdrawals after the kick`);
    assert.equal(takenAt.length, taken, `${taken} withdrawals were answered, ${takenAt.length} are in the log`);
    assert.equal(count(late), 0, 'withdrawals that were asked after the answer to the kick');
    assert.ok(kickedAt > 0 && (!inOne || taken === MANY), `kicked in line ${kickedAt}, after ${taken} withdrawals`);
    await assertHolds(first, other, { fungibles: { gold: taken } }, 'who was kicked');
    await assertBank(first, guild.id, { fungibles: { gold: GOLD - taken } });
    await leaveAll([guild.leader, ...guild.members, { seat: elsewhere }]);
  }
  await assertAuditGreen(first);
}

/** 22: an officer, who may take 10,000 a day, becomes a member, who may take 1,000, in the midst of withdrawals of 400. */
async function demotedInTheWindow(scene: Scene): Promise<void> {
  const { first, second, shards } = scene;
  const { guild, other, elsewhere } = await rich(scene);
  await send(guild.leader.seat, 'guild:rank', { playerId: other.id, rank: 'officer' });
  const demote = () => [ask(guild.leader.seat, 'guild:rank', { playerId: other.id, rank: 'member' })];
  const outcomes = await inOneFlush(shards, guild, [taking(other.seat, 400, 4), () => [...taking(elsewhere, 400, 4)(), ...demote()], taking(other.seat, 400, 15)]);
  const log = await wholeLog(second, guild.id, guild.leader);
  const demotedAt = places(log, 'rank').at(-1) ?? 0;
  let sum = 0;
  const beyond = log.filter(({ event, seq, details }) => event === 'withdraw' && (sum += details.fungibles?.['gold'] ?? 0) > MEMBER_LIMIT && seq > demotedAt);
  assert.equal(beyond.length, 0, `${beyond.length} withdrawals beyond a member's limit after the demotion`);
  assert.equal(sum, 400 * (count(outcomes) - 1), 'what the log says was taken');
  await assertHolds(first, other, { fungibles: { gold: sum } }, 'who was demoted');
  await assertBank(first, guild.id, { fungibles: { gold: GOLD - sum } });
  await assertAuditGreen(first);
  await leaveAll([guild.leader, ...guild.members, { seat: elsewhere }]);
}

/** The daily limit, against many withdrawals at once through both processes, and then against leaving and coming back. */
async function dailyLimit(scene: Scene): Promise<void> {
  const { first } = scene;
  const { guild, other, elsewhere } = await rich(scene);
  const swords = await service(first).grant(guild.leader.id, { items: Array.from({ length: 8 }, () => ({ kind: 'sword' })) });
  await deposit(guild.leader.seat, { items: swords });
  const outcomes = await Promise.all([...taking(other.seat, 90)(), ...taking(elsewhere, 90)()]);
  const items = await Promise.all(swords.map((sword, at) => outcomeOf(withdraw(at % 2 ? other.seat : elsewhere, { items: [sword] }))));
  const taken = await belongings(first, other);
  assert.deepEqual([taken.fungibles['gold'], taken.items.length], [MEMBER_LIMIT - (MEMBER_LIMIT % 90), 3], `took ${taken.fungibles['gold']} of 1000 gold and ${taken.items.length} of 3 items in a day`);
  assert.deepEqual([count(outcomes), count(items)], [11, 3]);

  for (const how of ['guild:leave', 'guild:kick']) {
    if (how === 'guild:leave') await send(other.seat, how);
    else await send(guild.leader.seat, how, { playerId: other.id });
    await send(guild.leader.seat, 'guild:invite', { playerId: other.id });
    assert.equal(await accept(other, guild.id), 'answered');
    await leaveAll([{ seat: other.seat }]);
    other.seat = await seatVia(first, other, guild.id);
    assert.equal(await ask(other.seat, 'guild:withdraw', { fungibles: { gold: 90 } }), 'GUILD_FORBIDDEN', `90 more of 1000 gold after ${how}`);
  }
  assert.equal(await ask(other.seat, 'guild:withdraw', { fungibles: { gold: 10 } }), 'answered', 'what is left of the day');
  await assertAuditGreen(first);
  await leaveAll([guild.leader, other, { seat: elsewhere }]);
}

/** One command id twice at once, then through the other process, then with another payload; and ids of what is no player. */
async function commandsActOnce({ first, second, shards }: Scene): Promise<void> {
  const [founder, player] = await joinSome(first, 2);
  assert.ok(founder && player);
  const guild = await foundGuild(founder, [player]);
  const [other] = guild.members as [Member];
  await service(first).grant(other.id, { fungibles: { gold: 100 } });
  const elsewhere = await seatVia(second, other, guild.id);
  const ids = { deposit: commandId(), withdraw: commandId(), motd: commandId(), create: commandId() };
  const same = async (word: (seat: Member['seat']) => Promise<{ version: number }>) => {
    const answers = await Promise.all([word(other.seat), word(elsewhere), word(other.seat), word(elsewhere)]);
    answers.push(await word(elsewhere), await word(other.seat));
    assert.equal(new Set(answers.map(({ version }) => version)).size, 1, `one answer: ${JSON.stringify(answers)}`);
  };
  await same((seat) => deposit(seat, { fungibles: { gold: 40 } }, ids.deposit));
  await same((seat) => withdraw(seat, { fungibles: { gold: 15 } }, ids.withdraw));
  await assertBank(first, guild.id, { fungibles: { gold: 25 } });
  await assertHolds(first, other, { fungibles: { gold: 75 } }, 'who asked twice');
  for (const seat of [other.seat, elsewhere]) {
    assert.equal(await ask(seat, 'guild:deposit', { fungibles: { gold: 41 } }, ids.deposit), 'COMMAND_REUSED');
    assert.equal(await ask(seat, 'guild:withdraw', { fungibles: { gold: 40 } }, ids.deposit), 'COMMAND_REUSED');
  }
  const again = { commandId: ids.create, ...freshName() };
  const refused = await Promise.all([0, 1].map(() => outcomeOf(other.room.request('guild:create', again))));
  assert.deepEqual(refused, ['ALREADY_IN_GUILD', 'ALREADY_IN_GUILD']);
  await send(other.seat, 'guild:leave');
  const made = await Promise.all([0, 1].map(() => other.room.request('guild:create', again)));
  assert.deepEqual([made[1], await other.room.request('guild:create', again)], [made[0], made[0]], 'one guild, however often it is asked for');
  assert.equal(await outcomeOf(other.room.request('guild:create', { ...again, name: `${again.name}x` })), 'COMMAND_REUSED');
  // What is no player, or no guild.
  const odd = await Promise.all([
    ask(guild.leader.seat, 'guild:kick', { playerId: guild.id }), ask(guild.leader.seat, 'guild:invite', { playerId: guild.id }),
    ask(guild.leader.seat, 'guild:kick', { playerId: guild.leader.id }), accept(guild.leader, other.id), accept(guild.leader, guild.id),
  ]);
  assert.deepEqual(odd, ['UNKNOWN_PLAYER', 'UNKNOWN_PLAYER', 'GUILD_FORBIDDEN', 'GUILD_NOT_FOUND', 'GUILD_FORBIDDEN']);
  const log = await wholeLog(first, guild.id, guild.leader);
  assert.deepEqual(log.map(({ event }) => event), ['create', 'invite', 'join', 'deposit', 'withdraw', 'leave'], 'what happened, once each');
  assert.equal(await create(guild.leader).catch((error: { reason?: { code: string } }) => error.reason?.code), 'ALREADY_IN_GUILD');
  assert.deepEqual(await inOneFlush(shards, guild, [() => [ask(guild.leader.seat, 'guild:deposit', { fungibles: { gold: 1 } })]]), ['INSUFFICIENT']);
  await assertAuditGreen(first);
  await leaveAll([guild.leader, other, { seat: elsewhere }]);
}

describe('dupes: ranks and commands of a guild', () => {
  let host: ShardHost;
  const removals: (() => void)[] = [];
  const servers: TestServer[] = [];
  let scene: Scene;

  async function start(root?: string): Promise<Scene> {
    const shards = await host.freshShards();
    const { folder, remove } = temporaryFolder();
    removals.push(remove);
    const begin = async () => {
      const server = await startServer({ dataDir: folder, env: { SHARD_URLS: shards }, ...(root !== undefined && { root }) });
      servers.push(server);
      return server;
    };
    const first = await begin();
    return { first, second: await begin(), shards };
  }
  before(async () => {
    host = await startShardHost();
    scene = await start();
  });
  after(async () => {
    await Promise.all(servers.map((server) => server.stop()));
    await host?.stop();
    for (const remove of removals) remove();
  });

  it('[GA2] dupe 22: kicked in the midst of withdrawals, in one flush and through two processes', () => kickedInTheWindow(scene));
  it('[GA2] dupe 22: demoted in the midst of withdrawals', () => demotedInTheWindow(scene));
  it('[GU5] dupe 22: the daily limit, in parallel through two processes, and after leaving and being kicked', () => dailyLimit(scene));
  it('[GA4] dupe 21: a command of a guild acts once, also through two processes, and never for another payload', () => commandsActOnce(scene));

  const controls: { mutations: MutationName[]; cases: [string, (scene: Scene) => Promise<void>, RegExp][] }[] = [
    {
      mutations: ['guild-ranks-of-before', 'guild-limits-forgotten', 'guild-commands-unknown', 'commands-act-twice'],
      cases: [
        ['dupe 22: kicked', kickedInTheWindow, /^\d+ withdrawals after the kick/], ['dupe 22: demoted', demotedInTheWindow, /beyond a member's limit after the demotion/],
        ['dupe 22: limit', dailyLimit, /90 more of 1000 gold after/], ['dupe 21', commandsActOnce, /one answer/],
      ],
    },
    {
      mutations: ['guild-strangers-welcome', 'guild-limits-uncounted'],
      cases: [['dupe 22: kicked', kickedInTheWindow, /^\d+ withdrawals after the kick/], ['dupe 22: limit', dailyLimit, /took \d+ of 1000 gold/]],
    },
  ];
  for (const { mutations, cases } of controls) {
    it(`goes red on a server that is "${mutations.join('" and "')}": ${cases.map(([name, , symptom]) => `${name} (${symptom.source})`).join(', ')}`, async () => {
      await withMutant(mutations, async (root) => {
        const mutant = await start(root);
        for (const [, scenario, symptom] of cases) await assertGoesRed(scenario(mutant), symptom);
      });
    });
  }
});
