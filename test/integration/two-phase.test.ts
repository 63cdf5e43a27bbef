import assert from 'node:assert/strict';
import { OutcomeUnknown } from '../../persistence/database-errors.ts';
import { parseGid } from '../../persistence/gid.ts';
import type { GuildFlush } from '../../persistence/guilds/flush.ts';
import type { FaultPoint } from '../../persistence/index.ts';
import { resolveInDoubt } from '../../persistence/resolver.ts';
import { routedTransactor } from '../../persistence/routed-transact.ts';
import { settler } from '../../persistence/settle.ts';
import { SlotMap } from '../../persistence/slot-map.ts';
import { transactor, type TransactOn } from '../../persistence/transact.ts';
import type { Transaction } from '../../persistence/transaction.ts';
import type { GuildId, PlayerId } from '../../schema/ids.ts';
import { BrokenInvariant } from '../../schema/invariant.ts';
import { Refusal } from '../../schema/refusals.ts';
import { command, itemPosting, movement, newCommandId, redInvariants, settleOne, startCluster, untilRows, verdictOf, type TestCluster } from '../kit/cluster.ts';
import { interceptShard, type Intercept } from '../kit/intercept.ts';

const RAISE = { name: 'test-raise', text: 'update mark set value = value + 1 where id = $1' };
const pay = (giver: PlayerId | null, receiver: PlayerId | null, quantity: number) => ({ asset: 'gold', quantity, giver, receiver });

