import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { assertAuditGreen, assertHolds, assertShown } from '../kit/economy.ts';
import { control, type ControlCase } from '../kit/mutant.ts';
import type { MutationName } from '../kit/mutations.ts';
import { commandId, ignoreMessages, service, until, type TestPlayer } from '../kit/player.ts';
import { startServer, type TestServer } from '../kit/server.ts';
import { startShardHost, type ShardHost } from '../kit/shard-host.ts';
import { accept, joinMany, offer, outcomeOf, sitDown, type Table } from '../kit/trade.ts';

interface Setting {
  seller: TestPlayer;
  buyer: TestPlayer;
  sword: string;
  table: Table;
}

/** A seller with a sword and an ore, a buyer with 100 gold, at a table where the sword stands against the gold. */
async function setTable(server: TestServer): Promise<Setting & { revision: number }> {
  const [seller, buyer] = (await joinMany(server, 2)) as [TestPlayer, TestPlayer];
  const [sword = ''] = await service(server).grant(seller.id, { fungibles: { ore: 1 }, items: [{ kind: 'sword' }] });
  await service(server).grant(buyer.id, { fungibles: { gold: 100 } });
  const table = await sitDown(seller, buyer);
  await offer(table.first, { items: [sword] });
  return { seller, buyer, sword, table, revision: await offer(table.second, { fungibles: { gold: 100 } }) };
}

async function assertNothingMoved(server: TestServer, { seller, buyer, sword }: Setting): Promise<void> {
  await assertHolds(server, seller, { fungibles: { ore: 1 }, items: [sword] }, 'the seller');
  await assertHolds(server, buyer, { fungibles: { gold: 100 } }, 'the buyer');
  await assertAuditGreen(server);
}

async function assertSoldOnce(server: TestServer, { seller, buyer, sword }: Setting): Promise<void> {
  await assertHolds(server, seller, { fungibles: { ore: 1, gold: 100 } }, 'the seller');
  await assertHolds(server, buyer, { items: [sword] }, 'the buyer');
  const { body } = await service(server).call<{ entries: unknown[] }>('GET', `/items/${sword}/history`);
  assert.equal(body.entries.length, 2, 'minted, and sold once');
  await Promise.all([seller, buyer].map((player) => assertShown(server, player)));
  await assertAuditGreen(server);
}

/** 5: who accepted loses the network; the partner accepts; the first comes back to the same seats. */
async function acceptDropReturn(server: TestServer): Promise<void> {
  const setting = await setTable(server);
  const { seller, table, revision } = setting;
  assert.equal(await accept(table.first, revision), 'waiting');
  const tokens = [seller.room.reconnectionToken, table.first.reconnectionToken] as const;
  await Promise.all([seller.room.leave(false), table.first.leave(false)]);
  await delay(100);
  assert.equal(await outcomeOf(accept(table.second, revision).then((status) => ({ status }))), 'settled');

  const [home, trade] = await Promise.all(tokens.map((token) => seller.client.reconnect(token)));
  assert.ok(home && trade);
  for (const room of [home, trade]) ignoreMessages(room);
  await until(() => (trade.state as { phase?: string }).phase === 'settled', 1_000, 'the trade shows that it settled');
  await until(() => Boolean((home.state as { playerId?: string }).playerId));
  await assertSoldOnce(server, { ...setting, seller: { ...seller, room: home } });
}

/** 17: the seller puts an ore in the sword's place and accepts that; the buyer accepts what was there before. */
async function editBeforeAcceptance(server: TestServer): Promise<void> {
  const setting = await setTable(server);
  const { table, revision } = setting;
  const edited = await offer(table.first, { fungibles: { ore: 1 } });
  await accept(table.first, edited);
  const late = await outcomeOf(table.second.request('trade:accept', { commandId: commandId(), revision }));
  await assertNothingMoved(server, setting);
  assert.equal(late, 'TRADE_STALE');
}

/** 17: the buyer has accepted; the seller then puts an ore in the sword's place and accepts that. */
async function editAfterAcceptance(server: TestServer): Promise<void> {
  const setting = await setTable(server);
  const { seller, buyer, table, revision } = setting;
  await accept(table.second, revision);
  const edited = await offer(table.first, { fungibles: { ore: 1 } });
  const early = await accept(table.first, edited);
  await assertNothingMoved(server, setting);
  assert.equal(early, 'waiting');
  const { sides } = table.second.state as { sides: Map<string, { accepted: boolean }> };
  await until(() => sides.get(seller.id)?.accepted === true && sides.get(buyer.id)?.accepted === false, 1_000, 'the window shows who has accepted');
}

/** 17: the same in flight: whichever arrives first, the buyer never gives gold for an ore. */
async function editDuringAcceptance(server: TestServer): Promise<void> {
  const setting = await setTable(server);
  const { table, sword } = setting;
  for (let round = 0; round < 10; round++) {
    const revision = await offer(table.first, { items: [sword] });
    await Promise.all([offer(table.first, { fungibles: { ore: 1 } }), outcomeOf(table.second.request('trade:accept', { commandId: commandId(), revision }))]);
    assert.equal(await accept(table.first, revision + 1), 'waiting');
  }
  await assertNothingMoved(server, setting);
}

