import assert from 'node:assert/strict';
import path from 'node:path';
import { isConnectionLoss, openStorage, OutcomeUnknown, type Movement, type Posting, type Settle } from '../../persistence/index.ts';
import { roundsOf } from '../../persistence/settle.ts';
import type { PlayerId } from '../../schema/ids.ts';
import { command, committed, itemPosting, movement, redInvariants, settleOne, startCluster, verdictOf, type TestCluster } from '../kit/cluster.ts';
import { interceptShard, type Intercept } from '../kit/intercept.ts';
import { openLedger } from '../kit/ledger.ts';
import { assertGoesRed, withMutant } from '../kit/mutant.ts';

const pay = (giver: PlayerId | null, receiver: PlayerId | null, quantity: number, asset = 'gold') => ({ asset, quantity, giver, receiver });
const asks = (actor: PlayerId, postings: Posting[], options: Partial<Movement> = {}) => movement(postings, { commands: [command({ actor })], ...options });

describe('movements that share holders, in one commit', () => {
  let cluster: TestCluster;
  before(async () => (cluster = await startCluster()));
  after(async () => {
    const red = await redInvariants(cluster.storage);
    await cluster.stop();
    assert.deepEqual(red, []);
  });
  const held = async (player: PlayerId) => (await cluster.storage.holdings.holdings([player])).get(player) ?? assert.fail('no such player');
  const commits = async () => (await Promise.all(cluster.shards.map((_, shard) => cluster.sql<{ count: number }>(shard, 'select count(distinct xmin::text)::int as count from ledger')))).reduce((sum, [row]) => sum + (row?.count ?? 0), 0);

  it('[LD6] go in rounds: each after all that share a holder with it and stand before it', () => {
    const between = (...holders: string[]) => movement([pay(holders[0] as PlayerId, holders[1] as PlayerId, 1)]);
    assert.deepEqual(roundsOf([between('a', 'b'), between('c', 'd'), between('b', 'c'), between('e', 'f'), between('c', 'a'), between('d', 'e')]), [[0, 1, 3], [2, 5], [4]]);
  });

  for (const [where, shards] of [['on one shard', [2, 2, 2]], ['over three shards', [3, 0, 1]]] as const) {
    // Guards the rounds: in one statement the second would not see what the first did.
    it(`[LD6] one item goes from hand to hand, ${where}, in one transaction a shard, and each hand-over has its own version`, async () => {
      const [ann, bob, cyd] = (await cluster.playersOn(...shards)) as [PlayerId, PlayerId, PlayerId];
      const sword = await cluster.mintItem(ann);
      await cluster.mint(cyd, 5);
      const versions = await Promise.all([ann, bob, cyd].map(async (player) => (await held(player)).version));
      const before = await commits();
      const told: number[] = [];
      const says = (player: PlayerId) => command({ actor: player, answer: (now) => void told.push(now.get(player) ?? 0) });
      const outcomes = await cluster.storage.settle([
        movement([itemPosting({ id: sword }, ann, bob)], { commands: [says(ann)] }),
        movement([itemPosting({ id: sword, version: 2 }, bob, cyd), pay(cyd, bob, 5)], { commands: [says(bob)] }),
        movement([itemPosting({ id: sword, version: 3 }, cyd, ann)], { commands: [says(cyd)] }),
        movement([itemPosting({ id: sword, version: 3 }, cyd, ann)], { commands: [command({ actor: cyd })] }),
      ]);
      assert.deepEqual(outcomes.map(verdictOf), ['committed', 'committed', 'committed', 'NOT_OWNER']);
      assert.equal((await commits()) - before, new Set(shards).size);
      assert.deepEqual(await Promise.all([ann, bob, cyd].map(async (player) => (await held(player)).version)), versions.map((version) => version + 2));
      // Over several shards the batch is tried again when somebody is to be denied. [TP10]
      assert.deepEqual(told.slice(-3), [versions[0]! + 1, versions[1]! + 2, versions[2]! + 2]);
      const deltas = outcomes.flatMap((outcome) => (outcome.status === 'committed' ? outcome.deltas : []));
      for (const [at, player] of [ann, bob, cyd].entries()) assert.deepEqual(deltas.filter(({ holderId }) => holderId === player).map(({ version }) => version), [versions[at]! + 1, versions[at]! + 2]);
      assert.deepEqual((await held(ann)).items.map(({ id, version }) => [id, version]), [[sword, 4]]);
      assert.deepEqual((await cluster.storage.itemHistory(sword))?.entries.map(({ receiver }) => receiver), [ann, bob, cyd, ann]);
    });

    it(`[LD6] what one round refuses the next does not build on, ${where}`, async () => {
      const [ann, bob, cyd] = (await cluster.playersOn(...shards)) as [PlayerId, PlayerId, PlayerId];
      const sword = await cluster.mintItem(ann);
      await cluster.mint(ann, 3);
      const outcomes = await cluster.storage.settle([
        asks(ann, [itemPosting({ id: sword, version: 9 }, ann, bob)]),
        asks(bob, [itemPosting({ id: sword, version: 10 }, bob, cyd)]),
        asks(ann, [pay(ann, bob, 3)]),
        asks(ann, [pay(ann, cyd, 1)]),
        asks(bob, [pay(bob, cyd, 2)]),
      ]);
      assert.deepEqual(outcomes.map(verdictOf), ['stale', 'NOT_OWNER', 'committed', 'INSUFFICIENT', 'committed']);
      assert.deepEqual([(await held(ann)).fungibles, (await held(bob)).fungibles, (await held(cyd)).fungibles], [{}, { gold: 1 }, { gold: 2 }]);
    });
  }

  /** Ends the connection of the second round's statement before it goes out, with whatever was sent along behind it. */
  async function cutBetweenRounds(shards: readonly number[], openStorageOf: typeof openStorage): Promise<{ asked: Movement[]; sword: string; cyd: PlayerId }> {
    const [ann, bob, cyd] = (await cluster.playersOn(...shards)) as [PlayerId, PlayerId, PlayerId];
    const sword = await cluster.mintItem(ann);
    const asked = [asks(ann, [itemPosting({ id: sword }, ann, bob)]), asks(bob, [itemPosting({ id: sword, version: 2 }, bob, cyd)])];
    let acts = 0;
    const cut: Intercept = async ({ shard, text, pid }) => {
      if (!text.includes('update inventory')) return;
      // The round before acted on as many shards as it touches.
      if (++acts !== new Set(shards.slice(0, 2)).size + 1) return;
      await cluster.sql(shard, 'select pg_terminate_backend($1, 5000)', [pid]);
    };
    const storage = await openStorageOf(cluster.shards.map((shard) => interceptShard(shard, cut)), { reach: () => undefined, onUnfinished: () => undefined });
    const before = await Promise.all([ann, bob, cyd].map(held));
    await assert.rejects(storage.settle(asked), (error) => isConnectionLoss(error) || (error as Error).name === OutcomeUnknown.name);
    assert.deepEqual(await Promise.all([ann, bob, cyd].map(held)), before, 'nothing of either round');
    return { asked, sword, cyd };
  }

  for (const [where, shards] of [['on one shard', [1, 1, 1]], ['over three shards', [0, 1, 3]]] as const) {
    // Guards that all rounds are one transaction: a commit between them would leave the first.
    it(`[LD6] a crash between two rounds leaves nothing of either, ${where}, and what is asked again happens once`, async () => {
      const { asked, sword, cyd } = await cutBetweenRounds(shards, openStorage);
      assert.deepEqual(await cluster.storage.listInDoubt(0), { open: [], silent: 0 });
      assert.deepEqual((await cluster.storage.settle(asked)).map(verdictOf), ['committed', 'committed']);
      assert.deepEqual((await held(cyd)).items.map(({ id, version }) => [id, version]), [[sword, 3]]);
      assert.deepEqual((await cluster.storage.settle(asked)).map(verdictOf), ['known', 'known']);
    });
  }

  it('a crash between two rounds on one shard leaves the first when the process is "begins-nothing"', () =>
    withMutant('begins-nothing', async (root) => {
      const { openStorage: begunByNobody } = (await import(path.join(root, 'persistence/index.ts'))) as { openStorage: typeof openStorage };
      await assertGoesRed(cutBetweenRounds([1, 1, 1], begunByNobody), /nothing of either round/);
    }));

  it('[TQ6] what a judge says without a lock is what settling says, and nothing is written', async () => {
    const [ann, bob] = (await cluster.playersOn(0, 3)) as [PlayerId, PlayerId];
    const [mine, yours, bound] = [await cluster.mintItem(ann), await cluster.mintItem(bob), await cluster.mintItem(ann, { bound: true })];
    const done = command({ actor: ann });
    committed(await settleOne(cluster.storage, movement([pay(null, ann, 5)], { commands: [done] })));
    const asked = [
      asks(ann, [itemPosting({ id: mine }, ann, bob)]),
      asks(ann, [itemPosting({ id: yours }, ann, bob)]),
      asks(ann, [itemPosting({ id: mine, version: 2 }, ann, bob)]),
      asks(ann, [itemPosting({ id: bound }, ann, bob)]),
      asks(ann, [pay(ann, bob, 6)]),
      asks(ann, [pay(ann, crypto.randomUUID() as PlayerId, 1)]),
      asks(ann, [itemPosting({ id: yours }, ann, bob)], { fences: [{ player: ann, epoch: 7 }] }),
      movement([itemPosting({ id: yours }, ann, bob)], { commands: [done] }),
    ];
    const before = [await held(ann), await held(bob), await commits()];
    const judged = await cluster.storage.judge(asked);
    assert.deepEqual([await held(ann), await held(bob), await commits()], before);
    assert.equal(judged[0], undefined);
    for (const [at, one] of asked.entries()) if (at > 0) assert.deepEqual(judged[at], await settleOne(cluster.storage, one));
    assert.deepEqual(judged.slice(1).map(verdictOf), ['NOT_OWNER', 'stale', 'ITEM_BOUND', 'INSUFFICIENT', 'UNKNOWN_PLAYER', 'SESSION_REPLACED', 'known']);
  });

  it('[TQ6] many want one sword: one gets it, and what the others ask costs no commit; a cache that is behind costs nobody a trade', async () => {
    const players = await cluster.newPlayers(20);
    const [ann, ...buyers] = players as [PlayerId, ...PlayerId[]];
    const sword = await cluster.mintItem(ann);
    const settled: number[] = [];
    const settle: Settle = (movements) => {
      settled.push(movements.length);
      return cluster.storage.settle(movements);
    };
    const { ledger, inventory } = openLedger(cluster.storage, { settle, queue: { roundsMax: 1 } });
    await inventory.get(ann);
    const verdicts = (await Promise.all(buyers.map((buyer) => ledger.submit(asks(ann, [itemPosting({ id: sword }, ann, buyer)]))))).map(verdictOf);
    assert.deepEqual(verdicts, ['committed', ...buyers.slice(1).map(() => 'NOT_OWNER')]);
    assert.deepEqual(settled, [1]);

    // Another process gives it back, and this one is not told.
    committed(await settleOne(cluster.storage, asks(buyers[0]!, [itemPosting({ id: sword, version: 2 }, buyers[0]!, ann)])));
    assert.equal(verdictOf(await ledger.submit(asks(ann, [itemPosting({ id: sword, version: 3 }, ann, buyers[1]!)]))), 'committed');
  });

  // Guards `certainly`: what runs alone after a lost commit would be answered as if nothing had happened before.
  it('[KE3] an error after a lost commit leaves the outcome unknown for all of the batch, and nobody runs alone', async () => {
    const [ann, bob] = (await cluster.playersOn(2, 2)) as [PlayerId, PlayerId];
    const sizes: number[] = [];
    const settle: Settle = (movements) => {
      sizes.push(movements.length);
      return Promise.reject(sizes.length === 1 ? new OutcomeUnknown(new Error('cut')) : new Error('a disk that is full'));
    };
    const { ledger } = openLedger(cluster.storage, { settle });
    const ends = await Promise.allSettled([ann, bob].map((player) => ledger.submit(asks(player, [pay(null, player, 1)]))));
    assert.deepEqual(ends.map((end) => (end.status === 'rejected' ? (end.reason as Error).name : end.status)), ['OutcomeUnknown', 'OutcomeUnknown']);
    assert.deepEqual(sizes, [2, 2]);
  });
});
