import assert from 'node:assert/strict';
import { SERVICE_ACTOR, type Movement } from '../../persistence/index.ts';
import type { ItemId, PlayerId } from '../../schema/ids.ts';
import { command, committed, itemPosting, movement, newCommandId, redInvariants, settleOne, startCluster, verdictOf, type TestCluster } from '../kit/cluster.ts';

const uuid = () => crypto.randomUUID();
const pay = (giver: PlayerId | null, receiver: PlayerId | null, quantity: number, asset = 'gold') => ({ asset, quantity, giver, receiver });

describe('what a settlement refuses, and what it remembers', () => {
  let cluster: TestCluster;
  const settle = (asked: Movement) => settleOne(cluster.storage, asked);
  const held = async (player: PlayerId) => (await cluster.storage.holdings.holdings([player])).get(player) ?? assert.fail('no such player');
  const gold = async (player: PlayerId) => (await held(player)).fungibles['gold'] ?? 0;

  before(async () => (cluster = await startCluster()));
  after(async () => {
    // Every test below leaves an economy in which nothing was lost or made.
    const red = await redInvariants(cluster.storage);
    await cluster.stop();
    assert.deepEqual(red, []);
  });

  it('[KE1] acts once per command: a repeat changes nothing and finds the first answer', async () => {
    for (const places of [[0, 0], [0, 2]]) {
      const [ann, bob] = await cluster.playersOn(...places) as [PlayerId, PlayerId];
      await cluster.mint(ann, 10);
      const asked = () => movement([pay(ann, bob, 4)], { commands: [command({ actor: ann, id: first.id, answer: (versions) => ({ versions: [versions.get(ann), versions.get(bob)] }) }), command({ actor: bob, id: second.id })] });
      const [first, second] = [command(), command()];
      const { answers } = committed(await settle(asked()));
      assert.deepEqual(answers, [{ versions: [2, 1] }, 'done']);
      const repeat = await settle(asked());
      assert.equal(repeat.status, 'known');
      assert.deepEqual(repeat.status === 'known' && [repeat.answer, repeat.hash.toString()], [repeat.status === 'known' && repeat.command === 1 ? 'done' : answers[0], 'asked']);
      assert.deepEqual([await gold(ann), await gold(bob)], [6, 4]);
    }
  });

  // Guards the holders' lock, under which a command is looked for.
  it('[KE1] acts once also when all the repeats come together', async () => {
    const [ann, bob] = await cluster.playersOn(1, 3) as [PlayerId, PlayerId];
    await cluster.mint(ann, 100);
    for (const actor of [ann, SERVICE_ACTOR] as const) {
      const id = newCommandId();
      const outcomes = await Promise.all(Array.from({ length: 12 }, () => settle(movement([pay(ann, bob, 4)], { commands: [command({ actor, id })] }))));
      assert.deepEqual(outcomes.map(verdictOf).toSorted(), ['committed', ...Array.from({ length: 11 }, () => 'known')]);
    }
    assert.deepEqual([await gold(ann), await gold(bob)], [92, 8]);
  });

  // Guards the advisory lock on the service's commands: repeats for different players have no holder's row in common.
  it('[KE1] acts once when the service asks for different players under one id at once', async () => {
    const players = await cluster.newPlayers(8);
    const id = newCommandId();
    const outcomes = await Promise.all(players.map((player) => settle(movement([pay(null, player, 5)], { commands: [command({ id })] }))));
    assert.deepEqual(outcomes.map(verdictOf).toSorted(), ['committed', ...Array.from({ length: 7 }, () => 'known')]);
    const counts = await Promise.all(players.map(gold));
    assert.equal(counts.reduce((sum, count) => sum + count), 5);
  });

  it('[KE2] tells by the stored hash that a repeat asks otherwise, whatever it asks', async () => {
    const [ann, bob] = await cluster.playersOn(0, 1) as [PlayerId, PlayerId];
    await cluster.mint(ann, 10);
    const id = newCommandId();
    committed(await settle(movement([pay(ann, bob, 1)], { commands: [command({ actor: ann, id })] })));
    const other = await settle(movement([pay(ann, bob, 9_999)], { commands: [command({ actor: ann, id, hash: Buffer.from('otherwise') })] }));
    assert.ok(other.status === 'known' && other.hash.toString() === 'asked', 'what is known wins over INSUFFICIENT');
    assert.equal(await gold(ann), 9);
  });

  // Guards `i.version = ok.version`: the decision was made on another state of the item.
  it('[TR8] says of an item that went and came back what it is now, and moves nothing', async () => {
    for (const place of [2, 3]) {
      const [ann, bob] = await cluster.playersOn(2, place) as [PlayerId, PlayerId];
      const attributes = { edge: 1 };
      const sword = await cluster.mintItem(ann, { attributes });
      committed(await settle(movement([itemPosting({ id: sword, attributes }, ann, bob)])));
      committed(await settle(movement([itemPosting({ id: sword, attributes, version: 2 }, bob, ann)])));
      assert.deepEqual(await settle(movement([itemPosting({ id: sword }, ann, bob)])), { status: 'stale', items: [{ item: sword, version: 3, kind: 'sword', attributes }] });
      assert.equal((await held(bob)).items.length, 0);
    }
  });

  it('[TR5] refuses at the write what is not held, is held by another, is burned, or is bound', async () => {
    const [ann, bob, eve] = await cluster.playersOn(0, 1, 0) as [PlayerId, PlayerId, PlayerId];
    const [sword, relic, burned] = [await cluster.mintItem(eve), await cluster.mintItem(ann, { bound: true }), await cluster.mintItem(ann)];
    committed(await settle(movement([itemPosting({ id: burned }, ann, null)])));
    for (const item of [sword, burned, uuid() as ItemId]) assert.equal(verdictOf(await settle(movement([itemPosting({ id: item }, ann, bob)]))), 'NOT_OWNER');
    for (const receiver of [bob, eve]) assert.equal(verdictOf(await settle(movement([itemPosting({ id: relic }, ann, receiver)]))), 'ITEM_BOUND');
    assert.equal(verdictOf(await settle(movement([itemPosting({ id: relic }, ann, null)]))), 'committed', 'but it may be burned');
  });

  it('[RF1] answers the first refusal of the table, from whichever shard it comes', async () => {
    const [ann, bob] = await cluster.playersOn(3, 0) as [PlayerId, PlayerId];
    const relic = await cluster.mintItem(ann, { bound: true });
    const poor = pay(bob, ann, 1);
    const bound = itemPosting({ id: relic }, ann, bob);
    const absent = itemPosting({ id: uuid() as ItemId }, bob, ann);
    assert.equal(verdictOf(await settle(movement([poor, bound]))), 'ITEM_BOUND');
    assert.equal(verdictOf(await settle(movement([poor, bound, absent]))), 'NOT_OWNER');
    assert.equal(verdictOf(await settle(movement([poor, absent], { fences: [{ player: ann, epoch: 1 }] }))), 'SESSION_REPLACED');
  });

  // Guards the fence: the epoch is compared under the same lock as the write.
  it('[SE2] refuses what a displaced session asks, and takes what the present one does', async () => {
    const [ann, bob] = await cluster.playersOn(1, 2) as [PlayerId, PlayerId];
    await cluster.mint(ann, 10);
    const old = await cluster.storage.players.takeSession(ann);
    const now = await cluster.storage.players.takeSession(ann);
    const ask = (epoch: number) => settle(movement([pay(ann, bob, 1)], { fences: [{ player: ann, epoch }] }));
    assert.deepEqual([verdictOf(await ask(old)), verdictOf(await ask(now)), verdictOf(await ask(now + 1))], ['SESSION_REPLACED', 'committed', 'SESSION_REPLACED']);
    assert.equal(await gold(ann), 9);
  });

  // Guards the order in `deny`: what happened before a session was taken has its answer still.
  it('[KE3] finds what a command did also when its session was displaced since', async () => {
    for (const place of [1, 3]) {
      const [ann, bob] = await cluster.playersOn(1, place) as [PlayerId, PlayerId];
      await cluster.mint(ann, 10);
      const epoch = await cluster.storage.players.takeSession(ann);
      const id = newCommandId();
      const ask = () => settle(movement([pay(ann, bob, 1)], { commands: [command({ actor: ann, id })], fences: [{ player: ann, epoch }] }));
      committed(await ask());
      await cluster.storage.players.takeSession(ann);
      assert.equal(verdictOf(await ask()), 'known');
    }
  });
});
