import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { OutcomeUnknown, type Movement, type PlayerEvent, type Settle } from '../../persistence/index.ts';
import { resolveInDoubt } from '../../persistence/resolver.ts';
import type { CommandId, PlayerId } from '../../schema/ids.ts';
import { Refusal } from '../../schema/refusals.ts';
import { Idempotency, sameAnswer, type Ledger } from '../../server/ledger/index.ts';
import { command, movement, newCommandId, redInvariants, startCluster, type TestCluster } from '../kit/cluster.ts';
import { openLedger } from '../kit/ledger.ts';

const pay = (giver: PlayerId | null, receiver: PlayerId | null, quantity: number) => ({ asset: 'gold', quantity, giver, receiver });
const lost = () => Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });

/** What becomes of the nth call of settle: it is done and its answer lost, it never arrives, or it goes its way. */
type Fate = 'answer lost' | 'never arrived' | 'locked out' | 'well';

describe('a connection lost on the way', () => {
  let cluster: TestCluster;
  let told: PlayerEvent[];
  let calls: number;
  before(async () => (cluster = await startCluster()));
  after(() => cluster.stop());

  function ledgerOver(settle: Settle): Ledger {
    const opened = openLedger(cluster.storage, { settle });
    told = opened.told;
    return opened.ledger;
  }

  const fated = (...fates: Fate[]): Settle => async (movements) => {
    const fate = fates[calls++] ?? 'well';
    if (fate === 'never arrived') throw lost();
    if (fate === 'locked out') throw new Refusal('CONCURRENT_MODIFICATION');
    const outcomes = await cluster.storage.settle(movements);
    if (fate === 'answer lost') throw new OutcomeUnknown(lost());
    return outcomes;
  };
  const gold = async (player: PlayerId) => (await cluster.storage.holdings.holdings([player])).get(player)?.fungibles['gold'] ?? 0;

  /** A payment between two new players on shards 0 and 2, and how much moved. */
  async function payment(...fates: Fate[]) {
    calls = 0;
    const [ann, bob] = await cluster.playersOn(0, 2) as [PlayerId, PlayerId];
    await cluster.mint(ann, 10);
    const asked: Movement = movement([pay(ann, bob, 4)], { commands: [command({ actor: ann, answer: () => ({ paid: 4 }) })] });
    const outcome = await ledgerOver(fated(...fates)).submit(asked);
    return { outcome, moved: await gold(bob), left: await gold(ann) };
  }

  // Guards the retry in `#settleForCertain` and the command row: without the one the client hears INTERNAL, without the other it pays twice.
  it('[KE3] finds that the movement was done when only its answer was lost, and has rooms read again', async () => {
    const { outcome, moved, left } = await payment('answer lost');
    assert.partialDeepStrictEqual(outcome, { status: 'known', answer: { paid: 4 } });
    assert.deepEqual([moved, left, calls], [4, 6, 2]);
    assert.deepEqual(told, [{ type: 'resync' }, { type: 'resync' }]);
  });

  it('[KE3] does it when it had never arrived, and tells as ever', async () => {
    const { outcome, moved } = await payment('never arrived', 'never arrived');
    assert.equal(outcome.status, 'committed');
    assert.deepEqual([moved, calls, told.map(({ type }) => type)], [4, 3, ['delta', 'delta']]);
  });

  it('[KE3] finds it after any row of losses', async () => {
    const { outcome, moved } = await payment('never arrived', 'answer lost', 'answer lost', 'never arrived');
    assert.deepEqual([outcome.status, moved, calls], ['known', 4, 5]);
  });

  // Guards the patience after a lost commit: what keeps the rows locked may be the very transaction in question.
  it('[KE3] does not take a lost race for an answer once a commit was lost', async () => {
    const { outcome, moved } = await payment('answer lost', 'locked out');
    assert.deepEqual([outcome.status, moved, calls], ['known', 4, 3]);
    await assert.rejects(payment('locked out'), (error) => error instanceof Refusal && error.code === 'CONCURRENT_MODIFICATION', 'but it is one otherwise');
  });

  it('[KE3] finds it also when the two-phase commit was left half told: the retry waits until the resolver told the rest', async () => {
    const [ann, bob] = await cluster.playersOn(0, 2) as [PlayerId, PlayerId];
    await cluster.mint(ann, 10);
    const id = newCommandId();
    // As a coordinator leaves it that died after the decision: shard 0 committed, shard 2 is prepared and holds bob's row.
    const transaction = crypto.randomUUID();
    await cluster.sql(2, `begin; select 1 from inventory where holder = '${bob}' for update; insert into command (actor, id, hash, answer) values ('${bob}', '${id}', 'asked', '"done"'); prepare transaction 'strongroom:0:${transaction}:2'`);
    await cluster.sql(0, `insert into decision values ('${transaction}', 'commit')`);
    const submitted = ledgerOver(fated()).submit(movement([pay(ann, bob, 4)], { commands: [command({ actor: bob, id })] }));
    await delay(50);
    await resolveInDoubt(cluster.shards, 0);
    assert.equal((await submitted).status, 'known');
    assert.equal(await gold(bob), 0);
  });

  it('[KE3] gives every command one effect and its own answer while connections are cut under traffic', async () => {
    const players = await cluster.playersOn(0, 1, 2, 3, 0, 1);
    for (const player of players) await cluster.mint(player, 1000);
    const ledger = ledgerOver(cluster.storage.settle);
    const idempotency = new Idempotency(cluster.storage.commands);
    const effects = new Map<CommandId, { from: PlayerId; to: PlayerId; quantity: number; answer?: unknown }>();
    let going = true;
    let cuts = 0;
    let nth = 0;

    const pays = async (seat: number) => {
      while (going) {
        const [from, to] = [players[seat]!, players[(seat + 1 + (nth++ % (players.length - 1))) % players.length]!];
        const [id, quantity] = [newCommandId(), 1 + (nth % 3)];
        const asked = { actor: from, id, type: 'pay', payload: { to, quantity } };
        const effect = { from, to, quantity };
        effects.set(id, effect);
        const answer = await idempotency.once(asked, async (hash) => {
          const outcome = await ledger.submit(movement([pay(from, to, quantity)], { commands: [command({ actor: from, id, hash, answer: () => ({ id, quantity }) })] }));
          if (outcome.status === 'refused') throw new Refusal(outcome.code);
          return outcome.status === 'known' ? sameAnswer(id, hash, outcome) : outcome.status === 'committed' ? outcome.answers[0] : assert.fail(outcome.status);
        });
        Object.assign(effect, { answer });
      }
    };
    const cut = async () => {
      while (going) {
        await delay(30);
        const cutting = await cluster.sql<{ cut: boolean }>(cuts % 4, `select pg_terminate_backend(pid) as cut from pg_stat_activity
          where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle' order by random() limit 1`).catch(() => []);
        cuts += cutting.length || Math.random() < 0.5 ? 1 : 0;
      }
    };
    const resolve = async () => {
      for (; going; await delay(50)) await resolveInDoubt(cluster.shards, 300).catch(() => undefined);
    };
    const traffic = [...players.map((_, seat) => pays(seat)), cut()];
    const resolving = resolve();
    for (let waitedMs = 0; waitedMs < 2500 || (waitedMs < 20_000 && (effects.size <= 20 || cuts <= 5)); waitedMs += 100) await delay(100);
    going = false;
    // The last payments may wait for what a cut left prepared.
    const resolver = setInterval(() => void resolveInDoubt(cluster.shards, 300).catch(() => undefined), 100);
    await Promise.all([...traffic, resolving]).finally(() => clearInterval(resolver));
    await resolveInDoubt(cluster.shards, 0);

    assert.ok(effects.size > 20 && cuts > 5, `${effects.size} payments and ${cuts} cuts are too few to tell`);
    const expected = new Map(players.map((player) => [player, 1000]));
    for (const [id, { from, to, quantity, answer }] of effects) {
      assert.deepEqual(answer, { id, quantity });
      expected.set(from, expected.get(from)! - quantity);
      expected.set(to, expected.get(to)! + quantity);
    }
    for (const player of players) assert.equal(await gold(player), expected.get(player));
    assert.deepEqual(await redInvariants(cluster.storage), []);
  });
});
