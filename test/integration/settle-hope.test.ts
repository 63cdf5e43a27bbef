import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { faultPoints, openStorage, type Movement, type Posting, type Storage } from '../../persistence/index.ts';
import type { GuildFlush } from '../../persistence/guilds/flush.ts';
import type { GuildId, ItemId, PlayerId } from '../../schema/ids.ts';
import { CONFIRM } from '../../persistence/writer-check.ts';
import { command, committed, itemPosting, movement, redInvariants, startCluster, verdictOf, type TestCluster } from '../kit/cluster.ts';
import { interceptShard } from '../kit/intercept.ts';
import { watchStatements, type Statements } from '../kit/statements.ts';

/** The statements by which those are told apart who are to be denied. */
const CAREFUL = ['settle-check', 'settle-act', 'settle-act-here'];
/** As persistence/settle.ts has it. */
const ORDERLY_BATCHES = 16;
const CAREFUL_BATCHES = { 'over several shards': 16, 'on one shard': 2 };
const pay = (giver: PlayerId, receiver: PlayerId, quantity: number) => ({ asset: 'gold', quantity, giver, receiver });
/** Asked by the giver, on whose shard the command is then. */
const asked = (giver: PlayerId, ...postings: Posting[]) => movement(postings, { commands: [command({ actor: giver })] });

