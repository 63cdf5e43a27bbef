import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { assertAuditGreen, assertHolds, belongings } from '../kit/economy.ts';
import { ask, assertBank, deposit, foundGuild, goldOf, inOneFlush, joinSome, leaveAll, withdraw, type Goods, type Member, type TestGuild } from '../kit/guild.ts';
import { assertGoesRed, withMutant } from '../kit/mutant.ts';
import type { MutationName } from '../kit/mutations.ts';
import { commandId, service } from '../kit/player.ts';
import { startServer, type TestServer } from '../kit/server.ts';
import { startShardHost, type ShardHost } from '../kit/shard-host.ts';
import { outcomeOf, sitDown, offer, accept } from '../kit/trade.ts';

const MEMBERS = 50;
const ROUNDS = 6;
const FLUSH_MAX = 100;

/** A server, its databases, and a guild in it whose members have nothing. */
interface Scene {
  server: TestServer;
  shards: string;
  guild: TestGuild;
}

async function everybodyIn(server: TestServer, count: number): Promise<TestGuild> {
  const [founder, ...others] = await joinSome(server, count);
  assert.ok(founder);
  return await foundGuild(founder, others);
}

const peopleOf = ({ leader, members }: TestGuild): Member[] => [leader, ...members];

/** 22: everybody wants the bank's one sword, and then its last 10 gold, at once. Each goes to one of them. */
async function lastUnit({ server, guild }: Scene): Promise<void> {
  const people = peopleOf(guild);
  const [sword = ''] = await service(server).grant(guild.leader.id, { items: [{ kind: 'sword' }], fungibles: { gold: 10 } });
  await deposit(guild.leader.seat, { items: [sword], fungibles: { gold: 10 } });
  const swords = await Promise.all(people.map(({ seat }) => outcomeOf(withdraw(seat, { items: [sword] }))));
  const gold = await Promise.all(people.map(({ seat }) => outcomeOf(withdraw(seat, { fungibles: { gold: 10 } }))));
  const got = (outcomes: string[]) => outcomes.filter((outcome) => outcome === 'answered').length;
  assert.deepEqual([got(swords), got(gold)], [1, 1], `${got(swords)} got the sword, and ${got(gold)} the gold`);
  for (const [at, person] of people.entries()) {
    await assertHolds(server, person, { items: swords[at] === 'answered' ? [sword] : [], fungibles: { gold: gold[at] === 'answered' ? 10 : 0 } }, `member ${at}`);
  }
  await assertBank(server, guild.id, {});
  await assertAuditGreen(server);
  assert.deepEqual([...new Set(swords.filter((outcome) => outcome !== 'answered')), ...new Set(gold.filter((outcome) => outcome !== 'answered'))], ['NOT_OWNER', 'INSUFFICIENT']);
  await clear(server, people);
}

async function burn(server: TestServer, playerId: string, what: { items?: string[]; fungibles?: Record<string, number> }): Promise<string> {
  const { status, body } = await service(server).call<{ code: string }>('POST', '/burns', { commandId: commandId(), playerId, ...what });
  return status === 200 ? 'answered' : body.code;
}

/** Takes from everybody what they have. */
async function clear(server: TestServer, people: readonly { id: string }[]): Promise<void> {
  for (const { id } of people) {
    const { items, fungibles } = await belongings(server, { id });
    if (items.length + Object.keys(fungibles).length > 0) assert.equal(await burn(server, id, { items, fungibles }), 'answered');
  }
}

/** 15: one thing at a trade's table, at the guild's bank and in a burn at once, each of them first in turn. */
async function everyDoorAtOnce({ server, guild }: Scene, thing: 'sword' | 'gem'): Promise<void> {
  const [owner, partner] = guild.members as [Member, Member];
  for (let round = 0; round < ROUNDS; round++) {
    const [sword] = await service(server).grant(owner.id, thing === 'sword' ? { items: [{ kind: 'sword' }] } : { fungibles: { gem: 1 } });
    const gives: Required<Goods> = sword === undefined ? { items: [], fungibles: { gem: 1 } } : { items: [sword], fungibles: {} };
    const table = await sitDown(owner, partner);
    await offer(table.first, gives);
    const revision = await offer(table.second, {});
    await accept(table.first, revision);
    const doors: Record<string, () => Promise<string>> = {
      partner: () => outcomeOf(table.second.request('trade:accept', { commandId: commandId(), revision })).then((outcome) => (outcome === 'settled' ? 'answered' : outcome)),
      bank: () => ask(owner.seat, 'guild:deposit', gives),
      fire: () => burn(server, owner.id, gives),
    };
    const names = [...Object.keys(doors).slice(round % 3), ...Object.keys(doors).slice(0, round % 3)];
    const outcomes = await Promise.all(names.map((name) => doors[name]!()));
    const winners = names.filter((_, at) => outcomes[at] === 'answered');
    assert.equal(winners.length, 1, `the ${thing} went to ${winners.length}: ${winners.join(' and ')}`);
    await assertHolds(server, owner, {}, 'the owner');
    await assertHolds(server, partner, winners[0] === 'partner' ? gives : {}, 'the partner');
    await assertBank(server, guild.id, winners[0] === 'bank' ? gives : {});
    if (sword !== undefined) {
      const { entries } = (await service(server).call<{ entries: { receiver: string | null }[] }>('GET', `/items/${sword}/history`)).body;
      assert.deepEqual(entries.map(({ receiver }) => receiver), [owner.id, { partner: partner.id, bank: guild.id, fire: null }[winners[0] ?? '']], 'minted, and gone once');
    }
    assert.deepEqual([...new Set(outcomes.filter((outcome) => outcome !== 'answered'))], [sword === undefined ? 'INSUFFICIENT' : 'NOT_OWNER']);
    if (winners[0] === 'bank') await withdraw(guild.leader.seat, gives);
    await Promise.all([table.first, table.second].map(async (seat) => void (seat.connection.isOpen && (await seat.leave()))));
    await clear(server, [partner, guild.leader]);
  }
  await assertAuditGreen(server);
}

