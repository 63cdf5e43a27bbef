import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { QUANTITY_MAX } from '../../schema/quantities.ts';
import { assertAuditGreen, assertHolds } from '../kit/economy.ts';
import { control, type ControlCase } from '../kit/mutant.ts';
import type { MutationName } from '../kit/mutations.ts';
import { joinOn, prepareDeal, settleTogether, PLUGS, type Deal } from '../kit/one-commit.ts';
import { commandId, service, until, type TestPlayer } from '../kit/player.ts';
import { startServer, type TestServer } from '../kit/server.ts';
import { startShardHost, type ShardHost } from '../kit/shard-host.ts';
import { accept, joinMany, offer, outcomeOf, sitDown, type Offered, type Table } from '../kit/trade.ts';

const BUYERS = 50;
/** How much sooner the cancel goes out than the acceptance. */
const HEAD_STARTS_MS = [-4, -2, -1, 0, 1, 4];

const settle = (room: Table['second'], revision: number) => outcomeOf(room.request('trade:accept', { commandId: commandId(), revision }));
const cancel = (room: Table['second']) => outcomeOf(room.request('trade:cancel', {}));

/** What the first gives stands against what the second gives, and the first has accepted. @returns the revision */
async function halfAccepted({ first, second }: Table, gives: Offered, gets: Offered = {}): Promise<number> {
  await offer(first, gives);
  const revision = await offer(second, gets);
  await accept(first, revision);
  return revision;
}

/** 13: fifty cancels from either side at once, with an acceptance behind them that would have settled. */
async function hundredCancels(server: TestServer): Promise<void> {
  const [seller, buyer] = (await joinMany(server, 2)) as [TestPlayer, TestPlayer];
  await service(server).grant(seller.id, { fungibles: { gem: 1 } });
  const table = await sitDown(seller, buyer);
  const revision = await halfAccepted(table, { fungibles: { gem: 1 } });
  const cancels = Array.from({ length: 50 }, () => [cancel(table.first), cancel(table.second)]).flat();
  const late = await settle(table.second, revision);
  const outcomes = await Promise.all(cancels);
  await assertHolds(server, seller, { fungibles: { gem: 1 } }, 'the seller');
  await assertHolds(server, buyer, {}, 'the buyer');
  await assertAuditGreen(server);
  const answered = outcomes.filter((outcome) => outcome === 'answered').length;
  assert.equal(answered, 1, `${answered} of 100 cancels were answered`);
  assert.deepEqual([late, ...new Set(outcomes.filter((outcome) => outcome !== 'answered'))], ['TRADE_CLOSED', 'TRADE_CLOSED']);
}

/** 13: a cancel against the acceptance that settles, over and over: from either side, sooner, later and at once. */
async function cancelRacesAccept(server: TestServer): Promise<void> {
  const rounds = HEAD_STARTS_MS.flatMap((headStartMs) => (['first', 'second'] as const).map((canceller) => ({ headStartMs, canceller })));
  const pairs = Array.from({ length: 4 }, () => joinMany(server, 2) as Promise<[TestPlayer, TestPlayer]>);
  // All come to their end, so that nobody is still on the way to a server that a control has stopped.
  const ended = await Promise.allSettled(pairs.map(async (pair) => {
    const [seller, buyer] = await pair;
    await service(server).grant(seller.id, { fungibles: { ore: rounds.length } });
    await service(server).grant(buyer.id, { fungibles: { gold: rounds.length } });
    let sold = 0;
    for (const { headStartMs, canceller } of rounds) {
      const table = await sitDown(seller, buyer);
      const revision = await halfAccepted(table, { fungibles: { ore: 1 } }, { fungibles: { gold: 1 } });
      const [accepted, cancelled] = await Promise.all([
        delay(Math.max(0, headStartMs)).then(() => settle(table.second, revision)),
        delay(Math.max(0, -headStartMs)).then(() => cancel(table[canceller])),
      ]);
      assert.ok((accepted === 'settled') !== (cancelled === 'answered'), `accept: ${accepted}, cancel: ${cancelled}`);
      assert.ok(accepted === 'TRADE_CLOSED' || cancelled === 'TRADE_CLOSED', `accept: ${accepted}, cancel: ${cancelled}`);
      const phase = accepted === 'settled' ? 'settled' : 'cancelled';
      for (const room of [table.first, table.second]) await until(() => (room.state as { phase: string }).phase === phase, 1_000, `both see that it is ${phase}`);
      if (phase === 'settled') sold++;
    }
    await assertHolds(server, seller, { fungibles: { ore: rounds.length - sold, gold: sold } }, 'the seller');
    await assertHolds(server, buyer, { fungibles: { ore: sold, gold: rounds.length - sold } }, 'the buyer');
    return sold;
  }));
  for (const end of ended) if (end.status === 'rejected') throw end.reason;
  await assertAuditGreen(server);
  const sold = ended.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
  const [all, settled] = [rounds.length * sold.length, sold.reduce((sum, count) => sum + count)];
  assert.ok(settled > 0 && settled < all, `${settled} of ${all} settled: the offsets do not meet the race`);
}

