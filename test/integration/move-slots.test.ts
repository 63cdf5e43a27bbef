import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { slotMover } from '../../persistence/reshard/move.ts';
import { slotOf } from '../../persistence/slots.ts';
import { openStorage, type Storage } from '../../persistence/storage.ts';
import { transactor } from '../../persistence/transact.ts';
import type { ItemId, PlayerId } from '../../schema/ids.ts';
import { movement, redInvariants, settleOne, startCluster, verdictOf, type TestCluster } from '../kit/cluster.ts';

const pay = (giver: PlayerId | null, receiver: PlayerId | null, quantity: number) => ({ asset: 'gold', quantity, giver, receiver });

describe('moving slots', () => {
  let cluster: TestCluster;
  let other: Storage;
  before(async () => {
    cluster = await startCluster({ databases: 3 });
    // As a second process would have it: its own map.
    other = await openStorage(cluster.shards, { reach: () => undefined, onUnfinished: () => undefined });
  });
  after(async () => {
    const red = await redInvariants(cluster.storage);
    await cluster.stop();
    assert.deepEqual(red, []);
  });
  const mover = () => slotMover({ shards: cluster.shards, transactOn: transactor({ shards: cluster.shards, reach: () => undefined, onUnfinished: (error) => assert.fail(String(error)) }), reach: () => undefined });
  const shardOf = async (player: PlayerId) => (await cluster.storage.holdings.players([player])).get(player)?.shard;

  it('[SH6] carries over everything that a player has, and whoever has an old map is refused and finds it', async () => {
    const [ann, bob, cat] = await cluster.playersOn(0, 0, 1) as [PlayerId, PlayerId, PlayerId];
    await cluster.mint(ann, 100);
    const sword: ItemId = await cluster.mintItem(ann, { attributes: { edge: 9007199254740991, name: 'Ærø "\\' } });
    for (const partner of [bob, cat]) assert.equal(verdictOf(await settleOne(cluster.storage, movement([pay(ann, partner, 10)]))), 'committed');
    const before = (await cluster.storage.holdings.players([ann])).get(ann);
    const history = await cluster.storage.itemHistory(sword);
    const { moved } = await mover().move([{ slot: slotOf(ann), target: 2 }]);
    assert.equal(moved, 1);
    assert.deepEqual(await redInvariants(cluster.storage), []);
    assert.deepEqual((await cluster.storage.holdings.players([ann])).get(ann), { ...before, shard: 2 });
    assert.deepEqual(await cluster.storage.itemHistory(sword), history);
    assert.deepEqual(await cluster.sql(0, `select 1 from item where holder = '${ann}' union all select 1 from balance where holder = '${ann}' union all select 1 from command where actor = '${ann}'`), []);
    // The other process writes by its old map first.
    assert.equal(verdictOf(await settleOne(other, movement([pay(ann, bob, 5)]))), 'committed');
    assert.deepEqual((await other.holdings.holdings([ann])).get(ann)?.fungibles, { gold: 75 });
  });

  it('[SH6] goes on under traffic: nobody is refused, nothing is lost, and all is where the map says', async () => {
    const players = await cluster.newPlayers(60);
    for (const player of players) await cluster.mint(player, 1000);
    const slots = [...new Set(players.map(slotOf))];
    let running = true;
    let settled = 0;
    const refused: string[] = [];
    const trader = async (storage: Storage, seed: number) => {
      for (let at = seed; running; at += 7) {
        const [giver, receiver] = [players[at % players.length] as PlayerId, players[(at * 31 + 11) % players.length] as PlayerId];
        if (giver === receiver) continue;
        const verdict = verdictOf(await settleOne(storage, movement([pay(giver, receiver, 1)])));
        if (verdict === 'committed') settled++;
        else refused.push(verdict);
      }
    };
    const traders = [0, 1, 2, 3, 4, 5].map((seed) => trader(seed % 2 === 0 ? cluster.storage : other, seed));
    const stalls: number[] = [];
    for (const target of [0, 1, 2, 0]) {
      const { stallsMs } = await mover().move(slots.map((slot) => ({ slot, target })));
      stalls.push(...stallsMs);
      await delay(50);
    }
    running = false;
    await Promise.all(traders);
    assert.deepEqual(refused, []);
    assert.ok(settled > 100, `${settled} settled`);
    assert.ok(stalls.length >= 4);
    for (const player of players) assert.equal(await shardOf(player), 0);
    assert.deepEqual(await redInvariants(cluster.storage), []);
    const held = await cluster.storage.holdings.holdings(players);
    assert.equal(players.reduce((sum, player) => sum + (held.get(player)?.fungibles['gold'] ?? 0), 0), 60_000);
  });
});