/** 23: a hundred deposits of one gold in one flush, one of which is something else. Everything else happens, at one version. */
async function poisonedFlush({ server, shards, guild }: Scene): Promise<void> {
  const people = peopleOf(guild);
  const poisoner = guild.members[0] as Member;
  const [relic = ''] = await service(server).grant(poisoner.id, { items: [{ kind: 'relic' }] });
  const [foreign = ''] = await service(server).grant(guild.members[1]!.id, { items: [{ kind: 'sword' }] });
  const poisons: [object, string][] = [
    [{ items: [foreign] }, 'NOT_OWNER'],
    [{ items: [randomUUID()] }, 'NOT_OWNER'],
    [{ items: [relic] }, 'ITEM_BOUND'],
    [{ fungibles: { gold: 1_000_000 } }, 'INSUFFICIENT'],
  ];
  const each = FLUSH_MAX / people.length;
  await Promise.all(people.map(({ id }) => service(server).grant(id, { fungibles: { gold: each * poisons.length } })));
  for (const [round, [poison, refusal]] of poisons.entries()) {
    const versions = new Set<number>();
    const place = Math.floor((round + 0.5) * (FLUSH_MAX / poisons.length));
    const give = async ({ seat }: Member): Promise<string> => await outcomeOf(deposit(seat, { fungibles: { gold: 1 } }).then(({ version }) => versions.add(version)));
    const outcomes = await inOneFlush(shards, guild, [
      () => Array.from({ length: FLUSH_MAX }, (_, at) => (at === place ? ask(poisoner.seat, 'guild:deposit', poison) : give(people[at % people.length]!))),
    ]);
    const refusals = outcomes.filter((outcome) => outcome !== 'answered');
    assert.deepEqual(refusals, [refusal], `${outcomes.length - refusals.length} of ${FLUSH_MAX} happened, refused: ${[...new Set(refusals)].join(', ')}`);
    assert.equal(outcomes[place], refusal);
    assert.ok(versions.size <= 2, `they went in ${versions.size} flushes`);
    await assertBank(server, guild.id, { fungibles: { gold: (round + 1) * (FLUSH_MAX - 1) } });
    assert.equal(await goldOf(server, guild.id, people), FLUSH_MAX * poisons.length, 'the gold of all');
  }
  await assertHolds(server, guild.members[1]!, { items: [foreign], fungibles: (await belongings(server, guild.members[1]!)).fungibles }, 'whose sword it is');
  await assertAuditGreen(server);
  await withdraw(guild.leader.seat, { fungibles: { gold: poisons.length * (FLUSH_MAX - 1) } });
  await clear(server, people);
}

describe('dupes: the bank of a guild', () => {
  let host: ShardHost;
  let scene: Scene;
  before(async () => {
    host = await startShardHost();
    const shards = await host.freshShards();
    const server = await startServer({ env: { SHARD_URLS: shards } });
    scene = { server, shards, guild: await everybodyIn(server, MEMBERS) };
  });
  after(async () => {
    if (scene) await leaveAll(peopleOf(scene.guild));
    await scene?.server.stop();
    await host?.stop();
  });

  it(`[GU5] dupe 22: ${MEMBERS} members take the bank's last sword, and its last 10 gold`, () => lastUnit(scene));
  it('[GU5] dupe 15: one sword in a trade, a deposit and a burn at once', () => everyDoorAtOnce(scene, 'sword'));
  it('[GU5] dupe 15: one gem in a trade, a deposit and a burn at once', () => everyDoorAtOnce(scene, 'gem'));
  it(`[GA3] dupe 23: a poisoned action in a flush of ${FLUSH_MAX}: not owned, unknown, bound, too much`, () => poisonedFlush(scene));

  const unchecked: readonly MutationName[] = ['guild-holdings-unchecked', 'write-trusts-offer', 'balances-unbounded'];
  const controls: { mutations: readonly MutationName[]; cases: { dupe: string; scenario: (scene: Scene) => Promise<void>; symptom: RegExp }[] }[] = [
    {
      mutations: unchecked,
      cases: [
        { dupe: 'dupe 15', scenario: (at) => everyDoorAtOnce(at, 'gem'), symptom: /the gem went to [23]/ },
        { dupe: 'dupe 22', scenario: lastUnit, symptom: /^([2-9]|10) got the sword, and ([2-9]|10) the gold/ },
      ],
    },
    { mutations: ['guild-poison-spreads'], cases: [{ dupe: 'dupe 23', scenario: poisonedFlush, symptom: /^\d+ of 100 happened, refused: INTERNAL/ }] },
  ];
  for (const { mutations, cases } of controls) {
    it(`goes red on a server that is "${mutations.join('" and "')}": ${cases.map(({ dupe, symptom }) => `${dupe} (${symptom.source})`).join(', ')}`, async () => {
      const shards = await host.freshShards();
      await withMutant(mutations, async (root) => {
        const server = await startServer({ root, env: { SHARD_URLS: shards } });
        try {
          const guild = await everybodyIn(server, 10);
          for (const { scenario, symptom } of cases) await assertGoesRed(scenario({ server, shards, guild }), symptom);
        } finally {
          await server.stop();
        }
      });
    });
  }
});