/** 13: a seller's last sword, and then the last gem, stand at a table with each of the buyers, who all accept at once. */
async function lastUnit(server: TestServer, count = BUYERS): Promise<void> {
  const [seller, ...buyers] = (await joinMany(server, count + 1)) as [TestPlayer, ...TestPlayer[]];
  const [sword = ''] = await service(server).grant(seller.id, { fungibles: { gem: 1 }, items: [{ kind: 'sword' }] });
  await Promise.all(buyers.map(({ id }) => service(server).grant(id, { fungibles: { gold: 2 } })));
  const tables = await Promise.all(buyers.map((buyer) => sitDown(seller, buyer)));
  const rush = async (gives: Offered) => {
    const revisions = await Promise.all(tables.map((table) => halfAccepted(table, gives, { fungibles: { gold: 1 } })));
    return await Promise.all(tables.map(({ second }, at) => settle(second, revisions[at]!)));
  };

  const swords = await rush({ items: [sword] });
  const owner = swords.indexOf('settled');
  await assertHolds(server, seller, { fungibles: { gem: 1, gold: 1 } }, 'the seller');
  // The tables of who got nothing are open again; the owner's is over.
  tables[owner] = await sitDown(seller, buyers[owner]!);
  const gems = await rush({ fungibles: { gem: 1 } });
  await assertHolds(server, seller, { fungibles: { gold: 2 } }, 'the seller');
  for (const [at, buyer] of buyers.entries()) {
    const [items, gem] = [at === owner ? [sword] : [], gems[at] === 'settled' ? 1 : 0];
    await assertHolds(server, buyer, { fungibles: { gold: 2 - items.length - gem, gem }, items }, `buyer ${at}`);
  }
  await assertAuditGreen(server);
  assert.deepEqual(swords.toSorted(), [...Array(count - 1).fill('NOT_OWNER'), 'settled']);
  assert.deepEqual(gems.toSorted(), [...Array(count - 1).fill('INSUFFICIENT'), 'settled']);
}

async function burn(server: TestServer, playerId: string, what: Offered): Promise<string> {
  const { status, body } = await service(server).call<{ code: string }>('POST', '/burns', { commandId: commandId(), playerId, ...what });
  return status === 200 ? 'burned' : body.code;
}

/** 15: one thing at four tables and in two burns at once, each of them first once. Guild banks and the market are doors to add here. */
async function everyDoorAtOnce(server: TestServer, thing: 'sword' | 'gem'): Promise<void> {
  const [owner, ...partners] = (await joinMany(server, 5)) as [TestPlayer, ...TestPlayer[]];
  const got = partners.map(() => ({ items: [] as string[], gem: 0 }));
  for (let round = 0; round < partners.length + 2; round++) {
    const [sword] = await service(server).grant(owner.id, thing === 'sword' ? { items: [{ kind: 'sword' }] } : { fungibles: { gem: 1 } });
    const gives = sword === undefined ? { fungibles: { gem: 1 } } : { items: [sword] };
    const doors = await Promise.all(partners.map(async (partner) => {
      const table = await sitDown(owner, partner);
      const revision = await halfAccepted(table, gives);
      return () => settle(table.second, revision);
    }));
    const all = [...doors, ...Array.from({ length: 2 }, () => () => burn(server, owner.id, gives))];
    const inTurn = [...all.slice(round), ...all.slice(0, round)];
    const outcomes = await Promise.all(inTurn.map((open) => open()));

    const winner = all.indexOf(inTurn[outcomes.findIndex((outcome) => ['settled', 'burned'].includes(outcome))]!);
    const winning = got[winner];
    if (sword === undefined && winning) winning.gem++;
    if (sword !== undefined) winning?.items.push(sword);
    await assertHolds(server, owner, {}, 'the owner');
    for (const [at, partner] of partners.entries()) await assertHolds(server, partner, { fungibles: { gem: got[at]!.gem }, items: got[at]!.items }, `partner ${at}`);
    if (sword !== undefined) {
      const { entries } = (await service(server).call<{ entries: { receiver: string | null }[] }>('GET', `/items/${sword}/history`)).body;
      assert.deepEqual(entries.map(({ receiver }) => receiver), [owner.id, partners[winner]?.id ?? null], 'minted, and gone once');
    }
    assert.deepEqual(outcomes.filter((outcome) => outcome !== (sword === undefined ? 'INSUFFICIENT' : 'NOT_OWNER')).length, 1, outcomes.join(', '));
  }
  await assertAuditGreen(server);
}