/** 18: one side accepts twice, with one command id and with two. */
async function acceptTwiceAlone(server: TestServer): Promise<void> {
  const setting = await setTable(server);
  const { table, revision } = setting;
  const id = commandId();
  const answers = await Promise.all([accept(table.first, revision, id), accept(table.first, revision, id), accept(table.first, revision)]);
  await assertNothingMoved(server, setting);
  assert.deepEqual(answers, ['waiting', 'waiting', 'waiting']);
}

/** 18: both accept at once, each twice over, and again when it is done. */
async function acceptAtOnce(server: TestServer): Promise<void> {
  const setting = await setTable(server);
  const { seller, buyer, table, revision } = setting;
  // More of the buyer's gold could go than the trade says, if it settled more than once.
  await service(server).grant(buyer.id, { fungibles: { gold: 100 } });
  await offer(table.first, { fungibles: { ore: 1 } });
  await service(server).grant(seller.id, { fungibles: { ore: 1 } });
  const ids = [commandId(), commandId()] as const;
  const settle = async (room: Table['first'], id: string) => await outcomeOf(room.request('trade:accept', { commandId: id, revision: revision + 1 }));
  await settle(table.first, ids[0]);
  const rush = await Promise.all([settle(table.second, ids[1]), settle(table.second, ids[1]), settle(table.second, commandId()), settle(table.first, ids[0])]);
  await assertHolds(server, seller, { fungibles: { ore: 1, gold: 100 }, items: [setting.sword] }, 'the seller');
  await assertHolds(server, buyer, { fungibles: { ore: 1, gold: 100 } }, 'the buyer');
  await assertAuditGreen(server);
  assert.deepEqual(rush.slice(0, 3), ['settled', 'settled', 'TRADE_CLOSED']);
  assert.ok(rush[3] === 'settled' || rush[3] === 'waiting', 'the first one repeats before or after the second one settles it');
  assert.deepEqual(await Promise.all([settle(table.first, ids[0]), settle(table.second, ids[1])]), ['settled', 'settled']);
}

/** 18: an acceptance that settles, and a cancel right behind it on the same wire, or at once from the partner. */
async function acceptRacesCancel(server: TestServer): Promise<void> {
  for (const canceller of ['second', 'first'] as const) {
    const setting = await setTable(server);
    const { table, revision } = setting;
    await accept(table.first, revision);
    const [accepted, cancelled] = await Promise.all([
      outcomeOf(table.second.request('trade:accept', { commandId: commandId(), revision })),
      outcomeOf(table[canceller].request('trade:cancel', {})),
    ]);
    assert.ok((accepted === 'settled') !== (cancelled === 'answered'), `accept: ${accepted}, cancel: ${cancelled}`);
    await (accepted === 'settled' ? assertSoldOnce(server, setting) : assertNothingMoved(server, setting));
  }
}

describe('dupes: the trade window', () => {
  let host: ShardHost;
  let server: TestServer;
  before(async () => {
    host = await startShardHost();
    server = await startServer({ env: { SHARD_URLS: await host.freshShards() } });
  });
  after(async () => {
    await server?.stop();
    await host?.stop();
  });

  it('[RM4] dupe 5: who accepted drops, the partner accepts, the first returns within the window', () => acceptDropReturn(server));
  it('[TR2] dupe 17: the offer is edited before the old revision is accepted', () => editBeforeAcceptance(server));
  it('[TR1] dupe 17: the offer is edited after the partner accepted', () => editAfterAcceptance(server));
  it('[TR2] dupe 17: the offer is edited while the partner accepts', () => editDuringAcceptance(server));
  it('[TR3] dupe 18: one side accepts twice', () => acceptTwiceAlone(server));
  it('[TR3] dupe 18: both accept at once, and again', () => acceptAtOnce(server));
  it('[TR4] dupe 18: an acceptance races a cancel', () => acceptRacesCancel(server));

  const controls: [MutationName, ControlCase[]][] = [
    ['drop-loses-seat', [{ dupe: '5', scenario: acceptDropReturn, symptom: /TRADE_CLOSED/ }]],
    ['deltas-untold', [{ dupe: '5', scenario: acceptDropReturn, symptom: /the room shows/ }]],
    ['accepts-any-revision', [{ dupe: '17', scenario: editBeforeAcceptance, symptom: /the seller holds/ }]],
    ['offer-keeps-acceptances', [{ dupe: '17', scenario: editAfterAcceptance, symptom: /the seller holds/ }]],
    ['counts-acceptances', [{ dupe: '18', scenario: acceptTwiceAlone, symptom: /the seller holds/ }]],
    ['settles-again', [{ dupe: '18', scenario: acceptAtOnce, symptom: /the seller holds/ }]],
    ['cancels-while-settling', [{ dupe: '18', scenario: acceptRacesCancel, symptom: /accept: settled, cancel: answered/ }]],
  ];
  for (const [mutation, cases] of controls) {
    it(`goes red on a server that is "${mutation}": ${cases.map(({ dupe, symptom }) => `dupe ${dupe} (${symptom.source})`).join(', ')}`, async () => {
      await control(mutation, { env: { SHARD_URLS: await host.freshShards() } }, cases);
    });
  }
});
