import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Room } from '@colyseus/sdk';
import { assertAuditGreen, assertHolds, assertShown } from '../kit/economy.ts';
import { openFrameProxy, type FrameProxy, type Tampering } from '../kit/frame-proxy.ts';
import { control, type ControlCase } from '../kit/mutant.ts';
import type { MutationName } from '../kit/mutations.ts';
import { commandId, ignoreMessages, join, service, until, type TestPlayer } from '../kit/player.ts';
import { startServer, type TestServer } from '../kit/server.ts';
import { startShardHost, type ShardHost } from '../kit/shard-host.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';
import { accept, joinZone, offer, outcomeOf, sitDown } from '../kit/trade.ts';

const gather = (zone: Room) => zone.request<unknown, { quantity: number }>('gather', { commandId: commandId(), nodeId: 'ore-1' });
const rename = (player: TestPlayer, name: string) => player.room.request('player:rename', { commandId: commandId(), name });
const revisionOf = (room: Room) => (room.state as { revision: number }).revision;

async function through(server: TestServer, tampering: Tampering, work: (proxy: FrameProxy) => Promise<void>): Promise<void> {
  const proxy = await openFrameProxy(server.port, tampering);
  try {
    await work(proxy);
  } finally {
    await proxy.close();
  }
}

/** Until all has been said twice over: at once, or because the network fails and the client comes back to its seats. @returns the rooms as they are then */
async function repeated(proxy: FrameProxy, tampering: Tampering, player: TestPlayer, rooms: readonly Room[]): Promise<Room[]> {
  let seats = [...rooms];
  if (tampering === 'replayed') {
    const left = Promise.all(rooms.map((room) => new Promise((resolve) => room.onLeave(resolve))));
    const tokens = rooms.map(({ reconnectionToken }) => reconnectionToken);
    proxy.cut();
    await left;
    seats = await Promise.all(tokens.map((token) => player.client.reconnect(token)));
    for (const room of seats) {
      room.reconnection.enabled = false;
      ignoreMessages(room);
    }
  }
  await until(() => proxy.allAnswered(2), 2_000, 'every command is answered twice');
  return seats;
}

/** 19: a gathering, said twice. */
async function gathered(server: TestServer, tampering: Tampering): Promise<void> {
  await through(server, tampering, async (proxy) => {
    const player = await join(proxy.url);
    const zone = await joinZone(player);
    const { quantity } = await gather(zone);
    const [home] = await repeated(proxy, tampering, player, [player.room, zone]);
    await assertHolds(server, player, { fungibles: { ore: quantity } }, 'the gatherer');
    const { xp, inventoryVersion } = await service(server).player(player.id);
    assert.deepEqual([xp, inventoryVersion], [5, 1], 'experience and version of one gathering');
    assert.deepEqual(proxy.answeredDifferently(), [], 'answers differ');
    await assertShown(server, { ...player, room: home! });
  });
  await assertAuditGreen(server);
}

/** 19: two renamings, each said twice. A late echo of the first name does not bring it back. */
async function renamed(server: TestServer, tampering: Tampering): Promise<void> {
  await through(server, tampering, async (proxy) => {
    const player = await join(proxy.url);
    for (const name of ['First', 'Second']) await rename(player, name);
    const [home] = await repeated(proxy, tampering, player, [player.room]);
    const { name } = await service(server).player(player.id);
    assert.equal(name, 'Second', `the name is ${name}`);
    assert.deepEqual(proxy.answeredDifferently(), [], 'answers differ');
    await until(() => (home!.state as { name?: string }).name === name, 1_000, 'the room shows the name');
  });
}

/** 19: offers and an acceptance that settles, each said twice. An offer has no command id: said again, it takes acceptances back. */
async function sold(server: TestServer, tampering: Tampering): Promise<void> {
  await through(server, tampering, async (proxy) => {
    const [seller, buyer] = [await join(server.url), await join(proxy.url)];
    const [sword = ''] = await service(server).grant(seller.id, { items: [{ kind: 'sword' }] });
    await service(server).grant(buyer.id, { fungibles: { gold: 20 } });
    const table = await sitDown(seller, buyer);
    await offer(table.first, { items: [sword] });
    await offer(table.second, { fungibles: { gold: 10 } });
    const revision = tampering === 'twice' ? 3 : 2;
    await until(() => revisionOf(table.first) === revision, 1_000, 'every offer has arrived');
    await accept(table.first, revision);
    // Without the guard, the refusal of the second may be here before the answer to the first.
    const outcome = await outcomeOf(table.second.request('trade:accept', { commandId: commandId(), revision }));
    const [home] = await repeated(proxy, tampering, buyer, [buyer.room, table.second]);
    await assertHolds(server, seller, { fungibles: { gold: 10 } }, 'the seller');
    await assertHolds(server, buyer, { fungibles: { gold: 10 }, items: [sword] }, 'the buyer');
    const { entries } = (await service(server).call<{ entries: unknown[] }>('GET', `/items/${sword}/history`)).body;
    assert.equal(entries.length, 2, 'minted, and sold once');
    assert.deepEqual(proxy.answeredDifferently(), [], 'answers differ');
    assert.equal(outcome, 'settled');
    await assertShown(server, { ...buyer, room: home! });
  });
  await assertAuditGreen(server);
}

