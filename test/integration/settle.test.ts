import assert from 'node:assert/strict';
import { SERVICE_ACTOR, type Movement } from '../../persistence/index.ts';
import type { ItemId, PlayerId } from '../../schema/ids.ts';
import { QUANTITY_MAX } from '../../schema/quantities.ts';
import { command, committed, itemPosting, movement, redInvariants, settleOne, startCluster, untilRows, verdictOf, type TestCluster } from '../kit/cluster.ts';

const uuid = () => crypto.randomUUID();
const pay = (giver: PlayerId | null, receiver: PlayerId | null, quantity: number, asset = 'gold') => ({ asset, quantity, giver, receiver });

describe('settling', () => {
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

  for (const [where, shards] of [['on one shard', [2, 2]], ['over two shards', [1, 3]], ['over two shards, backwards', [3, 0]]] as const) {
    it(`[TR7] moves what is posted and nothing else, ${where}`, async () => {
      const [ann, bob] = await cluster.playersOn(...shards) as [PlayerId, PlayerId];
      const attributes = { edge: 7, name: 'Ä "quoted" \\ {name}, NULL\n' };
      const sword = await cluster.mintItem(ann, { attributes });
      await cluster.mint(ann, 10);
      await cluster.mint(bob, 3, 'ore');
      const before = await held(ann);
      const { deltas, answers, transactionId } = committed(await settle(movement([itemPosting({ id: sword, attributes }, ann, bob), pay(ann, bob, 4), pay(bob, ann, 3, 'ore')])));
      const item = { id: sword, kind: 'sword', version: 2, bound: false, attributes };
      assert.deepEqual(await held(ann), { version: before.version + 1, fungibles: { gold: 6, ore: 3 }, items: [] });
      assert.deepEqual(await held(bob), { version: 2, fungibles: { gold: 4 }, items: [item] });
      assert.deepEqual(answers, ['done']);
      assert.deepEqual(new Map(deltas.map((delta) => [delta.holderId, delta])), new Map([
        [ann, { holderId: ann, version: before.version + 1, set: { fungibles: { gold: 6, ore: 3 }, items: [] }, removed: { fungibles: [], items: [sword] } }],
        [bob, { holderId: bob, version: 2, set: { fungibles: { gold: 4 }, items: [item] }, removed: { fungibles: ['ore'], items: [] } }],
      ]));
      const entries = (await cluster.storage.itemHistory(sword))?.entries.map(({ giver, receiver, transactionId: tx }) => ({ giver, receiver, last: tx === transactionId }));
      assert.deepEqual(entries, [{ giver: null, receiver: ann, last: false }, { giver: ann, receiver: bob, last: true }]);
    });
  }

  // Guards the quotes around names: a bare NULL in an array is no text.
  it('[TR7] moves also what is named null', async () => {
    const [ann, bob] = await cluster.playersOn(0, 1) as [PlayerId, PlayerId];
    const item = { id: uuid() as ItemId, kind: 'null' };
    committed(await settle(movement([{ item: item.id, kind: 'null', attributes: {}, bound: false, receiver: ann }, pay(null, ann, 3, 'null')])));
    committed(await settle(movement([itemPosting(item, ann, bob), pay(ann, bob, 2, 'null')])));
    assert.deepEqual((await held(ann)).fungibles, { null: 1 });
    assert.deepEqual([(await held(bob)).fungibles, (await held(bob)).items.map(({ kind }) => kind)], [{ null: 2 }, ['null']]);
  });

  // Guards "in one transaction": the ledger's insert fails, and with it go the holdings, the versions and the command.
  it('[LD1] writes all of a movement or nothing', async () => {
    const [ann, bob] = await cluster.playersOn(0, 1) as [PlayerId, PlayerId];
    await cluster.mint(ann, 10);
    const mine = command();
    const before = await Promise.all([held(ann), held(bob)]);
    await assert.rejects(settle(movement([pay(ann, bob, 4), pay(null, bob, 1, 'x'.repeat(33))], { commands: [mine] })), /too long/);
    await assert.rejects(settle(movement([pay(ann, ann, 4)])), /violates check constraint/);
    assert.deepEqual(await Promise.all([held(ann), held(bob)]), before);
    assert.equal(await cluster.storage.commands.find(SERVICE_ACTOR, mine.id), undefined);
    assert.deepEqual(await cluster.storage.listInDoubt(0), { open: [], silent: 0 });
  });

  // Guards `order by holder` and the ascending order of shards: whoever waits for one row must hold only those before it.
  it('[LD2] takes the holders\' rows in id order, shard by shard, and reads after it waited', async () => {
    const [one, other, last] = await cluster.playersOn(0, 0, 2) as [PlayerId, PlayerId, PlayerId];
    const [low, high] = [one, other].toSorted() as [PlayerId, PlayerId];
    await cluster.mint(low, 10);
    const takes = async (player: PlayerId, free: PlayerId[], taken: PlayerId[]) => {
      const blocker = await cluster.shards[cluster.placeOf(player)]!.pool.connect();
      await blocker.query('begin');
      await blocker.query('select 1 from inventory where holder = $1 for update', [player]);
      const settling = settle(movement([pay(low, last, 10), pay(low, high, 1)]));
      await untilRows(() => cluster.sql(cluster.placeOf(player), `select 1 from pg_locks where not granted`));
      const isFree = (who: PlayerId) => cluster.sql(cluster.placeOf(who), 'select 1 from inventory where holder = $1 for update skip locked', [who]);
      for (const who of free) assert.equal((await isFree(who)).length, 1, 'a later row was taken first');
      for (const who of taken) assert.equal((await isFree(who)).length, 0, 'an earlier row was not taken');
      await blocker.query('commit');
      blocker.release();
      return verdictOf(await settling);
    };
    assert.equal(await takes(low, [high, last], []), 'INSUFFICIENT');
    assert.equal(await takes(high, [last], [low]), 'INSUFFICIENT');
    assert.equal(await takes(last, [], [low, high]), 'INSUFFICIENT');
  });

  it('[LD2] [TP11] takes them in id order also where nobody is told what is in them', async () => {
    const [low, high] = (await cluster.playersOn(1, 1)).toSorted() as [PlayerId, PlayerId];
    await cluster.mint(high, 10);
    const isFree = async (who: PlayerId) => (await cluster.sql(1, 'select 1 from inventory where holder = $1 for update skip locked', [who])).length === 1;
    for (const [blocked, other, isTaken] of [[low, high, false], [high, low, true]] as const) {
      const blocker = await cluster.shards[1]!.pool.connect();
      await blocker.query('begin');
      await blocker.query('select 1 from inventory where holder = $1 for update', [blocked]);
      // By their sessions.
      const settling = settle(movement([pay(high, low, 1)], { commands: [high, low].map((actor) => command({ actor })), fences: [high, low].map((player) => ({ player, epoch: 0 })) }));
      await untilRows(() => cluster.sql(1, `select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like 'select count(*)%for update%'`));
      assert.equal(await isFree(other), !isTaken, isTaken ? 'an earlier row was not taken' : 'a later row was taken first');
      await blocker.query('commit');
      blocker.release();
      assert.equal(verdictOf(await settling), 'committed');
    }
  });

  it('[LD2] decides by what it finds after it waited, not by what it saw before', async () => {
    const [ann, bob] = await cluster.playersOn(1, 1) as [PlayerId, PlayerId];
    await cluster.mint(ann, 5);
    const blocker = await cluster.shards[1]!.pool.connect();
    await blocker.query('begin');
    await blocker.query('select 1 from inventory where holder = $1 for update', [ann]);
    const settling = settle(movement([pay(ann, bob, 5)]));
    await untilRows(() => cluster.sql(1, `select 1 from pg_locks where not granted`));
    await blocker.query(`update balance set quantity = 4 where holder = $1`, [ann]);
    await blocker.query('commit');
    blocker.release();
    assert.equal(verdictOf(await settling), 'INSUFFICIENT');
    await cluster.sql(1, `update balance set quantity = 5 where holder = $1`, [ann]);
  });

  // Guards `bad.ix = p.ix` on one shard and the check before the act on several: a batch is not all or nothing.
  it('[LD3] leaves out of a batch what must not happen, alone, over four shards', async () => {
    const players = await cluster.newPlayers(24);
    for (const player of players) await cluster.mint(player, 100);
    const [owned, bound] = [await cluster.mintItem(players[12]!), await cluster.mintItem(players[14]!, { bound: true })];
    const known = command();
    committed(await settle(movement([pay(null, players[16]!, 1)], { commands: [known] })));
    const pairs = Array.from({ length: 12 }, (_, at) => [players[2 * at]!, players[2 * at + 1]!] as const);
    const poisoned = new Map<number, [Movement, string]>([
      [1, [movement([pay(...pairs[1]!, 101)]), 'INSUFFICIENT']],
      [3, [movement([pay(...pairs[3]!, 5), itemPosting({ id: uuid() as ItemId }, pairs[3]![0], pairs[3]![1])]), 'NOT_OWNER']],
      [4, [movement([pay(pairs[4]![0], uuid() as PlayerId, 5)]), 'UNKNOWN_PLAYER']],
      [6, [movement([pay(...pairs[6]!, 5), itemPosting({ id: owned, version: 7 }, pairs[6]![0], pairs[6]![1])]), 'stale']],
      [7, [movement([itemPosting({ id: bound }, pairs[7]![0], pairs[7]![1])]), 'ITEM_BOUND']],
      [8, [movement([pay(...pairs[8]!, 5)], { commands: [known] }), 'known']],
      [9, [movement([pay(...pairs[9]!, 5)], { fences: [{ player: pairs[9]![0], epoch: 5 }] }), 'SESSION_REPLACED']],
    ]);
    const batch = pairs.map((pair, at) => poisoned.get(at)?.[0] ?? movement([pay(...pair, 7)]));
    const outcomes = await cluster.storage.settle(batch);
    assert.deepEqual(outcomes.map(verdictOf), pairs.map((_, at) => poisoned.get(at)?.[1] ?? 'committed'));
    for (const [at, [giver, receiver]] of pairs.entries()) {
      const moved = poisoned.has(at) ? 0 : 7;
      const extra = at === 8 ? 1 : 0;
      assert.deepEqual([await gold(giver), await gold(receiver)], [100 - moved + extra, 100 + moved], `pair ${at}`);
    }
  });

  it('[KE1] takes no movement that answers no command', async () => {
    const [ann] = await cluster.newPlayers(1) as [PlayerId];
    await assert.rejects(settle(movement([pay(null, ann, 1)], { commands: [] })), /a movement answers a command/);
  });

  // Guards INSUFFICIENT under the lock: the check constraint below it would answer with an error, not a refusal.
  it('[LD4] never lets a balance below zero, however many spend it at once', async () => {
    const [ann, bob, eve] = await cluster.playersOn(0, 0, 3) as [PlayerId, PlayerId, PlayerId];
    await cluster.mint(ann, 25);
    const verdicts = (await Promise.all(Array.from({ length: 60 }, (_, at) => settle(movement([pay(ann, [bob, eve, null][at % 3]!, 1)]))))).map(verdictOf);
    assert.equal(verdicts.filter((verdict) => verdict === 'committed').length, 25);
    assert.equal(verdicts.filter((verdict) => verdict === 'INSUFFICIENT').length, 35);
    assert.equal(await gold(ann), 0);
  });

  it('[LD4] counts all that one movement spends of an asset, not each posting by itself', async () => {
    const [ann, bob, eve] = await cluster.playersOn(1, 1, 2) as [PlayerId, PlayerId, PlayerId];
    await cluster.mint(ann, 10);
    assert.equal(verdictOf(await settle(movement([pay(ann, bob, 6), pay(ann, eve, 5)]))), 'INSUFFICIENT');
    assert.equal(verdictOf(await settle(movement([pay(ann, bob, 6), pay(ann, bob, 6)]))), 'INSUFFICIENT');
    assert.equal(verdictOf(await settle(movement([pay(ann, bob, 6), pay(ann, eve, 4)]))), 'committed');
  });

  it('[LD4] holds 2^53 − 1 to the unit and nothing above, on one shard and over two', async () => {
    for (const place of [1, 2]) {
      const [ann, bob] = await cluster.playersOn(1, place) as [PlayerId, PlayerId];
      await cluster.mint(bob, QUANTITY_MAX - 5);
      await cluster.mint(ann, 10);
      assert.equal(verdictOf(await settle(movement([pay(ann, bob, 6)]))), 'BAD_REQUEST');
      assert.equal(verdictOf(await settle(movement([pay(null, bob, QUANTITY_MAX)]))), 'BAD_REQUEST');
      assert.equal(verdictOf(await settle(movement([pay(null, bob, QUANTITY_MAX, 'ore'), pay(null, bob, QUANTITY_MAX, 'ore')]))), 'BAD_REQUEST', 'a sum beyond 2^53');
      assert.equal(verdictOf(await settle(movement([pay(ann, bob, 5)]))), 'committed');
      assert.deepEqual([await gold(ann), await gold(bob)], [5, QUANTITY_MAX]);
    }
  });

  // Guards the table's constraint: no other check looks for it. The queue tries the movements of such a batch one by one. [TQ3]
  it('[LD4] fails a batch with a balance above 2^53 − 1 as a whole, and nothing of it happened', async () => {
    for (const place of [1, 2]) {
      const [ann, bob, eve] = await cluster.playersOn(1, place, 1) as [PlayerId, PlayerId, PlayerId];
      await cluster.mint(bob, QUANTITY_MAX);
      await cluster.mint(ann, 1);
      const before = await Promise.all([ann, bob, eve].map(held));
      await assert.rejects(cluster.storage.settle([movement([pay(null, eve, 1)]), movement([pay(ann, bob, 1)])]), /balance_bounds/);
      assert.deepEqual(await Promise.all([ann, bob, eve].map(held)), before);
    }
  });

  for (const [where, shards] of [['on one shard', [1, 1]], ['over two shards', [0, 2]]] as const) {
    for (const [how, fences] of [['decided before the locks', true], ['decided behind them', false]] as const) {
      it(`[TP12] sends nothing of what is no number of its kind or no id, ${where}, ${how}`, async () => {
        const [ann, bob] = await cluster.playersOn(...shards) as [PlayerId, PlayerId];
        await cluster.mint(ann, 10);
        const asked = (posting: Movement['postings'][number]) => movement([posting], fences ? { commands: [ann, bob].map((actor) => command({ actor })), fences: [ann, bob].map((player) => ({ player, epoch: 0 })) } : {});
        const began = performance.now();
        for (const quantity of [0.5, Number.NaN, QUANTITY_MAX * 4]) await assert.rejects(settle(asked(pay(ann, bob, quantity))), RangeError);
        await assert.rejects(settle(asked({ item: 'sword' as ItemId, version: 1, content: { kind: 'sword', attributes: {}, bound: false }, giver: ann, receiver: bob })), RangeError);
        assert.ok(performance.now() - began < 5_000, 'nobody waits for what was never sent');
        assert.deepEqual([await gold(ann), await gold(bob)], [10, 0]);
        assert.equal(verdictOf(await settle(asked(pay(ann, bob, 3)))), 'committed');
        assert.deepEqual([await gold(ann), await gold(bob)], [7, 3]);
      });
    }
  }

  it('[LD5] raises a holder\'s version by one per transaction, whatever it moves, and an item\'s by one per posting', async () => {
    const [ann, bob] = await cluster.playersOn(2, 3) as [PlayerId, PlayerId];
    const version = async () => [(await held(ann)).version, (await held(bob)).version];
    const sword = await cluster.mintItem(ann);
    await cluster.mint(ann, 5);
    assert.deepEqual(await version(), [2, 0]);
    committed(await settle(movement([pay(ann, bob, 1), pay(ann, bob, 1), itemPosting({ id: sword }, ann, bob)])));
    assert.deepEqual(await version(), [3, 1]);
    assert.equal(verdictOf(await settle(movement([pay(ann, bob, 99)]))), 'INSUFFICIENT');
    assert.deepEqual(await version(), [3, 1], 'a refused movement touches nobody');
    committed(await settle(movement([itemPosting({ id: sword, version: 2 }, bob, ann)])));
    assert.deepEqual(await version(), [4, 2]);
    assert.equal((await held(ann)).items[0]?.version, 3);
    committed(await settle(movement([itemPosting({ id: sword, version: 3 }, ann, null)])));
    assert.deepEqual([await version(), (await held(ann)).items], [[5, 2], []]);
  });

  it('[LD1] earns experience with the movement, or not at all', async () => {
    const [ann] = await cluster.newPlayers(1) as [PlayerId];
    const earn = (xp: number, postings = [pay(null, ann, 1)]) => settle(movement(postings, { experience: { player: ann, xp } }));
    assert.deepEqual(committed(await earn(99)).profile, { player: ann, xp: 99, level: 1 });
    assert.deepEqual(committed(await earn(1)).profile, { player: ann, xp: 100, level: 2 });
    assert.equal(verdictOf(await earn(1000, [pay(ann, null, 99)])), 'INSUFFICIENT');
    const record = (await cluster.storage.holdings.players([ann])).get(ann);
    assert.deepEqual([record?.xp, record?.level], [100, 2]);
  });
});
