import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Room } from '@colyseus/sdk';
import { assertAuditGreen, assertHolds, assertShown } from '../kit/economy.ts';
import { commandId, join, joinPlayer, refusalOf, service, until, type TestPlayer } from '../kit/player.ts';
import { startServer, type TestServer } from '../kit/server.ts';
import { joinZone, outcomeOf } from '../kit/trade.ts';

/** By catalog.yaml. */
const [SPEED, WIDTH, HEIGHT, REACH] = [200, 1200, 800, 80];
const ORE = { min: 1, max: 3, cooldownMs: 2000 };

interface Point {
  x: number;
  y: number;
}
interface ZoneShown {
  players: Map<string, Point & { name: string; level: number }>;
  nodes: Map<string, Point & { readyAt: number; asset: string }>;
}
const shown = (room: Room) => room.state as ZoneShown;
const apart = (a: Point, b: Point) => Math.hypot(a.x - b.x, a.y - b.y);

describe('the zone at the socket', () => {
  let server: TestServer;
  let player: TestPlayer;
  let zone: Room;
  before(async () => {
    server = await startServer({ env: { MESSAGES_PER_SECOND_MAX: '1000' } });
  });
  beforeEach(async () => {
    player = await join(server.url, 'Walker');
    zone = await joinZone(player);
    await until(() => shown(zone).players?.has(player.id));
  });
  afterEach(() => Promise.all([zone.leave(), player.leave()]));
  after(async () => {
    await assertAuditGreen(server);
    await server.stop();
  });

  const at = (): Point => {
    const { x, y } = shown(zone).players.get(player.id) ?? { x: Number.NaN, y: Number.NaN };
    return { x, y };
  };
  const gather = (nodeId: string, id = commandId()) => zone.request<unknown, { asset: string; quantity: number }>('gather', { commandId: id, nodeId });
  const walkTo = async (target: Point) => {
    zone.send('move', target);
    await until(() => apart(at(), target) < 1, 15_000, `at ${JSON.stringify(target)}`);
  };

  // Guards the step by elapsed time: a client that names the corner again and again is no faster.
  it('[ZN1] whatever is sent, a player walks at the speed of the zone: measured from the states over time', async () => {
    await walkTo({ x: 0, y: 0 });
    const began = performance.now();
    const from = at();
    const samples: { ms: number; distance: number }[] = [];
    while (performance.now() - began < 2500) {
      for (const target of [{ x: WIDTH, y: 0 }, { x: 1e6, y: 0 }, { x: WIDTH, y: 0 }]) zone.send('move', target);
      await delay(20);
      samples.push({ ms: performance.now() - began, distance: apart(from, at()) });
    }
    // A patch and a tick late, or a state that arrived in a bunch.
    for (const { ms, distance } of samples) assert.ok(distance <= (SPEED * (ms + 250)) / 1000, `${distance.toFixed(0)} units in ${ms.toFixed(0)} ms`);
    const last = samples.at(-1);
    assert.ok(last && last.distance >= (SPEED * (last.ms - 500)) / 1000, `it does walk: ${last?.distance}`);
  });

  it('[ZN1] nobody teleports, and nobody leaves the rectangle', async () => {
    const from = at();
    for (const target of [{ x: 0, y: 0 }, { x: WIDTH, y: HEIGHT }, { x: -1e6, y: -1e6 }]) zone.send('move', target);
    await delay(200);
    assert.ok(apart(from, at()) <= SPEED * 0.5, `moved ${apart(from, at())} in 200 ms`);
    const until4s = performance.now() + 4500;
    while (performance.now() < until4s) {
      const { x, y } = at();
      assert.ok(x >= 0 && y >= 0 && x <= WIDTH && y <= HEIGHT, `${x}, ${y}`);
      zone.send('move', { x: -1e6, y: -1e6 });
      await delay(50);
    }
    await until(() => apart(at(), { x: 0, y: 0 }) < 1);
  });

  it('[ZN1] leaving and coming back is no way to be somewhere else than at the spawn', async () => {
    await walkTo({ x: 500, y: 300 });
    await zone.leave();
    zone = await joinZone(player);
    await until(() => shown(zone).players?.has(player.id));
    assert.ok(apart(at(), { x: 600, y: 400 }) < 30);
  });

  it('[ZN2] loot is within the table of its node, lands in the inventory at once, and once per cooldown', async () => {
    await walkTo({ x: 640, y: 400 });
    let total = 0;
    let readyAt = shown(zone).nodes.get('ore-1')?.readyAt ?? 0;
    for (let round = 0; round < 2; round++) {
      await until(() => readyAt <= Date.now(), ORE.cooldownMs + 1000);
      const requests = await Promise.allSettled(Array.from({ length: 10 }, () => gather('ore-1')));
      const got = requests.flatMap((request) => (request.status === 'fulfilled' ? [request.value] : []));
      assert.equal(got.length, 1, 'of ten at once one has it');
      const [{ asset, quantity } = { asset: '', quantity: 0 }] = got;
      assert.ok(asset === 'ore' && quantity >= ORE.min && quantity <= ORE.max && Number.isInteger(quantity), `${quantity} ${asset}`);
      total += quantity;
      const { details, code } = await refusalOf(gather('ore-1'));
      assert.equal(code, 'NOT_READY');
      // From the refusal, because the state that is shown may be a patch behind.
      readyAt = Number(details['readyAt']);
      assert.ok(readyAt > Date.now() && readyAt <= Date.now() + ORE.cooldownMs);
    }
    await assertHolds(server, player, { fungibles: { ore: total } });
    await assertShown(server, player);
    const { xp, level } = await service(server).player(player.id);
    assert.ok(xp > 0 && level >= 1);
    await until(() => (player.room.state as { xp: number }).xp === xp, 1000, 'the room shows the experience');
  });

  it('[ZN2] a repeat of one command is one gathering, and a room that was left does not ready its nodes', async () => {
    await walkTo({ x: 540, y: 360 });
    await until(() => (shown(zone).nodes.get('wood-1')?.readyAt ?? 0) <= Date.now(), 5000);
    const id = commandId();
    const first = await gather('wood-1', id);
    assert.deepEqual(await Promise.all([gather('wood-1', id), gather('wood-1', id)]), [first, first]);
    assert.equal(await outcomeOf(gather('herb-1', id)), 'COMMAND_REUSED');
    await zone.leave();
    zone = await joinZone(player);
    await until(() => shown(zone).players?.has(player.id));
    const spawnToNode = apart(at(), { x: 540, y: 360 });
    const refusal = await refusalOf(gather('wood-1'));
    assert.equal(refusal.code, 'NOT_READY', `after coming back, ${spawnToNode} away`);
    await assertHolds(server, player, { fungibles: { wood: first.quantity } });
  });

  it('[ZN3] beyond reach is TOO_FAR wherever the client says it stands, and leaves the node ready', async () => {
    zone.send('move', { x: 120, y: 400 });
    assert.equal(await outcomeOf(gather('gem-1')), 'TOO_FAR');
    assert.equal(await outcomeOf(gather('ore-2')), 'TOO_FAR');
    assert.equal(await outcomeOf(zone.request('gather', { commandId: commandId(), nodeId: 'gem-1', x: 120, y: 400 })), 'BAD_REQUEST');
    assert.equal(shown(zone).nodes.get('gem-1')?.readyAt, 0);
    await until(() => apart(at(), { x: 120, y: 400 }) < REACH, 10_000);
    const { quantity } = await gather('gem-1');
    await assertHolds(server, player, { fungibles: { gem: quantity } });
  });

  it('[DS3] one gathering is one small patch of the player room', async () => {
    await service(server).grant(player.id, { fungibles: { gold: 5, ore: 1, wood: 1, herb: 1 }, items: Array.from({ length: 60 }, () => ({ kind: 'sword', attributes: { edge: 1 } })) });
    await assertShown(server, player);
    const sizes: number[] = [];
    const socket = (player.room.connection.transport as unknown as { ws: WebSocket }).ws;
    socket.addEventListener('message', ({ data }) => sizes.push((data as ArrayBuffer).byteLength));
    await until(() => (shown(zone).nodes.get('herb-1')?.readyAt ?? 0) <= Date.now(), 5000);
    await walkTo({ x: 600, y: 470 });
    await gather('herb-1');
    await assertShown(server, player);
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    assert.ok(bytes > 0 && bytes < 60, `${bytes} bytes in ${sizes.length} frames, of an inventory of 60 items`);
  });

  it('[RM3] a new name shows in the zone and in the own room, once per command', async () => {
    const id = commandId();
    assert.deepEqual(await player.room.request('player:rename', { commandId: id, name: '  Élodie 2 ' }), { name: 'Élodie 2' });
    await until(() => shown(zone).players.get(player.id)?.name === 'Élodie 2');
    await until(() => (player.room.state as { name: string }).name === 'Élodie 2');
    await player.room.request('player:rename', { commandId: commandId(), name: 'Other' });
    assert.deepEqual(await player.room.request('player:rename', { commandId: id, name: 'Élodie 2' }), { name: 'Élodie 2' });
    assert.equal((await service(server).player(player.id)).name, 'Other', 'a repeat answers and does nothing');
    assert.equal(await outcomeOf(player.room.request('player:rename', { commandId: id, name: 'Third' })), 'COMMAND_REUSED');
    assert.deepEqual(await player.room.request('command:outcome', { commandId: id }), { known: true, answer: { name: 'Élodie 2' } });
  });

  it('[DS4] whatever commits while a room opens is in it', async () => {
    for (let round = 0; round < 6; round++) {
      await player.leave();
      const granting = Promise.all(Array.from({ length: 8 }, async (_, at) => {
        await delay(at * 3);
        await service(server).grant(player.id, { fungibles: { gold: 1 }, items: at % 4 === 0 ? [{ kind: 'bow' }] : [] });
      }));
      Object.assign(player, await joinPlayer(player.client));
      await granting;
      await assertShown(server, player);
    }
  });
});

describe('a zone that seldom sends', () => {
  let server: TestServer;
  before(async () => {
    server = await startServer({ env: { PATCH_INTERVAL_MS: '1000' } });
  });
  after(() => server.stop());

  // Guards the step before a gathering: by the latest patch, which was when it set out, it is beyond reach.
  it('[ZN1] a player is where it has walked by now, not where it was shown last', async () => {
    const player = await join(server.url, 'Walker');
    const zone = await joinZone(player);
    const place = () => shown(zone).players?.get(player.id) ?? { x: Number.NaN, y: Number.NaN };
    const [far, near] = [{ x: 120, y: 400 + 2.25 * REACH }, { x: 120, y: 400 }];
    zone.send('move', far);
    await until(() => apart(place(), far) < 1, 15_000);
    zone.send('move', near);
    await delay(600);
    assert.ok(apart(place(), far) < 1, 'nothing was shown of it yet');
    const { quantity } = await zone.request<unknown, { quantity: number }>('gather', { commandId: commandId(), nodeId: 'gem-1' });
    assert.ok(quantity > 0);
    await Promise.all([zone.leave(), player.leave()]);
    await assertAuditGreen(server);
  });
});
