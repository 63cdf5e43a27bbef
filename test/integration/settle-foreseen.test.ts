import assert from 'node:assert/strict';
import path from 'node:path';
import { closeShards, openShards, openStorage, OutcomeUnknown, type Movement, type Posting, type Storage } from '../../persistence/index.ts';
import type { ItemId, PlayerId } from '../../schema/ids.ts';
import { command, committed, itemPosting, movement, redInvariants, startCluster, verdictOf, type TestCluster } from '../kit/cluster.ts';
import { assertGoesRed, withMutant } from '../kit/mutant.ts';
import type { MutationName } from '../kit/mutations.ts';
import { watchStatements, type Statements } from '../kit/statements.ts';

type Open = typeof openStorage;
const pay = (giver: PlayerId, receiver: PlayerId, quantity: number) => ({ asset: 'gold', quantity, giver, receiver });
/** As a trade asks: both of them, by their sessions. */
const agreed = (players: readonly PlayerId[], postings: Posting[], options: Partial<Movement> = {}) =>
  movement(postings, { commands: players.map((actor) => command({ actor })), fences: players.map((player) => ({ player, epoch: 0 })), ...options });
const isForeseen = (name: string) => /^settle-sure-.*foreseen/.test(name);

for (const [where, first, second] of [['on one shard', 1, 1], ['over two shards', 0, 3]] as const) {
  describe(`movements that are decided by their sessions before the locks, ${where}`, () => {
    let cluster: TestCluster;
    let statements: Statements;
    /** What was sent (`>`) and answered (`<`), with its text or name. */
    let traffic: string[] = [];
    let losesCommit = false;
    const opened: Awaited<ReturnType<typeof openShards>>[] = [];
    before(async () => (cluster = await startCluster()));
    afterEach(async () => {
      for (const shards of opened.splice(0)) await closeShards(shards);
    });
    after(async () => {
      const red = await redInvariants(cluster.storage);
      assert.deepEqual(await cluster.sql(0, 'select gid from pg_prepared_xacts'), []);
      await cluster.stop();
      assert.deepEqual(red, []);
    });

    async function watched(query: unknown, send: () => unknown): Promise<unknown> {
      const name = typeof query === 'string' ? query.split(' ')[0] : (query as { name?: string }).name;
      traffic.push(`>${name}`);
      const answer = await send();
      traffic.push(`<${name}`);
      if (!losesCommit || name !== 'commit') return answer;
      losesCommit = false;
      throw Object.assign(new Error('the connection was lost'), { code: 'ECONNRESET' });
    }

    /** A process that has heard of both shards what is paused there, and what it comes by. */
    async function open(openStorageOf: Open = openStorage, options: Partial<Parameters<Open>[1]> = {}): Promise<{ storage: Storage; reached: string[] }> {
      const own = await openShards(cluster.urls, 2);
      opened.push(own);
      statements = watchStatements(own, watched);
      const reached: string[] = [];
      const storage = await openStorageOf(own, { reach: (point) => reached.push(point), onUnfinished: (error) => assert.fail(String(error)), ...options });
      const [ann, bob] = await pair();
      assert.deepEqual((await storage.settle([agreed([ann, bob], [pay(ann, bob, 1)])])).map(verdictOf), ['committed']);
      assert.ok(!statements.sent.some(isForeseen), 'what is paused is asked once');
      reached.length = 0;
      return { storage, reached };
    }

    /** Both have 100 gold. */
    async function pair(): Promise<[PlayerId, PlayerId]> {
      const players = (await cluster.playersOn(first, second)) as [PlayerId, PlayerId];
      for (const player of players) await cluster.mint(player, 100);
      return players;
    }

    async function settled(storage: Storage, batch: readonly Movement[]) {
      statements.forget();
      traffic = [];
      const outcomes = await storage.settle(batch);
      return { outcomes, said: outcomes.map(verdictOf), foreseen: statements.sent.filter(isForeseen).length };
    }
    const shardsIn = first === second ? 1 : 2;
    const goldOf = async (players: readonly PlayerId[]) => {
      const held = await cluster.storage.holdings.holdings([...players]);
      return players.map((player) => held.get(player)?.fungibles['gold'] ?? 0);
    };
    const onShardOf = (player: PlayerId, text: string) => cluster.sql(cluster.placeOf(player), text, [player]);
    const isolated = async (work: () => Promise<void>) => {
      const outer = cluster;
      cluster = await startCluster();
      try {
        await work();
      } finally {
        for (const shards of opened.splice(0)) await closeShards(shards);
        await cluster.stop();
        cluster = outer;
      }
    };
    /** Unless what it leaves is not as it must be. */
    const plainly = (work: () => Promise<void>) => work();
    const goesRed = (mutation: MutationName, scenario: (open: Open) => Promise<void>, symptom: RegExp) =>
      // What it leaves is not as it must be.
      isolated(() => withMutant(mutation, async (root) => {
        const { openStorage: unguarded } = (await import(path.join(root, 'persistence/index.ts'))) as { openStorage: Open };
        await assertGoesRed(scenario(unguarded), symptom);
      }));

    it('[TP11] are locked, written and ended in one round trip, and told as they are', async () => {
      const { storage, reached } = await open();
      const [ann, bob] = await pair();
      const sword = await cluster.mintItem(ann);
      const { outcomes, said, foreseen } = await settled(storage, [agreed([ann, bob], [itemPosting({ id: sword }, ann, bob), pay(bob, ann, 7)])]);
      assert.deepEqual([said, foreseen], [['committed'], shardsIn]);
      const firstAnswer = traffic.findIndex((event) => event.startsWith('<settle'));
      const ends = first === second ? ['>commit'] : ['>prepare'];
      assert.deepEqual(traffic.slice(0, firstAnswer).filter((event) => ['>commit', '>prepare'].includes(event)), ends, traffic.join(' '));
      assert.deepEqual(traffic.filter((event) => event.startsWith('>settle')), traffic.slice(0, firstAnswer).filter((event) => event.startsWith('>settle')), 'nothing is asked afterwards');
      assert.deepEqual(reached.slice(0, 2), ['acted-first', 'acted']);
      const truth = await cluster.storage.holdings.holdings([ann, bob]);
      const { deltas } = committed(outcomes[0]);
      for (const { holderId, version, set } of deltas) assert.deepEqual([version, set.fungibles], [truth.get(holderId)?.version, truth.get(holderId)?.fungibles]);
      assert.deepEqual(truth.get(bob)?.items.map(({ id, version }) => [id, version]), [[sword, 2]]);
      assert.equal(deltas.length, 2);
    });

    it('[TP11] [LD5] [LD6] have versions of their own where a holder is in several of them', async () => {
      const { storage } = await open();
      const [[ann, bob], [cyd]] = [await pair(), await pair()];
      const { version } = (await cluster.storage.holdings.holdings([ann])).get(ann)!;
      const { outcomes, said, foreseen } = await settled(storage, [agreed([ann, bob], [pay(ann, bob, 1)]), agreed([ann, cyd], [pay(ann, cyd, 2)]), agreed([ann, bob], [pay(bob, ann, 3)])]);
      assert.deepEqual([said, foreseen], [['committed', 'committed', 'committed'], shardsIn]);
      assert.deepEqual(outcomes.map((outcome) => committed(outcome).deltas.find(({ holderId }) => holderId === ann)!).map((delta) => [delta.version, delta.set.fungibles['gold']]), [[version + 1, 99], [version + 2, 97], [version + 3, 100]]);
      assert.deepEqual(await goldOf([ann, bob, cyd]), [100, 98, 102]);
    });

    // Guards what the statement looks at of what was foreseen, of which nothing told this process.
    const meanwhile: Record<string, { does: (ann: PlayerId, bob: PlayerId, sword: ItemId) => Promise<unknown>; wants: string }> = {
      'a session was displaced': { does: (_, bob) => cluster.storage.players.takeSession(bob), wants: 'SESSION_REPLACED' },
      'an account was frozen': { does: (_, bob) => onShardOf(bob, 'update inventory set frozen = true where holder = $1'), wants: 'ACCOUNT_FROZEN' },
      'a player is gone': { does: (_, bob) => onShardOf(bob, 'with gone as (delete from balance where holder = $1) delete from inventory where holder = $1'), wants: 'SESSION_REPLACED' },
      'the item was given away': { does: async (ann, bob, sword) => await cluster.storage.settle([agreed([ann, bob], [itemPosting({ id: sword }, ann, bob)])]), wants: 'NOT_OWNER' },
      'the gold was spent': { does: async (ann, bob) => await cluster.storage.settle([agreed([ann, bob], [pay(bob, ann, 95)])]), wants: 'INSUFFICIENT' },
    };
    for (const [what, { does, wants }] of Object.entries(meanwhile)) {
      it(`[TP11] are ${wants} where ${what} meanwhile, and the others of the batch are not`, () => (what === 'a player is gone' ? isolated : plainly)(async () => {
        const { storage } = await open();
        const [[ann, bob], [cyd, dan]] = [await pair(), await pair()];
        const sword = await cluster.mintItem(ann);
        await does(ann, bob, sword);
        const { said, foreseen } = await settled(storage, [agreed([cyd, dan], [pay(cyd, dan, 1)]), agreed([ann, bob], [itemPosting({ id: sword }, ann, bob), pay(bob, ann, 10)])]);
        assert.deepEqual([said, foreseen], [['committed', wants], shardsIn]);
        assert.deepEqual(await goldOf([cyd, dan]), [99, 101]);
        assert.deepEqual(await cluster.sql(0, 'select gid from pg_prepared_xacts'), []);
      }));
    }

    // Guards that it looks at what it knows to be paused, and at whether that is all.
    const pausedMeanwhile = async (openStorageOf: Open) => {
      const { storage } = await open(openStorageOf);
      const [ann, bob] = await pair();
      const paying = () => settled(storage, [agreed([ann, bob], [pay(ann, bob, 1)])]).then(({ said }) => said[0]);
      const everywhere = (text: string) => Promise.all(cluster.shards.map(({ index }) => cluster.sql(index, text)));
      await everywhere(`insert into pause (asset, reason) values ('gold', 'a test')`);
      try {
        assert.deepEqual([await paying(), await paying()], ['TRADING_PAUSED', 'TRADING_PAUSED']);
      } finally {
        await everywhere('delete from pause');
      }
      assert.equal(await paying(), 'committed');
      assert.deepEqual(await goldOf([ann, bob]), [99, 101]);
    };
    it('[TP11] [OP3] are refused while something in them is paused, and go on when it is not', () => pausedMeanwhile(openStorage));
    it('[TP11] go on while they are paused when the process is "pauses-unforeseen"', () => goesRed('pauses-unforeseen', pausedMeanwhile, /TRADING_PAUSED/));

    // Guards that sessions of one player are compared with one another: the statement looks at one.
    const twoSessions = async (openStorageOf: Open) => {
      const { storage } = await open(openStorageOf);
      const [ann, bob] = await pair();
      const epoch = await cluster.storage.players.takeSession(ann);
      const by = (epoch: number) => agreed([ann, bob], [pay(ann, bob, 1)], { fences: [{ player: ann, epoch }, { player: bob, epoch: 0 }] });
      const { said } = await settled(storage, [by(epoch - 1), by(epoch)]);
      assert.deepEqual(said, ['SESSION_REPLACED', 'committed']);
    };
    it('[TP11] [SE2] are told apart where a player asks by two sessions', () => twoSessions(openStorage));
    it('[TP11] [SE2] an old session goes along when the process is "sessions-together"', () => goesRed('sessions-together', twoSessions, /SESSION_REPLACED/));
    const displaced = async (openStorageOf: Open) => {
      const { storage } = await open(openStorageOf);
      const [ann, bob] = await pair();
      await cluster.storage.players.takeSession(ann);
      assert.deepEqual((await settled(storage, [agreed([ann, bob], [pay(ann, bob, 1)])])).said, ['SESSION_REPLACED']);
    };
    it('[TP11] [SE2] who was displaced acts when the process is "sessions-foreseen"', () => goesRed('sessions-foreseen', displaced, /SESSION_REPLACED/));

    it('[TP11] [KE1] [KE2] act once, whatever process was asked before', async () => {
      const { storage } = await open();
      const [ann, bob] = await pair();
      const asked = agreed([ann, bob], [pay(ann, bob, 1)]);
      assert.deepEqual((await cluster.storage.settle([asked])).map(verdictOf), ['committed']);
      assert.deepEqual((await settled(storage, [asked])).said, ['known']);
      assert.deepEqual(await goldOf([ann, bob]), [99, 101]);
    });

    // Guards that the statement asks for its writer.
    it('[TP11] [SH3] go on by the new map where it changed meanwhile, and [PL1] not at all where the process was fenced', () => isolated(async () => {
      const { storage } = await open();
      const [ann, bob] = await pair();
      await Promise.all(cluster.shards.map(({ index }) => cluster.sql(index, 'update slot_map set version = version + 1')));
      const { said, foreseen } = await settled(storage, [agreed([ann, bob], [pay(ann, bob, 1)])]);
      assert.deepEqual([said, foreseen], [['committed'], 2 * shardsIn]);
      await cluster.storage.fence(storage.lease.id);
      await assert.rejects(settled(storage, [agreed([ann, bob], [pay(ann, bob, 1)])]), { code: 'BUSY' });
      assert.deepEqual(await goldOf([ann, bob]), [99, 101]);
    }));

    it('[TP11] [KE3] happen once when the answer of the commit is lost', async () => {
      const { storage } = await open(openStorage, { onUnfinished: () => undefined });
      const [ann, bob] = await pair();
      const asked = agreed([ann, bob], [pay(ann, bob, 1)]);
      // Of two shards the decision goes along with the commit, under another name.
      losesCommit = first === second;
      if (losesCommit) await assert.rejects(settled(storage, [asked]), OutcomeUnknown);
      else assert.deepEqual((await settled(storage, [asked])).said, ['committed']);
      assert.equal(losesCommit, false);
      assert.deepEqual((await settled(storage, [asked])).said, ['known']);
      assert.deepEqual(await goldOf([ann, bob]), [99, 101]);
    });

    // Each of these is looked at under the locks before it acts, because nothing says beforehand what it will find there.
    const unforeseen: Record<string, (ann: PlayerId, bob: PlayerId) => Movement> = {
      'a holder has no session in it': (ann, bob) => agreed([ann, bob], [pay(ann, bob, 1)], { fences: [{ player: ann, epoch: 0 }] }),
      'the service asks': (ann, bob) => agreed([ann, bob], [pay(ann, bob, 1)], { commands: [command()] }),
      'it is support’s, which no freeze keeps': (ann, bob) => agreed([ann, bob], [pay(ann, bob, 1)], { bySupport: true }),
    };
    for (const [why, ask] of Object.entries(unforeseen)) {
      it(`[TP11] are not where ${why}`, async () => {
        const { storage, reached } = await open();
        const [ann, bob] = await pair();
        const { said, foreseen } = await settled(storage, [ask(ann, bob)]);
        assert.deepEqual([said, foreseen, reached[0]], [['committed'], 0, 'locked']);
      });
    }

    it('[TP11] are not, none of them, where one of a batch is not', async () => {
      const { storage } = await open();
      const [[ann, bob], [cyd, dan]] = [await pair(), await pair()];
      const { said, foreseen } = await settled(storage, [agreed([ann, bob], [pay(ann, bob, 1)]), agreed([cyd, dan], [pay(cyd, dan, 1)], { fences: [] })]);
      assert.deepEqual([said, foreseen], [['committed', 'committed'], 0]);
    });

    it('[TP11] [CR2] are not in a process that shall come by "locked"', async () => {
      const { storage, reached } = await open(openStorage, { foresees: false });
      const [ann, bob] = await pair();
      const { said, foreseen } = await settled(storage, [agreed([ann, bob], [pay(ann, bob, 1)])]);
      assert.deepEqual([said, foreseen, reached[0]], [['committed'], 0, 'locked']);
    });

    it('[TP11] whose answer needs a version that nobody has seen are not written', async () => {
      const { storage } = await open();
      const [ann, bob] = await pair();
      const asked = agreed([ann, bob], [pay(ann, bob, 1)], { commands: [command({ actor: ann, answer: (versions) => versions.get(ann) })] });
      await assert.rejects(settled(storage, [asked]), /is told when its row is seen/);
      assert.deepEqual(await goldOf([ann, bob]), [100, 100]);
    });
  });
}