/** 19: what a client says second arrives first. Nothing settles on what the other side has not seen. */
async function swapped(server: TestServer): Promise<void> {
  await through(server, 'swapped', async (proxy) => {
    const [seller, buyer] = [await join(server.url), await join(proxy.url)];
    const [sword = ''] = await service(server).grant(seller.id, { items: [{ kind: 'sword' }] });
    await service(server).grant(buyer.id, { fungibles: { gold: 100 } });
    const zone = await joinZone(buyer);
    const ores = await Promise.all([gather(zone), gather(zone)]);
    await Promise.all([rename(buyer, 'First'), rename(buyer, 'Second')]);
    const gathered = { ore: ores.reduce((sum, { quantity }) => sum + quantity, 0) };

    const table = await sitDown(seller, buyer);
    const says = (type: string, body: object) => outcomeOf(table.second.request(type, body));
    await offer(table.first, { items: [sword] });
    await offer(table.second, { fungibles: { gold: 100 } });
    await accept(table.first, 2);
    const lowered = await Promise.all([says('trade:accept', { commandId: commandId(), revision: 2 }), says('trade:offer', { items: [], fungibles: { gold: 1 } })]);
    await assertHolds(server, seller, { items: [sword] }, 'the seller');
    const raised = await Promise.all([says('trade:offer', { items: [], fungibles: { gold: 90 } }), says('trade:accept', { commandId: commandId(), revision: 4 })]);
    await accept(table.first, 4);
    await assertHolds(server, buyer, { fungibles: { gold: 100, ...gathered } }, 'the buyer');
    assert.equal(await accept(table.second, 4), 'settled');
    await assertHolds(server, seller, { fungibles: { gold: 90 } }, 'the seller');
    await assertHolds(server, buyer, { fungibles: { gold: 10, ...gathered }, items: [sword] }, 'the buyer');
    await assertShown(server, buyer);

    const another = await sitDown(seller, buyer);
    await offer(another.first, { fungibles: { gold: 90 } });
    await accept(another.first, 1);
    const left = await Promise.all([outcomeOf(another.second.request('trade:accept', { commandId: commandId(), revision: 1 })), outcomeOf(another.second.request('trade:cancel', {}))]);
    await assertHolds(server, seller, { fungibles: { gold: 90 } }, 'the seller');
    assert.deepEqual([lowered, raised, left], [['TRADE_STALE', 'answered'], ['answered', 'TRADE_STALE'], ['TRADE_CLOSED', 'answered']]);
    assert.equal((await service(server).player(buyer.id)).name, 'First', 'what arrived last');
    assert.ok(proxy.allAnswered(1));
  });
  await assertAuditGreen(server);
}

describe('dupes: frames', () => {
  const { folder, remove } = temporaryFolder();
  // Nothing cools down, so that only the command id keeps a gathering from being done again.
  const CATALOG_PATH = path.join(folder, 'catalog.yaml');
  let host: ShardHost;
  let server: TestServer;
  before(async () => {
    writeFileSync(CATALOG_PATH, readFileSync('catalog.yaml', 'utf8').replaceAll(/cooldownMs: \d+/g, 'cooldownMs: 0'));
    host = await startShardHost();
    server = await startServer({ env: { CATALOG_PATH, SHARD_URLS: await host.freshShards() } });
  });
  after(async () => {
    await server?.stop();
    await host?.stop();
    remove();
  });

  for (const [how, tampering] of [['said twice', 'twice'], ['replayed after a reconnection', 'replayed']] as const) {
    it(`[KE1] dupe 19: a gathering is ${how}`, () => gathered(server, tampering));
    it(`[KE1] dupe 19: renamings are ${how}`, () => renamed(server, tampering));
    it(`[KE1] dupe 19: offers and acceptances are ${how}`, () => sold(server, tampering));
  }
  it('[TR2] dupe 19: neighbours change places', () => swapped(server));

  const controls: [MutationName[], ControlCase[]][] = [
    [
      ['commands-forgotten', 'renames-again', 'repeats-run'],
      [
        { dupe: '19, twice', scenario: (server) => gathered(server, 'twice'), symptom: /the gatherer holds/ },
        { dupe: '19, twice', scenario: (server) => sold(server, 'twice'), symptom: /answers differ/ },
        { dupe: '19, replayed', scenario: (server) => gathered(server, 'replayed'), symptom: /the gatherer holds/ },
        { dupe: '19, replayed', scenario: (server) => renamed(server, 'replayed'), symptom: /the name is First/ },
        { dupe: '19, replayed', scenario: (server) => sold(server, 'replayed'), symptom: /answers differ/ },
      ],
    ],
    [['accepts-any-revision', 'offer-keeps-acceptances'], [{ dupe: '19, swapped', scenario: swapped, symptom: /the seller holds/ }]],
  ];
  for (const [mutations, cases] of controls) {
    it(`goes red on a server that is "${mutations.join('", "')}": ${cases.map(({ dupe, symptom }) => `dupe ${dupe} (${symptom.source})`).join(', ')}`, async () => {
      await control(mutations, { env: { CATALOG_PATH, SHARD_URLS: await host.freshShards() } }, cases);
    });
  }
});
