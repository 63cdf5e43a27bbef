import assert from 'node:assert/strict';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Room } from '@colyseus/sdk';
import type { RefusalReply } from '../../schema/refusals.ts';
import { assertHolds } from '../kit/economy.ts';
import { commandId, join, service, until, type TestPlayer } from '../kit/player.ts';
import { get } from '../kit/raw.ts';
import { startServer, type TestServer } from '../kit/server.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';
import { joinZone, outcomeOf } from '../kit/trade.ts';

const SHIPPED = readFileSync(path.resolve(import.meta.dirname, '../../catalog.yaml'), 'utf8');
const WITH_PEARL = SHIPPED.replace('\n  # Unique:', '\n  - { name: pearl, title: Pearl, icon: gem, type: fungible, stack: 9 }\n  - { name: crown, title: Crown, icon: amulet, type: unique, stack: 1, bound: true }\n\n  # Unique:');
const WITH_PEARL_NODE = WITH_PEARL.replace('    nodes:\n', '    nodes:\n      - { id: pearl-1, asset: pearl, x: 610, y: 400, min: 2, max: 2, cooldownMs: 1000, xp: 1 }\n').replace(/ {6}- \{ id: hide-1.*\n/, '');

describe('the catalogue of a running server', () => {
  let server: TestServer;
  let player: TestPlayer;
  let zone: Room;
  const { folder, remove } = temporaryFolder();
  const file = path.join(folder, 'catalog.yaml');
  before(async () => {
    writeFileSync(file, SHIPPED);
    server = await startServer({ env: { CATALOG_PATH: file } });
    player = await join(server.url);
    zone = await joinZone(player);
    await until(() => nodes().has('ore-1'));
  });
  after(async () => {
    await Promise.all([zone.leave(), player.leave()]);
    await server.stop();
    remove();
  });

  const nodes = () => ((zone.state as { nodes?: Map<string, unknown> }).nodes ?? new Map<string, unknown>());
  const listed = async () => ((await get(`${server.url}/catalog`)).body as { assets: { name: string }[] }).assets.map(({ name }) => name);
  const grant = (what: object) => service(server).call<RefusalReply>('POST', '/grants', { commandId: commandId(), playerId: player.id, ...what });
  /** As editors do: a new file in the place of the old. */
  const replace = (text: string) => {
    writeFileSync(`${file}.draft`, text);
    renameSync(`${file}.draft`, file);
  };

  it('[CT2] what is added can be granted, shown and gathered, without a restart and without anyone joining again', async () => {
    assert.equal((await grant({ fungibles: { pearl: 1 } })).body.code, 'UNKNOWN_ASSET');
    writeFileSync(file, WITH_PEARL);
    await until(async () => (await listed()).includes('pearl'));
    assert.equal((await grant({ fungibles: { pearl: 1 }, items: [{ kind: 'crown' }] })).status, 200);
    assert.equal((await service(server).player(player.id)).items[0]?.bound, true);

    replace(WITH_PEARL_NODE);
    await until(() => nodes().has('pearl-1') && !nodes().has('hide-1'));
    assert.deepEqual(await zone.request('gather', { commandId: commandId(), nodeId: 'pearl-1' }), { asset: 'pearl', quantity: 2 });
    assert.equal(await outcomeOf(zone.request('gather', { commandId: commandId(), nodeId: 'hide-1' })), 'BAD_REQUEST');
    await assertHolds(server, player, { fungibles: { pearl: 3 }, items: (await service(server).player(player.id)).items.map(({ id }) => id) });
  });

  for (const [what, text] of Object.entries({
    'no YAML': 'assets: [',
    'nothing': '',
    'a wrong field': WITH_PEARL.replace('stack: 9 }', 'stack: -9 }'),
    'half a file': WITH_PEARL.slice(0, 700),
    'a node of an asset that is gone': WITH_PEARL_NODE.replace(/ {2}- \{ name: pearl.*\n/, ''),
  })) {
    it(`[CT2] a wrong file keeps the old catalogue in force, and the log says so: ${what}`, async () => {
      const before = await listed();
      const logged = server.log().length;
      replace(text);
      await until(() => server.log().slice(logged).includes('the catalogue keeps its old content'));
      assert.match(server.log().slice(logged), /catalog\.yaml:\d+/);
      assert.deepEqual(await listed(), before);
      assert.equal((await grant({ fungibles: { pearl: 1 } })).status, 200);
      assert.ok(nodes().has('pearl-1'));
    });
  }

  it('[CT2] after a wrong one the next right one is taken up, also when it is saved in pieces', async () => {
    for (let at = 0; at < SHIPPED.length; at += 600) {
      writeFileSync(file, SHIPPED.slice(0, at + 600));
      await delay(10);
    }
    await until(async () => !(await listed()).includes('pearl'));
    await until(() => nodes().has('hide-1') && !nodes().has('pearl-1'));
    assert.equal((await grant({ fungibles: { pearl: 1 } })).body.code, 'UNKNOWN_ASSET');
    const { fungibles } = await service(server).player(player.id);
    assert.ok((fungibles['pearl'] ?? 0) > 0, 'what is no longer listed is still held');
  });
});