describe('two-phase commit', () => {
  let cluster: TestCluster;
  let reached: FaultPoint[];
  let unfinished: unknown[];

  before(async () => {
    cluster = await startCluster();
    for (const shard of cluster.shards) await shard.pool.query('create table mark (id int primary key, value int not null)');
  });
  beforeEach(async () => {
    reached = [];
    unfinished = [];
    for (const shard of cluster.shards) await shard.pool.query('delete from mark; insert into mark values (1, 0), (2, 0)');
  });
  afterEach(async () => {
    for (const shard of cluster.shards) assert.deepEqual((await shard.pool.query('select gid from pg_prepared_xacts where database = current_database()')).rows, [], 'left prepared');
  });
  after(async () => {
    const red = await redInvariants(cluster.storage);
    await cluster.stop();
    assert.deepEqual(red, []);
  });

  /** A transactor whose every statement on a shard passes by the test first. */
  function open(intercept?: Intercept): TransactOn {
    const shards = intercept ? cluster.shards.map((shard) => interceptShard(shard, intercept)) : cluster.shards;
    return transactor({ shards, reach: (point) => reached.push(point), onUnfinished: (error) => unfinished.push(error) });
  }
  const raiseOn = (...shards: number[]) => async (transaction: Transaction) => {
    for (const shard of shards) await transaction.on(shard).query(RAISE, [1]);
    return transaction.id;
  };
  const marks = async () => (await Promise.all(cluster.shards.map((_, at) => cluster.sql<{ value: number }>(at, 'select value from mark where id = 1')))).map(([row]) => row?.value);
  const decisions = async (id: string) => (await Promise.all(cluster.shards.map((_, at) => cluster.sql<{ outcome: string }>(at, 'select outcome from decision where transaction_id = $1', [id])))).map(([row]) => row?.outcome);
  const kill = (pid: number) => cluster.sql(0, 'select pg_terminate_backend($1, 5000)', [pid]);
  const prepared = async () => (await cluster.sql<{ gid: string }>(0, 'select gid from pg_prepared_xacts order by gid')).map(({ gid }) => gid);

  // Guards the refusal of statements behind the rollback: they would run outside of any transaction, and stay.
  it('[TP1] what goes on beside a statement that failed writes nothing', async () => {
    const work = async (transaction: Transaction) => {
      const [failing, other] = [transaction.on(1), transaction.on(3)];
      const goesOn = async () => {
        // As long as the failure takes to be known, and not so long that the rollback is over.
        await failing.raw('select pg_sleep(0.02)', []).catch(() => undefined);
        for (const part of [failing, other]) await part.query(RAISE, [1]).catch(() => undefined);
      };
      await Promise.all([failing.raw('select 1 / 0', []), goesOn(), other.raw('select pg_sleep(0.05)', [])]);
      return transaction.id;
    };
    await assert.rejects(open()([1, 3], 'test', work), /division by zero/);
    await untilRows(() => cluster.sql(0, `select 1 where not exists (select 1 from pg_stat_activity where state like 'idle in%' or query like '%pg_sleep(0.05)' and state = 'active' and pid <> pg_backend_pid())`));
    assert.deepEqual(await marks(), [0, 0, 0, 0]);
  });

  it('[TP1] is plain over one shard: no prepare, no decision', async () => {
    const statements: string[] = [];
    const id = await open(async ({ text }) => void statements.push(text))([2], 'test', raiseOn(2));
    assert.deepEqual(statements, ['begin', RAISE.text, 'commit']);
    assert.deepEqual([await marks(), await decisions(id), reached], [[0, 0, 1, 0], [undefined, undefined, undefined, undefined], ['committed']]);
  });

  it('[TP1] over several prepares all but the lowest, commits there with the decision, then tells the others', async () => {
    const statements: string[] = [];
    const id = await open(async ({ text, shard }) => void statements.push(`${shard}: ${text.replaceAll(/strongroom:[^']+/g, 'gid')}`))([3, 1, 2, 3], 'test', raiseOn(1, 2, 3));
    assert.deepEqual(statements.filter((text) => !text.includes('update')), [
      '1: begin', '2: begin', '3: begin', `2: prepare transaction 'gid'`, `3: prepare transaction 'gid'`,
      `1: insert into decision (transaction_id, outcome) values ('${id}', 'commit'); commit`, `2: commit prepared 'gid'`, `3: commit prepared 'gid'`,
    ]);
    assert.deepEqual([await marks(), await decisions(id)], [[0, 1, 1, 1], [undefined, 'commit', undefined, undefined]]);
    assert.deepEqual(reached, ['prepared-first', 'prepared', 'committed', 'finished-first', 'finished']);
  });

  it('[TP2] names the home shard, the transaction and the own shard in each gid', async () => {
    let gids: string[] = [];
    const id = await open(async ({ text }) => {
      if (text.startsWith('insert into decision')) gids = await prepared();
    })([1, 2, 3], 'test', raiseOn(1));
    assert.deepEqual(gids.map(parseGid), [{ home: 1, transactionId: id, shard: 2 }, { home: 1, transactionId: id, shard: 3 }]);
    for (const other of ['', 'strongroom:1', 'other:0:00000000-0000-0000-0000-000000000000:1', 'strongroom:a:00000000-0000-0000-0000-000000000000:1']) assert.equal(parseGid(other), undefined);
  });

  // Guards the count of attempts and the refusal at its end, with a lock that nobody ever gives back.
  it('[TP3] runs again what lost a race, 3 times in all, and then refuses', async () => {
    const blocker = await cluster.shards[2]!.pool.connect();
    await blocker.query('begin; update mark set value = 9 where id = 1');
    let attempts = 0;
    const work = async (transaction: Transaction) => {
      attempts++;
      await transaction.on(2).query({ name: 'test-impatient', text: `select set_config('lock_timeout', '30ms', true)` }, []);
      return await raiseOn(0, 2)(transaction);
    };
    const refused = (error: unknown) => error instanceof Refusal && error.code === 'CONCURRENT_MODIFICATION' && error.details['attempts'] === 3;
    await assert.rejects(open()([0, 2], 'test', work), refused);
    assert.equal(attempts, 3);
    attempts = 0;
    const late = open()([0, 2], 'test', work);
    while (attempts < 2) await untilRows(() => cluster.sql(2, 'select 1'));
    await blocker.query('rollback');
    blocker.release();
    await late;
    assert.deepEqual(await marks(), [1, 0, 1, 0]);
  });

  it('[TP3] runs nothing again that is not a lost race', async () => {
    let attempts = 0;
    await assert.rejects(open()([0, 2], 'test', async (transaction) => {
      attempts++;
      await raiseOn(0)(transaction);
      await transaction.on(2).query({ name: 'test-broken', text: 'select 1 / 0' }, []);
    }), /division by zero/);
    assert.deepEqual([attempts, await marks()], [1, [0, 0, 0, 0]]);
  });

  // Guards the look at what PREPARE TRANSACTION answered: of a failed transaction it is ROLLBACK, without an error.
  it('[TP1] commits nothing when a part had failed and the work did not say so', async () => {
    await assert.rejects(open()([0, 1], 'test', async (transaction) => {
      await raiseOn(0, 1)(transaction);
      await transaction.on(1).query({ name: 'test-swallowed', text: 'select 1 / 0' }, []).catch(() => undefined);
    }), /cannot be prepared/);
    assert.deepEqual(await marks(), [0, 0, 0, 0]);
  });

  for (const [decided, outcome, expected] of [[true, 'commit', [1, 1, 1, 0]], [false, 'abort', [0, 0, 0, 0]]] as const) {
    it(`[TP4] ends what a dead coordinator left prepared, ${decided ? 'by its decision' : 'by deciding the abort'}, however often and by however many`, async () => {
      const id = crypto.randomUUID();
      for (const shard of [1, 2]) await cluster.sql(shard, `begin; update mark set value = value + 1 where id = 1; prepare transaction 'strongroom:0:${id}:${shard}'`);
      if (decided) await cluster.sql(0, `begin; update mark set value = value + 1 where id = 1; insert into decision values ('${id}', 'commit'); commit`);
      assert.deepEqual(await resolveInDoubt(cluster.shards), [], 'it is not in doubt yet');
      const runs = await Promise.all(Array.from({ length: 6 }, () => resolveInDoubt(cluster.shards, 0)));
      assert.deepEqual(runs.flat().map((resolution) => resolution.outcome), [outcome, outcome], 'each part was ended by one');
      assert.deepEqual(await resolveInDoubt(cluster.shards, 0), []);
      assert.deepEqual([await marks(), (await decisions(id))[0]], [expected, outcome]);
    });
  }

  it('[TP4] leaves alone what is not ours', async () => {
    await cluster.sql(1, `begin; update mark set value = 5 where id = 2; prepare transaction 'somebody else'`);
    const ours = `strongroom:7:${crypto.randomUUID()}:1`;
    await cluster.sql(1, `begin; select 1; prepare transaction '${ours}'`);
    assert.deepEqual(await resolveInDoubt(cluster.shards, 0), [], 'shard 7 is not of this cluster');
    await cluster.sql(1, `rollback prepared 'somebody else'`);
    await cluster.sql(1, `rollback prepared '${ours}'`);
  });

  it('[TP4] keeps a decision while anything waits for it, and collects it when it is old and nothing does', async () => {
    const [open, done] = [crypto.randomUUID(), crypto.randomUUID()];
    await cluster.sql(1, `begin; select 1; prepare transaction 'strongroom:0:${open}:1'`);
    for (const id of [open, done]) await cluster.sql(0, `insert into decision values ('${id}', 'commit', now() - interval '2 hours')`);
    await cluster.storage.collectDecisions();
    assert.deepEqual([(await decisions(open))[0], (await decisions(done))[0]], ['commit', undefined]);
    assert.deepEqual((await resolveInDoubt(cluster.shards, 0)).map(({ outcome }) => outcome), ['commit']);
    await cluster.storage.collectDecisions();
    assert.equal((await decisions(open))[0], undefined);
  });

  // Guards the abort's row under the same key: without it, a coordinator that slept commits half of what was rolled back.
  it('[TP5] cannot be committed by a coordinator that comes back after the abort was decided', async () => {
    const ids: string[] = [];
    let resolved: string[] = [];
    const committed = await open(async ({ text }) => {
      if (!text.startsWith('insert into decision') || resolved.length > 0) return;
      resolved = (await resolveInDoubt(cluster.shards, 0)).map(({ outcome }) => outcome);
    })([0, 1, 2], 'test', async (transaction) => {
      ids.push(transaction.id);
      return await raiseOn(0, 1, 2)(transaction);
    });
    assert.deepEqual(resolved, ['abort', 'abort']);
    assert.equal(ids.length, 2, 'it ran again, as another transaction');
    assert.deepEqual([(await decisions(ids[0]!))[0], (await decisions(committed))[0], await marks()], ['abort', 'commit', [1, 1, 1, 0]]);
  });

  it('[TP5] cannot be committed by a coordinator that waits for a resolver which is deciding', async () => {
    const resolver = await cluster.shards[0]!.pool.connect();
    let first: string | undefined;
    const committing = open(async ({ text }) => {
      if (!text.startsWith('insert into decision') || first !== undefined) return;
      first = /'([^']+)', 'commit'/.exec(text)?.[1] ?? '';
      await resolver.query(`begin; insert into decision values ('${first}', 'abort')`);
      void untilRows(() => cluster.sql(0, 'select 1 from pg_locks where not granted')).then(() => resolver.query('commit'));
    })([0, 3], 'test', raiseOn(0, 3));
    const second = await committing;
    resolver.release();
    assert.deepEqual([(await decisions(first!))[0], (await decisions(second))[0], await marks()], ['abort', 'commit', [1, 0, 0, 1]]);
  });

  for (const [when, victim, statement, after] of [
    ['in the middle of the work, on its home shard', 0, 'update mark', 'nothing'],
    ['in the middle of the work, on another shard', 1, 'update mark', 'nothing'],
    ['before a part is prepared', 1, 'prepare transaction', 'nothing'],
    ['before the commit', 0, 'insert into decision', 'nothing'],
    ['before a part is told the commit', 1, 'commit prepared', 'all'],
  ] as const) {
    it(`[TP4] a connection killed ${when} leaves ${after}, once the resolver ran`, async () => {
      let killed = false;
      const done = open(async ({ text, shard, pid }) => {
        if (killed || shard !== victim || !text.startsWith(statement)) return;
        killed = true;
        await kill(pid);
      })([0, 1, 2], 'test', raiseOn(0, 1, 2));
      if (after === 'nothing') await assert.rejects(done, /terminat|Connection|connection/);
      else await done;
      await resolveInDoubt(cluster.shards, 0);
      assert.deepEqual(await marks(), after === 'all' ? [1, 1, 1, 0] : [0, 0, 0, 0]);
      assert.equal(unfinished.length > 0, statement === 'commit prepared' || statement === 'prepare transaction');
    });
  }

  describe('what ends along with what it writes', () => {
    const sendAll = (...statements: [number, string][]) => async (transaction: Transaction) => {
      const asked = statements.map(([shard, text]) => transaction.on(shard).raw(text, []));
      transaction.endBehind();
      await Promise.all(asked);
      return transaction.id;
    };
    const raised = 'update mark set value = value + 1 where id = 1';

    it('[TP9] the only part commits, and of several those prepare that do not decide, before an answer is there', async () => {
      for (const [shards, expected] of [[[2], ['begin', 'commit']], [[0, 2, 3], ['begin', 'begin', 'begin', 'prepare', 'prepare']]] as const) {
        const statements: string[] = [];
        let sent: string[] = [];
        await open(async ({ text }) => void statements.push(text.split(' ')[0]!))(shards, 'test', async (transaction) => {
          const asked = shards.map((shard) => transaction.on(shard).query(RAISE, [1]).then(() => (sent = sent.length > 0 ? sent : [...statements])));
          transaction.endBehind();
          await Promise.all(asked);
        });
        assert.deepEqual(sent.filter((text) => text !== 'update'), expected);
      }
      assert.deepEqual(await marks(), [1, 0, 2, 1]);
    });

    // Guards the roll-back of the parts that prepared while another one failed: they would stay until a resolver finds them.
    for (const [what, shards] of [['the only part', [1]], ['the one that decides', [0, 1, 2]], ['one that prepares', [1, 0, 2]]] as const) {
      it(`[TP9] is nothing at all when a statement of ${what} fails, and says why`, async () => {
        const [failing, ...others] = shards;
        const statements: [number, string][] = [[failing, raised], [failing, 'select 1 / 0'], [failing, raised], ...others.map((shard): [number, string] => [shard, raised])];
        const home = Math.min(...shards);
        if (what === 'the one that decides') assert.equal(failing, home);
        await assert.rejects(open()(shards, 'test', sendAll(...statements)), /division by zero/);
        assert.deepEqual([await marks(), unfinished], [[0, 0, 0, 0], []]);
      });
    }

    // Guards that PostgreSQL's answer is read: to the commit of a failed transaction it is ROLLBACK, without an error.
    it('[TP9] is not taken for done when a statement failed and the work did not say so', async () => {
      await assert.rejects(open()([1], 'test', async (transaction) => {
        const asked = [transaction.on(1).raw(raised, []), transaction.on(1).raw('select 1 / 0', [])];
        transaction.endBehind();
        await Promise.allSettled(asked);
      }), /the commit answered ROLLBACK/);
      assert.deepEqual(await marks(), [0, 0, 0, 0]);
    });

    // Guards `mayHaveCommitted`: a loss that is told as one before the commit is answered as if nothing could have happened.
    it('[TP9] [KE3] leaves the outcome unknown when the connection is lost before the statements are answered', async () => {
      const blocker = await cluster.shards[2]!.pool.connect();
      await blocker.query('begin; update mark set value = 9 where id = 1');
      const done = open()([2], 'test', sendAll([2, raised]));
      done.catch(() => undefined);
      const waiting = `select pid from pg_stat_activity where wait_event_type = 'Lock' and query = '${raised}'`;
      await untilRows(() => cluster.sql(2, waiting));
      await cluster.sql(2, `select pg_terminate_backend(pid, 5000) from (${waiting}) w`);
      await assert.rejects(done, OutcomeUnknown);
      await blocker.query('rollback');
      blocker.release();
    });

    it('[TP9] is a fault of ours, and said to be one, when a statement never left and the rest was committed', async () => {
      await assert.rejects(open()([1], 'test', async (transaction) => {
        await transaction.on(1).query({ name: 'test-one-name', text: 'select 1' }, []);
        const asked = [transaction.on(1).raw(raised, []), transaction.on(1).query({ name: 'test-one-name', text: 'select 2' }, [])];
        transaction.endBehind();
        await Promise.all(asked);
      }), (error) => error instanceof BrokenInvariant && /must be unique/.test(error.message));
      assert.deepEqual(await marks(), [0, 1, 0, 0]);
    });

    it('[TP9] takes nothing more, and nothing that is not confirmed ends so', async () => {
      await assert.rejects(open()([1], 'test', async (transaction) => {
        transaction.endBehind();
        await transaction.on(1).query(RAISE, [1]);
      }), (error) => error instanceof OutcomeUnknown && /is ending/.test(String(error.cause)));
      assert.deepEqual(await marks(), [0, 0, 0, 0]);
    });

    // Guards the failure of the statement where an item came that is held there: its prepare is under way, or its commit.
    for (const [where, shards] of [['prepares', [0, 2]], ['decides', [2, 0]]] as const) {
      it(`[TP9] nothing is committed of an item that comes and is held already, where the receiver's shard ${where}`, async () => {
        const [ann, bob] = (await cluster.playersOn(...shards)) as [PlayerId, PlayerId];
        const sword = await cluster.mintItem(ann);
        const there = cluster.placeOf(bob);
        await cluster.sql(there, `insert into item (id, holder, kind, version, attributes) values ($1, $2, 'sword', 1, '{}')`, [sword, bob]);
        await assert.rejects(settleOne(cluster.storage, movement([itemPosting({ id: sword }, ann, bob)])), /held twice/);
        await cluster.sql(there, 'delete from item where id = $1 and version = 1', [sword]);
        assert.deepEqual((await cluster.storage.holdings.holdings([ann])).get(ann)?.items.map(({ id, version }) => [id, version]), [[sword, 1]]);
      });
    }

    // Guards `fail` in settle-statements.ts: the commit is under way when the answer says no.
    for (const [where, shards] of [['on one shard', [2, 2]], ['over two shards', [3, 1]]] as const) {
      it(`[TP9] nothing is committed of what was decided under the locks and is refused by the statement, ${where}`, async () => {
        const [ann, bob] = (await cluster.playersOn(...shards)) as [PlayerId, PlayerId];
        await cluster.mint(ann, 4);
        const plain = { actor: bob, id: newCommandId(), hash: Buffer.from('asked'), answer: 'done' };
        const guild: GuildFlush = {
          guildId: ann as string as GuildId, holders: [ann, bob], names: [], size: 0,
          wants: { players: [], everyone: false, memberCount: false, invitations: false, taken: false, bankSize: false, items: [], balances: [], commands: [] },
          decide: () => ({ postings: [pay(ann, bob, 5)], commands: [command({ actor: ann })], plain: [plain] }),
        };
        await assert.rejects(settleOne(cluster.storage, movement([], { commands: [], guild })), /sure under the locks, and refused: INSUFFICIENT/);
        const held = await cluster.storage.holdings.holdings([ann, bob]);
        assert.deepEqual([held.get(ann)?.fungibles, held.get(bob)?.fungibles], [{ gold: 4 }, {}]);
        assert.deepEqual(await cluster.sql(cluster.placeOf(bob), 'select 1 from command where id = $1', [plain.id]), []);
      });
    }
  });

  it('[LD2] transfers A to B, B to A and round a ring go on at once, without a deadlock and without a retry', async () => {
    const ring = await cluster.playersOn(0, 1, 2, 3);
    for (const player of ring) await cluster.mint(player, 100);
    const attempts: string[] = [];
    const reach = (point: FaultPoint) => void attempts.push(point);
    const settle = settler({ transact: routedTransactor(await SlotMap.open({ shards: cluster.shards, join: () => assert.fail('no shard is added') }), transactor({ shards: cluster.shards, reach, onUnfinished: (error) => unfinished.push(error) })), reach });
    const transfers = Array.from({ length: 40 }, (_, at) => [[0, 1], [1, 0], [2, 3], [3, 2], [0, 2], [1, 3], [2, 1], [3, 0]][at % 8] as [number, number]);
    const outcomes = await Promise.all(transfers.map(([from, to]) => settleOne({ settle }, movement([pay(ring[from]!, ring[to]!, 1)]))));
    assert.deepEqual(new Set(outcomes.map(verdictOf)), new Set(['committed']));
    assert.equal(attempts.filter((point) => point === 'locked').length, transfers.length, 'each ran once');
    assert.deepEqual(unfinished, []);
    const held = await cluster.storage.holdings.holdings(ring);
    assert.deepEqual(ring.map((player) => held.get(player)?.fungibles['gold']), [100, 100, 100, 100]);
  });
});

