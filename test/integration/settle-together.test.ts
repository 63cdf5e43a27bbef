import assert from 'node:assert/strict';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { closeShards, isConnectionLoss, openShards, openStorage, OutcomeUnknown, type Movement, type Posting, type Storage } from '../../persistence/index.ts';
import { mayGoTogether } from '../../persistence/settle.ts';
import type { Holdings } from '../../schema/holdings.ts';
import type { HolderId, ItemId, PlayerId } from '../../schema/ids.ts';
import { applyDelta, planDelta } from '../../schema/inventory-delta.ts';
import { QUANTITY_MAX } from '../../schema/quantities.ts';
import { command, itemPosting, movement, redInvariants, startCluster, verdictOf, type TestCluster } from '../kit/cluster.ts';
import { interceptShard } from '../kit/intercept.ts';
import { assertGoesRed, withMutant } from '../kit/mutant.ts';

type Open = typeof openStorage;
const pay = (giver: PlayerId | null, receiver: PlayerId | null, quantity: number, asset = 'gold') => ({ asset, quantity, giver, receiver });
const asks = (actor: PlayerId, postings: Posting[], options: Partial<Movement> = {}) => movement(postings, { commands: [command({ actor })], ...options });

describe('movements that share holders, in one statement', () => {
  let cluster: TestCluster;
  const opened: Awaited<ReturnType<typeof openShards>>[] = [];
  before(async () => (cluster = await startCluster()));
  afterEach(async () => {
    for (const shards of opened.splice(0)) await closeShards(shards);
  });
  after(async () => {
    const red = await redInvariants(cluster.storage);
    await cluster.stop();
    assert.deepEqual(red, []);
  });
  const held = async (player: PlayerId) => (await cluster.storage.holdings.holdings([player])).get(player) ?? assert.fail('no such player');

  /** A storage that takes no care yet, on connections of its own, and how often each shard was told to act. */
  async function open(openStorageOf: Open = openStorage): Promise<{ storage: Storage; acts: number[] }> {
    const acts: number[] = [];
    const count = ({ shard, text }: { shard: number; text: string }) => void (text.includes('update inventory') && (acts[shard] = (acts[shard] ?? 0) + 1));
    const own = await openShards(cluster.urls, 2);
    opened.push(own);
    const storage = await openStorageOf(own.map((shard) => interceptShard(shard, (sent) => Promise.resolve(count(sent)))), { reach: () => undefined, onUnfinished: (error) => assert.fail(String(error)) });
    return { storage, acts };
  }

  /** Three who have 100 gold and two swords each. */
  async function traders(shards: readonly number[]) {
    const players = (await cluster.playersOn(...shards)) as PlayerId[];
    const swords: ItemId[][] = [];
    for (const player of players) {
      await cluster.mint(player, 100);
      swords.push([await cluster.mintItem(player), await cluster.mintItem(player)]);
    }
    return { players, swords };
  }

  it('[LD7] may do so if each item is in one of them, and none is a guild’s or earns experience', () => {
    const [ann, bob, cyd] = ['a', 'b', 'c'] as PlayerId[];
    const sword = itemPosting({ id: 's' as ItemId }, ann!, bob!);
    const plain = movement([sword, pay(ann!, bob!, 1)]);
    assert.equal(mayGoTogether([plain, movement([pay(bob!, cyd!, 1)]), movement([itemPosting({ id: 't' as ItemId }, ann!, cyd!)])]), true);
    assert.equal(mayGoTogether([plain, movement([itemPosting({ id: 's' as ItemId }, bob!, cyd!)])]), false);
    assert.equal(mayGoTogether([plain, movement([pay(null, bob!, 1)], { experience: { player: bob!, xp: 1 } })]), false);
    assert.equal(mayGoTogether([plain, movement([], { guild: {} as NonNullable<Movement['guild']> })]), false);
  });

  for (const [where, shards] of [['on one shard', [2, 2, 2]], ['over three shards', [3, 0, 1]]] as const) {
    it(`[LD7] ${where} each has its own version and delta, as one after the other`, async () => {
      const { storage, acts } = await open();
      const { players, swords } = await traders(shards);
      const [ann, bob, cyd] = players as [PlayerId, PlayerId, PlayerId];
      const shown = new Map<HolderId, Holdings>(await Promise.all([ann, bob, cyd].map(async (player) => [player, await held(player)] as const)));
      const before = new Map([...shown].map(([player, { version }]) => [player, version]));
      const told: (readonly [number, number])[] = [];
      const says = (player: PlayerId, other: PlayerId) => command({ actor: player, answer: (now) => void told.push([now.get(player)! - before.get(player)!, now.get(other)! - before.get(other)!]) });
      const outcomes = await storage.settle([
        movement([itemPosting({ id: swords[0]![0]! }, ann, bob), pay(bob, ann, 7)], { reason: 'trade', commands: [says(ann, bob)] }),
        movement([itemPosting({ id: swords[1]![0]! }, bob, cyd), pay(cyd, bob, 7)], { reason: 'trade', commands: [says(bob, cyd)] }),
        movement([itemPosting({ id: swords[2]![0]! }, cyd, ann), pay(ann, cyd, 100)], { reason: 'trade', commands: [says(cyd, ann)] }),
        movement([itemPosting({ id: swords[0]![1]! }, ann, bob)], { reason: 'gift', commands: [says(ann, bob)] }),
        movement([pay(null, cyd, 3, 'ore')], { reason: 'grant', commands: [says(cyd, cyd)] }),
      ]);
      assert.deepEqual(outcomes.map(verdictOf), ['committed', 'committed', 'committed', 'committed', 'committed']);
      assert.deepEqual(acts.filter(Boolean), [...new Set(shards)].map(() => 1), 'one statement a shard');
      assert.deepEqual(told, [[1, 1], [2, 1], [2, 2], [3, 3], [3, 3]]);
      const gold: Record<string, number[]> = {};
      for (const delta of outcomes.flatMap((outcome) => (outcome.status === 'committed' ? outcome.deltas : []))) {
        const was = shown.get(delta.holderId)!;
        assert.equal(planDelta(was.version, delta.version), 'apply');
        shown.set(delta.holderId, applyDelta(was, delta));
        (gold[[ann, bob, cyd].indexOf(delta.holderId as PlayerId)] ??= []).push(shown.get(delta.holderId)!.fungibles['gold'] ?? 0);
      }
      // Bob has as much at the end as at first, and each of them is seen to have had what the moment before made of it.
      assert.deepEqual(gold, { 0: [107, 7, 7], 1: [93, 100, 100], 2: [93, 193, 193] });
      for (const player of [ann, bob, cyd]) assert.deepEqual(sorted(shown.get(player)!), sorted(await held(player)));
      const counted = await Promise.all([ann, bob, cyd].map(async (player, at) => (await cluster.sql<{ traded: string }>(shards[at]!, 'select traded from inventory where holder = $1', [player]))[0]?.traded));
      assert.deepEqual(counted.map(Number), [2, 2, 2], 'trades, and nothing else, are counted');
    });

    it(`[LD7] ${where} what is covered only by what comes meanwhile is settled in rounds, and each is told what it would be alone`, async () => {
      const { storage, acts } = await open();
      const { players } = await traders(shards);
      const [ann, bob, cyd] = players as [PlayerId, PlayerId, PlayerId];
      await cluster.mint(cyd, QUANTITY_MAX - 105);
      const outcomes = await storage.settle([asks(ann, [pay(ann, bob, 60)]), asks(bob, [pay(bob, ann, 150)]), asks(ann, [pay(ann, bob, 200)]), asks(bob, [pay(bob, ann, 1)])]);
      assert.deepEqual(outcomes.map(verdictOf), ['committed', 'committed', 'INSUFFICIENT', 'committed']);
      assert.ok(Math.max(...acts.filter(Boolean)) > 2, 'in rounds');
      assert.deepEqual([(await held(ann)).fungibles, (await held(bob)).fungibles], [{ gold: 191 }, { gold: 9 }]);
      // More than anybody may have, if only for a moment.
      const { storage: another } = await open();
      await assert.rejects(another.settle([asks(ann, [pay(ann, cyd, 6)]), asks(cyd, [pay(cyd, bob, 10)])]), /balance_bounds/);
      assert.deepEqual((await held(cyd)).fungibles, { gold: QUANTITY_MAX - 5 });
    });
  }

  async function oneSwordForTwo(openStorageOf: Open): Promise<void> {
    const { storage } = await open(openStorageOf);
    const { players, swords } = await traders([1, 1, 1]);
    const [ann, bob, cyd] = players as [PlayerId, PlayerId, PlayerId];
    const outcomes = await storage.settle([asks(ann, [itemPosting({ id: swords[0]![0]! }, ann, bob)]), asks(ann, [itemPosting({ id: swords[0]![0]! }, ann, cyd)])]);
    assert.deepEqual(outcomes.map(verdictOf), ['committed', 'NOT_OWNER']);
  }
  async function morePaidThanHeld(openStorageOf: Open): Promise<void> {
    const { storage } = await open(openStorageOf);
    const { players } = await traders([1, 1]);
    const [ann, bob] = players as [PlayerId, PlayerId];
    const outcomes = await storage.settle([asks(ann, [pay(ann, bob, 150)]), asks(bob, [pay(bob, ann, 60)])]);
    assert.deepEqual(outcomes.map(verdictOf), ['INSUFFICIENT', 'committed']);
  }
  /** Where a settlement's connection ends. */
  const crashes = [
    ['before the statement acts on the last shard', 'update inventory', false],
    ['when the commit was sent and its answer is lost', 'commit', true],
  ] as const;
  for (const [where, shards] of [['on one shard', [1, 1, 1]], ['over three shards', [0, 1, 3]]] as const) {
    for (const [when, sent, isCommitted] of crashes) {
      // Guards that they are one transaction, and that a repeat is known although the statement that is tried first does not look for commands.
      it(`[LD7] a crash ${when} leaves ${isCommitted ? 'all' : 'nothing'} of them, ${where}, and what is asked again happens once`, async () => {
        const { players, swords } = await traders(shards);
        const [ann, bob, cyd] = players as [PlayerId, PlayerId, PlayerId];
        const asked = [asks(ann, [itemPosting({ id: swords[0]![0]! }, ann, bob), pay(bob, ann, 7)]), asks(bob, [itemPosting({ id: swords[1]![0]! }, bob, cyd), pay(cyd, bob, 9)]), asks(cyd, [pay(cyd, ann, 1)])];
        const before = await Promise.all(players.map(held));
        const own = await openShards(cluster.urls, 2);
        opened.push(own);
        let times = 0;
        const cut = async ({ shard, text, pid }: { shard: number; text: string; pid: number }) => {
          const isIt = (isCommitted ? text.endsWith(sent) : text.includes(sent)) && ++times === (isCommitted ? 1 : new Set(shards).size);
          if (isIt && !isCommitted) await cluster.sql(shard, 'select pg_terminate_backend($1, 5000)', [pid]);
          return isIt && isCommitted ? `${text}; select pg_terminate_backend(pg_backend_pid())` : undefined;
        };
        const storage = await openStorage(own.map((shard) => interceptShard(shard, cut)), { reach: () => undefined, onUnfinished: () => undefined });
        await assert.rejects(storage.settle(asked), (error) => (error as Error).name === OutcomeUnknown.name || isConnectionLoss(error));
        // What is prepared and whose coordinator is gone is ended by a resolver, once it is old enough.
        while ((await cluster.storage.listInDoubt(0)).open.length > 0) {
          await delay(200);
          await cluster.storage.resolveInDoubt();
        }
        if (!isCommitted) assert.deepEqual(await Promise.all(players.map(held)), before, 'nothing of any');
        assert.deepEqual((await cluster.storage.settle(asked)).map(verdictOf), asked.map(() => (isCommitted ? 'known' : 'committed')));
        assert.deepEqual(await Promise.all(players.map(async (player) => (await held(player)).fungibles['gold'])), [108, 102, 90]);
        assert.deepEqual((await cluster.storage.settle(asked)).map(verdictOf), ['known', 'known', 'known']);
      });
    }
  }

  // The ledger has one row of an item's version: what went together all the same would fail there, and be settled in rounds.
  it('[LD7] one item goes to one of two', () => oneSwordForTwo(openStorage));
  it('[LD7] nobody pays with what comes later', () => morePaidThanHeld(openStorage));

  it('somebody pays with what comes later when the process is "overdrawn-together"', async () => {
    const outer = cluster;
    // What it leaves is not as it must be.
    cluster = await startCluster();
    try {
      await withMutant('overdrawn-together', async (root) => {
        const { openStorage: unguarded } = (await import(path.join(root, 'persistence/index.ts'))) as { openStorage: Open };
        await assertGoesRed(morePaidThanHeld(unguarded), /committed/);
      });
    } finally {
      for (const shards of opened.splice(0)) await closeShards(shards);
      await cluster.stop();
      cluster = outer;
    }
  });
});

function sorted({ items, ...rest }: Holdings): Holdings {
  return { ...rest, items: items.toSorted((a, b) => (a.id < b.id ? -1 : 1)) };
}