describe('a batch that acts before it was asked about', () => {
  let cluster: TestCluster;
  let statements: Statements;
  before(async () => {
    cluster = await startCluster();
    statements = watchStatements(cluster.shards);
  });
  after(async () => {
    const red = await redInvariants(cluster.storage);
    await cluster.stop();
    assert.deepEqual(red, []);
  });

  const hopeful = () => openStorage(cluster.shards, { reach: faultPoints(undefined), onUnfinished: (error) => assert.fail(String(error)) });
  const prepared = async () => (await cluster.sql<{ gid: string }>(0, 'select gid from pg_prepared_xacts')).map(({ gid }) => gid);
  const pairAt = async (...shards: [number, number]) => {
    const [giver, receiver] = (await cluster.playersOn(...shards)) as [PlayerId, PlayerId];
    await cluster.mint(giver, 100);
    return [giver, receiver] as const;
  };
  const asks = async (storage: Storage, batch: readonly Movement[]) => {
    statements.forget();
    const outcomes = await storage.settle(batch);
    return { outcomes, isCareful: statements.sent.some((name) => CAREFUL.includes(name)) };
  };

  it('[TP10] is not asked about, and each shard moves its own', async () => {
    const [storage, [ann, bob]] = [await hopeful(), await pairAt(0, 3)];
    const sword = await cluster.mintItem(ann);
    const { outcomes, isCareful } = await asks(storage, [asked(ann, itemPosting({ id: sword }, ann, bob), pay(ann, bob, 7))]);
    assert.deepEqual([outcomes.map(verdictOf), isCareful], [['committed'], false]);
    const held = await cluster.storage.holdings.holdings([ann, bob]);
    assert.deepEqual([held.get(ann)?.fungibles, held.get(bob)?.fungibles, held.get(bob)?.items.map(({ id }) => id)], [{ gold: 93 }, { gold: 7 }, [sword]]);
  });

  const stranger = crypto.randomUUID() as ItemId;
  const poisons: Record<string, (giver: PlayerId, receiver: PlayerId) => Promise<Movement>> = {
    NOT_OWNER: async (giver, receiver) => asked(giver, pay(giver, receiver, 1), itemPosting({ id: await cluster.mintItem(receiver) }, giver, receiver)),
    'NOT_OWNER of nothing': (giver, receiver) => Promise.resolve(asked(giver, itemPosting({ id: stranger }, giver, receiver))),
    ITEM_BOUND: async (giver, receiver) => asked(giver, itemPosting({ id: await cluster.mintItem(giver, { bound: true }) }, giver, receiver)),
    stale: async (giver, receiver) => asked(giver, pay(giver, receiver, 1), itemPosting({ id: await cluster.mintItem(giver), version: 7 }, giver, receiver)),
    INSUFFICIENT: (giver, receiver) => Promise.resolve(asked(giver, pay(giver, receiver, 101))),
    known: async (giver, receiver) => {
      const known = command({ actor: giver });
      committed((await cluster.storage.settle([movement([pay(giver, receiver, 1)], { commands: [known] })]))[0]!);
      return movement([pay(giver, receiver, 1)], { commands: [known] });
    },
  };
  // Guards the second try, and that what was prepared on other shards is rolled back before it: it would hold the rows that this wants.
  for (const [said, poison] of Object.entries(poisons)) {
    for (const [where, giverOn, receiverOn] of [['the shard that decides', 0, 2], ['one that prepares', 2, 0], ['the only one', 1, 1]] as const) {
      it(`[TP10] leaves out who is ${said} on ${where}, settles the others, and leaves nothing prepared`, async () => {
        const storage = await hopeful();
        const [ann, bob] = await pairAt(giverOn, receiverOn);
        const others = where === 'the only one' ? [await pairAt(1, 1), await pairAt(1, 1), await pairAt(1, 1)] : [await pairAt(1, 2), await pairAt(0, 0), await pairAt(3, 1)];
        const poisoned = await poison(ann, bob);
        const { outcomes, isCareful } = await asks(storage, [asked(others[0]![0], pay(...others[0]!, 5)), poisoned, ...others.slice(1).map((pair) => asked(pair[0], pay(...pair, 5)))]);
        assert.deepEqual(outcomes.map(verdictOf), ['committed', said.split(' ')[0], 'committed', 'committed']);
        assert.ok(isCareful, 'the second time they are told apart');
        assert.deepEqual(await prepared(), []);
        const held = await cluster.storage.holdings.holdings(others.flat());
        for (const [giver, receiver] of others) assert.deepEqual([held.get(giver)?.fungibles, held.get(receiver)?.fungibles], [{ gold: 95 }, { gold: 5 }]);
      });
    }
  }

  // Guards the care that is taken for a while: where every batch has somebody to deny, each would be written twice.
  for (const [where, giverOn, receiverOn] of [['over several shards', 1, 3], ['on one shard', 1, 1]] as const) {
    it(`[TP10] is taken care of for a while after somebody was denied ${where}, and then no more`, async () => {
      const [storage, [ann, bob]] = [await hopeful(), await pairAt(giverOn, receiverOn)];
      const valid = () => asks(storage, [asked(ann, pay(ann, bob, 1))]).then(({ isCareful }) => isCareful);
      assert.equal(await valid(), false);
      assert.equal((await asks(storage, [asked(ann, pay(ann, bob, 1_000))])).isCareful, true);
      const careful: boolean[] = [];
      for (let batch = 0; batch < CAREFUL_BATCHES[where] + 1; batch++) careful.push(await valid());
      assert.deepEqual([careful.filter(Boolean).length, careful.at(-1)], [CAREFUL_BATCHES[where] - 1, false]);
    });
  }

  // Guards that the statement which acts asks what is paused: who heard of it before asks nothing else. [OP3]
  for (const [where, giverOn, receiverOn] of [['over two shards', 1, 3], ['on one shard', 1, 1]] as const) {
    it(`[TP10] [OP3] refuses what somebody else paused or lets go on meanwhile, ${where}, and is not asked about`, async () => {
      const [storage, [ann, bob]] = [await hopeful(), await pairAt(giverOn, receiverOn)];
      const pauseOn = (text: string) => Promise.all([...new Set([giverOn, receiverOn])].map((shard) => cluster.sql(shard, text)));
      const paying = () => asks(storage, [asked(ann, pay(ann, bob, 1))]).then(({ outcomes, isCareful }) => [outcomes.map(verdictOf)[0], isCareful, statements.sent.includes('confirm-writer')]);
      // What is paused it has to hear once.
      assert.deepEqual([await paying(), await paying()], [['committed', false, true], ['committed', false, false]]);
      await pauseOn("insert into pause (asset, reason) values ('gold', 'a test')");
      try {
        assert.deepEqual([await paying(), await paying()], [['TRADING_PAUSED', false, true], ['TRADING_PAUSED', false, true]]);
        assert.deepEqual((await asks(storage, [asked(ann, itemPosting({ id: await cluster.mintItem(ann) }, ann, bob))])).outcomes.map(verdictOf), ['committed'], 'what is not paused');
        assert.ok(!statements.sent.includes('confirm-writer'));
      } finally {
        await pauseOn('delete from pause');
      }
      assert.deepEqual([await paying(), await paying()], [['committed', false, true], ['committed', false, false]]);
      assert.deepEqual((await cluster.storage.holdings.holdings([bob])).get(bob)?.fungibles, { gold: 4 });
    });
  }

  // Guards the second look: by a flip a holder may come between the locks and the question. [SH3]
  it('[TP10] [SH3] who comes between the locks and the question is not taken for nobody', async () => {
    const [ann] = await pairAt(1, 1);
    const late = await cluster.playersOn(1).then(([player]) => player as PlayerId);
    await cluster.sql(1, 'delete from inventory where holder = $1', [late]);
    const storage = await openStorage(
      cluster.shards.map((shard) => interceptShard(shard, async ({ text }) => {
        if (text === CONFIRM.text) await cluster.sql(1, 'insert into inventory (holder) values ($1) on conflict do nothing', [late]);
      })),
      { reach: faultPoints(undefined), onUnfinished: (error) => assert.fail(String(error)) },
    );
    assert.deepEqual((await storage.settle([asked(ann, pay(ann, late, 1))])).map(verdictOf), ['committed']);
    assert.deepEqual((await storage.settle([asked(ann, pay(ann, crypto.randomUUID() as PlayerId, 1))])).map(verdictOf), ['UNKNOWN_PLAYER']);
  });

  // Guards `nowait`, and that it lets go of what it has: who waits for one row while he has a later one, waits for somebody who may wait for him.
  it('[LD2] takes all rows at once, or none of them and waits for them in order, for a while', async () => {
    const [storage, [ann, bob]] = [await hopeful(), await pairAt(1, 3)];
    const paying = () => asks(storage, [asked(ann, pay(ann, bob, 1))]).then(({ outcomes }) => [outcomes.map(verdictOf)[0], statements.sent.includes('settle-lock-at-once'), statements.sent.includes('settle-lock')]);
    assert.deepEqual(await paying(), ['committed', true, false]);
    const isFree = async (player: PlayerId) => (await cluster.sql(cluster.placeOf(player), 'select 1 from inventory where holder = $1 for update skip locked', [player])).length === 1;
    const blocked = async (player: PlayerId) => {
      const blocker = await cluster.shards[cluster.placeOf(player)]!.pool.connect();
      await blocker.query('begin');
      await blocker.query('select 1 from inventory where holder = $1 for update', [player]);
      const settling = paying();
      while ((await cluster.sql(cluster.placeOf(player), 'select 1 from pg_locks where not granted')).length === 0) await delay(5);
      const free = [await isFree(ann), await isFree(bob)];
      await blocker.query('commit');
      blocker.release();
      return { free, said: await settling };
    };
    assert.deepEqual(await blocked(bob), { free: [false, false], said: ['committed', true, true] });
    const said = [];
    for (let batch = 0; batch < ORDERLY_BATCHES; batch++) said.push((await paying())[1]);
    assert.deepEqual(said, [...Array.from({ length: ORDERLY_BATCHES - 1 }, () => false), true]);
    assert.deepEqual(await blocked(ann), { free: [false, true], said: ['committed', true, true] });
  });

  // Guards that a guild's flush which was decided as if there were plenty is decided again by what there is, when the write says no.
  for (const [where, giverOn, receiverOn] of [['over two shards', 1, 3], ['on one shard', 1, 1]] as const) {
    it(`[GA2] [TP10] a guild's flush is decided without its balances and commands, and by them where the write refuses it, ${where}`, async () => {
      const [storage, [ann, bob]] = [await hopeful(), await pairAt(giverOn, receiverOn)];
      const decisions: { held: number; isKnown: boolean }[] = [];
      const flush = (quantity: number, asks = command({ actor: ann })): GuildFlush => ({
        guildId: bob as string as GuildId, holders: [ann, bob], names: [], size: 1,
        wants: { players: [], everyone: false, memberCount: false, invitations: false, taken: false, bankSize: false, items: [], balances: [[ann, 'gold'], [bob, 'gold']], commands: [[ann, asks.id]] },
        decide(snapshot) {
          decisions.push({ held: snapshot.balance(ann, 'gold'), isKnown: snapshot.known(ann, asks.id) !== undefined });
          const { held, isKnown } = decisions.at(-1)!;
          return held < quantity || isKnown ? { postings: [], commands: [], plain: [] } : { postings: [pay(ann, bob, quantity)], commands: [asks], plain: [] };
        },
      });
      const flushing = async (guild: GuildFlush) => {
        decisions.length = 0;
        const { outcomes } = await asks(storage, [movement([], { commands: [], guild })]);
        return [verdictOf(outcomes[0]!), decisions.map(({ held, isKnown }) => [held > 1_000, isKnown]), statements.sent.filter((name) => ['guild-read-balances', 'guild-read-commands'].includes(name)).length > 0];
      };
      const held = async () => (await cluster.storage.holdings.holdings([ann])).get(ann)?.fungibles['gold'];
      const once = command({ actor: ann });
      assert.deepEqual([await flushing(flush(30, once)), await held()], [['committed', [[true, false]], false], 70]);
      assert.deepEqual([await flushing(flush(71)), await held()], [['committed', [[true, false], [false, false]], true], 70], 'more than is held');
      for (let batch = 0; batch < CAREFUL_BATCHES[giverOn === receiverOn ? 'on one shard' : 'over several shards']; batch++) await flushing(flush(1));
      const rest = await held();
      assert.deepEqual([await flushing(flush(30, once)), await held()], [['committed', [[true, false], [false, true]], true], rest], 'it acted before');
    });
  }
});
