import assert from 'node:assert/strict';
import { assertAuditGreen, assertHolds, shown } from '../kit/economy.ts';
import { control, type ControlCase } from '../kit/mutant.ts';
import type { MutationName } from '../kit/mutations.ts';
import { commandId, join, refusalOf, service, until } from '../kit/player.ts';
import { startServer, type TestServer } from '../kit/server.ts';
import { startShardHost, type ShardHost } from '../kit/shard-host.ts';
import { accept, joinMany, joinZone, offer, outcomeOf, sitDown } from '../kit/trade.ts';

/** 21: a grant under an id that another grant had, one after the other and ten at once. */
async function grantsUnderOneId(server: TestServer): Promise<void> {
  const player = await join(server.url);
  const grant = async (id: string, gold: number) => await service(server).call<{ code?: string }>('POST', '/grants', { commandId: id, playerId: player.id, fungibles: { gold } });
  const id = commandId();
  const first = await grant(id, 5);
  const second = await grant(id, 500);
  const repeated = await grant(id, 5);
  const rush = commandId();
  const rushed = await Promise.all(Array.from({ length: 10 }, (_, at) => grant(rush, 1_000 + at)));
  const won = rushed.findIndex(({ status }) => status === 200);
  await assertHolds(server, player, { fungibles: { gold: 5 + 1_000 + won } }, 'the player');
  await assertAuditGreen(server);
  assert.equal(second.body.code, 'COMMAND_REUSED', `the other payload was answered with ${JSON.stringify(second)}`);
  assert.deepEqual(repeated, first);
  assert.equal(rushed.filter(({ body }) => body.code === 'COMMAND_REUSED').length, 9);
}

/** 21: a player's id of one message in another: gather, rename, trade:accept. */
async function messagesUnderOneId(server: TestServer): Promise<void> {
  const [player, partner] = await joinMany(server, 2);
  assert.ok(player && partner);
  const zone = await joinZone(player);
  const gathered = commandId();
  const gather = (id: string, nodeId: string) => zone.request<unknown, { asset: string; quantity: number }>('gather', { commandId: id, nodeId });
  const { asset, quantity } = await gather(gathered, 'ore-1');
  const others = [
    await outcomeOf(gather(gathered, 'wood-1')),
    await outcomeOf(player.room.request('player:rename', { commandId: gathered, name: 'Twice' })),
  ];
  const renamed = commandId();
  await player.room.request('player:rename', { commandId: renamed, name: 'Once' });
  others.push(await outcomeOf(player.room.request('player:rename', { commandId: renamed, name: 'Twice' })));

  // An acceptance under the gathering's id moves nothing, and the window opens again.
  const table = await sitDown(player, partner);
  await accept(table.first, await offer(table.first, { fungibles: { ore: 1 } }), gathered);
  others.push(await outcomeOf(table.second.request('trade:accept', { commandId: commandId(), revision: 1 })));
  // An id that accepted one revision does not accept another one.
  const once = commandId();
  await accept(table.first, 2, once);
  const revision = await offer(table.second, {});
  others.push(await outcomeOf(table.first.request('trade:accept', { commandId: once, revision })));

  await assertHolds(server, player, { fungibles: { [asset]: quantity } }, 'the player');
  await assertHolds(server, partner, {}, 'the partner');
  await assertAuditGreen(server);
  assert.deepEqual(others, Array(5).fill('COMMAND_REUSED'));
  assert.equal((await service(server).player(player.id)).name, 'Once');
}

/** 21: the id of a trade's acceptance, in the next trade of the same two. */
async function acceptanceInNextTrade(server: TestServer): Promise<void> {
  const [giver, taker] = await joinMany(server, 2);
  assert.ok(giver && taker);
  await service(server).grant(giver.id, { fungibles: { gold: 100 } });
  const ids = [commandId(), commandId()] as const;
  const outcomes: string[] = [];
  for (const gold of [10, 80]) {
    const table = await sitDown(giver, taker);
    const revision = await offer(table.first, { fungibles: { gold } });
    await accept(table.first, revision, ids[0]);
    outcomes.push(await outcomeOf(table.second.request('trade:accept', { commandId: ids[1], revision })));
  }
  await assertHolds(server, giver, { fungibles: { gold: 90 } }, 'the giver');
  await assertHolds(server, taker, { fungibles: { gold: 10 } }, 'the taker');
  await assertAuditGreen(server);
  assert.deepEqual(outcomes, ['settled', 'COMMAND_REUSED']);
}

describe('dupes: commands', () => {
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

  it('[KE2] dupe 21: one command id, two grants', () => grantsUnderOneId(server));
  it('[KE2] dupe 21: one command id, two messages', () => messagesUnderOneId(server));
  it('[KE2] dupe 21: one command id, two trades', () => acceptanceInNextTrade(server));

  const controls: [MutationName, ControlCase[]][] = [
    [
      'commands-act-twice',
      [
        { dupe: '21', scenario: grantsUnderOneId, symptom: /the player holds/ },
        { dupe: '21', scenario: acceptanceInNextTrade, symptom: /the giver holds/ },
      ],
    ],
    ['payload-unchecked', [{ dupe: '21', scenario: grantsUnderOneId, symptom: /the other payload was answered/ }]],
  ];
  for (const [mutation, cases] of controls) {
    it(`goes red on a server that is "${mutation}": ${cases.map(({ dupe, symptom }) => `dupe ${dupe} (${symptom.source})`).join(', ')}`, async () => {
      await control(mutation, { env: { SHARD_URLS: await host.freshShards() } }, cases);
    });
  }

  it('[KE4] the outcome of a command is told to who asked for it and to nobody else, also when its room is gone', async () => {
    const [giver, taker] = await joinMany(server, 2);
    assert.ok(giver && taker);
    await service(server).grant(giver.id, { fungibles: { gold: 1 } });
    const table = await sitDown(giver, taker);
    const revision = await offer(table.first, { fungibles: { gold: 1 } });
    const ids = [commandId(), commandId()] as const;
    const outcome = (of: typeof giver, id: string) => of.room.request('command:outcome', { commandId: id });
    assert.deepEqual(await outcome(giver, ids[0]), { known: false });
    await accept(table.first, revision, ids[0]);
    assert.deepEqual(await outcome(giver, ids[0]), { known: false }, 'an acceptance that waits has done nothing yet');
    await accept(table.second, revision, ids[1]);
    await Promise.all([table.first.leave(), table.second.leave()]);
    await until(async () => (await giver.client.joinById(table.id).then(() => 'joined', () => 'gone')) === 'gone', 5_000, 'the room is gone');
    assert.deepEqual(await outcome(giver, ids[0]), { known: true, answer: { status: 'settled' } });
    assert.deepEqual(await outcome(taker, ids[1]), { known: true, answer: { status: 'settled' } });
    assert.deepEqual(await outcome(taker, ids[0]), { known: false }, "somebody else's");
    assert.equal((await refusalOf(giver.room.request('command:outcome', { commandId: 'none' }))).code, 'BAD_REQUEST');
    await until(() => shown(taker).fungibles['gold'] === 1);
  });
});