/** 23: of the trades in one commit one is short by then, and one gives more than its receiver can hold; the others settle. */
async function poisonedCommit(server: TestServer, shardUrls: string): Promise<void> {
  const players = await joinOn(server, Array<number>(2 * (PLUGS + 5)).fill(0));
  const deals: Deal[] = [];
  while (players.length > 0) {
    const [giver, taker] = players.splice(0, 2) as [TestPlayer, TestPlayer];
    await service(server).grant(giver.id, { fungibles: { gold: 7 } });
    deals.push(await prepareDeal(giver, taker, { fungibles: { gold: 7 } }, {}));
  }
  const plugs = deals.splice(0, PLUGS);
  const [short, overfull, ...good] = deals as [Deal, Deal, ...Deal[]];
  assert.equal(await burn(server, short.first.id, { fungibles: { gold: 1 } }), 'burned');
  await service(server).grant(overfull.second.id, { fungibles: { gold: QUANTITY_MAX - 6 } });

  const outcomes = await settleTogether(shardUrls, plugs, [good[0]!, short, good[1]!, overfull, good[2]!]);
  for (const { first, second } of [...plugs, ...good]) {
    await assertHolds(server, first, {}, 'a giver');
    await assertHolds(server, second, { fungibles: { gold: 7 } }, 'a taker');
  }
  await assertHolds(server, short.first, { fungibles: { gold: 6 } }, 'who is short');
  await assertHolds(server, overfull.first, { fungibles: { gold: 7 } }, 'who gives too much');
  await assertHolds(server, overfull.second, { fungibles: { gold: QUANTITY_MAX - 6 } }, 'who has too much');
  assert.deepEqual(outcomes, { plugs: plugs.map(() => 'settled'), deals: ['settled', 'INSUFFICIENT', 'settled', 'BAD_REQUEST', 'settled'] });
  await assertAuditGreen(server);
}

describe('dupes: a rush', () => {
  let host: ShardHost;
  let shards: string;
  let server: TestServer;
  before(async () => {
    host = await startShardHost();
    shards = await host.freshShards();
    server = await startServer({ env: { SHARD_URLS: shards } });
  });
  after(async () => {
    await server?.stop();
    await host?.stop();
  });

  it('[TR4] dupe 13: a hundred cancels at once, and an acceptance behind them', () => hundredCancels(server));
  it('[TR4] dupe 13: cancels race acceptances, from either side and at many offsets', () => cancelRacesAccept(server));
  it(`[TR5] dupe 13: ${BUYERS} buyers of the last sword, and of the last gem`, () => lastUnit(server));
  it('[TR5] dupe 15: one sword at several tables and in burns at once', () => everyDoorAtOnce(server, 'sword'));
  it('[LD4] dupe 15: one gem at several tables and in burns at once', () => everyDoorAtOnce(server, 'gem'));
  it('[TQ3] dupe 23: poisoned trades in one commit with others', () => poisonedCommit(server, shards));

  const poisoned = (server: TestServer) => poisonedCommit(server, shards);
  const controls: [MutationName, ControlCase[]][] = [
    [
      'cancels-while-settling',
      [
        { dupe: '13', scenario: hundredCancels, symptom: /100 of 100 cancels were answered/ },
        { dupe: '13', scenario: cancelRacesAccept, symptom: /accept: settled, cancel: answered/ },
      ],
    ],
    [
      'write-trusts-offer',
      [
        // Or what moves twice breaks what holds it, when the trades come closer together.
        { dupe: '13', scenario: (server) => lastUnit(server, 5), symptom: /the seller holds|'INTERNAL'/ },
        { dupe: '15', scenario: (server) => everyDoorAtOnce(server, 'sword'), symptom: /partner \d holds|gone once|[2-9] !== 1/ },
      ],
    ],
    [
      'balances-unbounded',
      [
        { dupe: '13', scenario: (server) => lastUnit(server, 5), symptom: /the seller holds/ },
        { dupe: '15', scenario: (server) => everyDoorAtOnce(server, 'gem'), symptom: /partner \d holds/ },
      ],
    ],
    ['poison-spreads', [{ dupe: '23', scenario: poisoned, symptom: /a giver holds/ }]],
    ['refused-together', [{ dupe: '23', scenario: poisoned, symptom: /a giver holds/ }]],
  ];
  for (const [mutation, cases] of controls) {
    it(`goes red on a server that is "${mutation}": ${cases.map(({ dupe, symptom }) => `dupe ${dupe} (${symptom.source})`).join(', ')}`, async () => {
      shards = await host.freshShards();
      await control(mutation, { env: { SHARD_URLS: shards } }, cases);
    });
  }
});
