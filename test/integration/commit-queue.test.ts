import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { SERVICE_ACTOR, type Movement, type MovementOutcome, type Posting, type Settle } from '../../persistence/index.ts';
import type { CommandId, PlayerId } from '../../schema/ids.ts';
import { QUANTITY_MAX } from '../../schema/quantities.ts';
import { Refusal } from '../../schema/refusals.ts';
import { command, committed, itemPosting, movement, redInvariants, settleOne, startCluster, verdictOf, type TestCluster } from '../kit/cluster.ts';
import { openLedger } from '../kit/ledger.ts';

const BATCH = 100;
const HELD = 100;
const pay = (giver: PlayerId | null, receiver: PlayerId | null, quantity: number, asset = 'gold') => ({ asset, quantity, giver, receiver });
type Pair = readonly [giver: PlayerId, receiver: PlayerId];

describe('the commit queue, over four shards', () => {
  let cluster: TestCluster;
  before(async () => (cluster = await startCluster()));
  after(async () => {
    // Every test below leaves an economy in which nothing was lost or made.
    const red = await redInvariants(cluster.storage);
    await cluster.stop();
    assert.deepEqual(red, []);
  });

  const gold = async (players: readonly PlayerId[]) => {
    const held = await cluster.storage.holdings.holdings(players);
    return players.map((player) => held.get(player)?.fungibles['gold'] ?? 0);
  };
  /** What a submission came to, in a word. */
  const said = (submitted: Promise<MovementOutcome>) => submitted.then(verdictOf, (error: unknown) => (error instanceof Refusal ? error.code : String(error)));
  /** Players with some gold each; on one shard, or wherever they fall. */
  async function rich(count: number, shard?: number): Promise<PlayerId[]> {
    const players: PlayerId[] = [];
    while (players.length < count) players.push(...(await cluster.newPlayers(count)).filter((player) => shard === undefined || cluster.placeOf(player) === shard));
    players.length = count;
    await cluster.storage.settle(players.map((player) => movement([pay(null, player, HELD)])));
    return players;
  }

  /** A key that is on the same shard as the player, so that one shard's batch stays on it. */
  function keyBeside(player: PlayerId): string {
    for (;;) {
      const key = crypto.randomUUID();
      if (cluster.placeOf(key) === cluster.placeOf(player)) return key;
    }
  }
  const asks = (actor: PlayerId, postings: Posting[], options: Partial<Movement> = {}) => movement(postings, { commands: [command({ actor })], ...options });

  /** Each kind of movement that must not happen between a pair, and how it shows. */
  const POISONS: Record<string, { verdict: string; make: (pair: Pair) => Promise<Movement> }> = {
    stale: { verdict: 'stale', make: async ([ann, bob]) => asks(ann, [pay(ann, bob, 1), itemPosting({ id: await cluster.mintItem(ann), version: 7 }, ann, bob)]) },
    'not held': { verdict: 'NOT_OWNER', make: async ([ann, bob]) => asks(ann, [pay(ann, bob, 1), itemPosting({ id: await cluster.mintItem(bob) }, ann, bob)]) },
    bound: { verdict: 'ITEM_BOUND', make: async ([ann, bob]) => asks(ann, [itemPosting({ id: await cluster.mintItem(ann, { bound: true }) }, ann, bob)]) },
    short: { verdict: 'INSUFFICIENT', make: async ([ann, bob]) => asks(ann, [pay(ann, bob, HELD + 1)]) },
    'unknown player': { verdict: 'UNKNOWN_PLAYER', make: async ([ann]) => asks(ann, [pay(ann, keyBeside(ann) as PlayerId, 1)]) },
    displaced: { verdict: 'SESSION_REPLACED', make: async ([ann, bob]) => asks(ann, [pay(ann, bob, 1)], { fences: [{ player: ann, epoch: 9 }] }) },
    'known command': {
      verdict: 'known',
      async make([ann, bob]) {
        const commands = [command({ actor: ann })];
        committed(await settleOne(cluster.storage, movement([pay(null, ann, 1, 'ore')], { commands })));
        return asks(ann, [pay(ann, bob, 1)], { commands });
      },
    },
  };
  /** These the statement cannot tell: they fail the batch, and then alone. */
  const POISONS_OF_ALL: typeof POISONS = {
    overflow: {
      verdict: 'BAD_REQUEST',
      async make([ann, bob]) {
        await cluster.mint(bob, QUANTITY_MAX, 'ore');
        return asks(ann, [pay(ann, bob, 1), pay(null, bob, 1, 'ore')]);
      },
    },
    'unwritable name': { verdict: 'error: value too long for type character varying(32)', make: async ([ann, bob]) => asks(ann, [pay(ann, bob, 1), pay(null, bob, 1, 'x'.repeat(33))]) },
  };

  /** A batch of payments, some of them poisoned. @returns how often the store was asked to settle */
  async function settleBatch(shard: number | undefined, poisons: typeof POISONS, change: (batch: Movement[]) => void = () => undefined, expected: Record<number, string> = {}): Promise<number> {
    const players = await rich(2 * BATCH, shard);
    const pairs = Array.from({ length: BATCH }, (_, at): Pair => [players[2 * at]!, players[2 * at + 1]!]);
    const batch = pairs.map(([ann, bob]) => asks(ann, [pay(ann, bob, 7)]));
    const verdicts = batch.map(() => 'committed');
    for (const [nth, { verdict, make }] of Object.values(poisons).entries()) {
      const at = 5 + 11 * nth;
      batch[at] = await make(pairs[at]!);
      verdicts[at] = verdict;
    }
    change(batch);
    Object.assign(verdicts, expected);
    let asked = 0;
    const settle: Settle = (movements) => {
      asked++;
      if (shard !== undefined) for (const one of movements) assert.equal(cluster.storage.laneOf(one), String(shard));
      return cluster.storage.settle(movements);
    };
    const { ledger, told } = openLedger({ ...cluster.storage, laneOf: () => 'all' }, { settle });
    assert.deepEqual(await Promise.all(batch.map((one) => said(ledger.submit(one)))), verdicts);
    assert.deepEqual(await gold(players), verdicts.flatMap((verdict) => (verdict === 'committed' ? [HELD - 7, HELD + 7] : [HELD, HELD])));
    assert.equal(told.filter(({ type }) => type === 'delta').length, 2 * verdicts.filter((verdict) => verdict === 'committed').length, 'who has nothing new hears of nothing');
    return asked;
  }

  for (const [where, shard] of [['on one shard', 2], ['over four shards', undefined]] as const) {
    // Guards `bad.ix = p.ix` and the check before the act, for a whole batch of the size that goes together.
    it(`[TQ3] dupe 23: of a batch of ${BATCH} those that are stale, short, bound, unknown, displaced or done fail alone, ${where}, in one commit`, async () => {
      assert.equal(await settleBatch(shard, POISONS), 1);
    });

    // Guards the second try, one by one: without it 99 others fail for one.
    for (const [kind, poison] of Object.entries(POISONS_OF_ALL)) {
      it(`[TQ3] dupe 23: of a batch of ${BATCH} one with an ${kind} fails alone, ${where}, and so do others beside it`, async () => {
        assert.equal(await settleBatch(shard, { ...POISONS, [kind]: poison }), 1 + BATCH);
      });
    }

    it(`[TQ3] dupe 23: of two in a batch of ${BATCH} under one command id the first acts, ${where}, and the other finds its answer`, async () => {
      const sameId = (batch: Movement[]) => {
        const commands = [command({ id: keyBeside(batch[40]!.commands[0]!.actor as PlayerId) as CommandId })];
        for (const at of [40, 90]) batch[at] = { ...batch[at]!, commands };
      };
      assert.equal(await settleBatch(shard, {}, sameId, { 90: 'known' }), 1 + BATCH);
    });
  }

  it("[TQ2] commits one player's movements in the order of their submission, whomever and wherever they pay", async () => {
    const [ann, ...others] = await rich(61);
    const { ledger } = openLedger(cluster.storage);
    const outcomes = await Promise.all(others.map((other) => ledger.submit(movement([pay(ann!, other, 1)], { commands: [command({ actor: ann!, answer: (versions) => versions.get(ann!) })] }))));
    assert.deepEqual(outcomes.map((outcome) => committed(outcome).answers[0]), others.map((_, at) => 2 + at));
  });

  it('[TQ2] spends what one player has once, however many of 200 parallel requests want it', async () => {
    const [ann, ...others] = await rich(9);
    const { ledger } = openLedger(cluster.storage);
    let busy = 0;
    const spend = async (at: number): Promise<string> => {
      for (;;) {
        const verdict = await said(ledger.submit(asks(ann!, [pay(ann!, others[at % others.length]!, 1)])));
        if (verdict !== 'BUSY') return verdict;
        busy++;
        await delay(20);
      }
    };
    const verdicts = await Promise.all(Array.from({ length: 200 }, (_, at) => spend(at)));
    assert.deepEqual([verdicts.filter((verdict) => verdict === 'committed').length, verdicts.filter((verdict) => verdict === 'INSUFFICIENT').length], [HELD, 200 - HELD]);
    const [left, ...got] = await gold([ann!, ...others]);
    assert.deepEqual([left, got.reduce((sum, count) => sum + count)], [0, 9 * HELD]);
    assert.equal(busy, 0, 'one player may have 256 at a time');
  });

  it('[TQ4] is BUSY at its bounds, and then nothing happened', async () => {
    let open = () => undefined as void;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const settle: Settle = async (movements) => {
      await gate;
      return await cluster.storage.settle(movements);
    };
    for (const [lengthMax, taken, players] of [[10, 10, await rich(15)], [1000, 256, Array.from({ length: 260 }, () => undefined)]] as const) {
      const [giver] = await rich(1);
      const receivers = players.map((player) => player ?? giver!);
      const before = await gold(receivers);
      const { ledger } = openLedger(cluster.storage, { settle, queue: { lengthMax } });
      const asked = receivers.map((receiver) => movement([pay(null, receiver, 1)]));
      const submitted = asked.map((one) => said(ledger.submit(one)));
      setTimeout(open, 50);
      const verdicts = await Promise.all(submitted);
      assert.deepEqual(verdicts, asked.map((_, at) => (at < taken ? 'committed' : 'BUSY')));
      const changes = (await gold(receivers)).map((count, at) => count - before[at]!);
      assert.deepEqual(changes, receivers.map((_, at) => (players[0] === undefined ? taken : at < taken ? 1 : 0)));
      for (const [at, { commands }] of asked.entries()) assert.equal((await cluster.storage.commands.find(SERVICE_ACTOR, commands[0]!.id)) !== undefined, at < taken);
      assert.equal(await said(ledger.submit(asked.at(-1)!)), 'committed', 'and there is room again');
    }
  });

  it('[TQ5] drains in the middle of traffic: what was taken has its outcome, what came later is BUSY, and nothing moves afterwards', async () => {
    const players = await rich(40);
    const { ledger } = openLedger(cluster.storage, { queue: { batchSizeMax: 5 } });
    const expected = new Map(players.map((player) => [player, HELD]));
    let [open, moved] = [0, 0];
    const pays = async (seat: number) => {
      for (let nth = 1; ; nth++) {
        const [from, to] = [players[seat]!, players[(seat + nth) % players.length]!];
        if (from === to) continue;
        open++;
        const verdict = await said(ledger.submit(asks(from, [pay(from, to, 1)])));
        open--;
        if (verdict === 'BUSY') return;
        assert.ok(verdict === 'committed' || verdict === 'INSUFFICIENT', verdict);
        if (verdict !== 'committed') continue;
        moved++;
        expected.set(from, expected.get(from)! - 1);
        expected.set(to, expected.get(to)! + 1);
      }
    };
    const traffic = players.map((_, seat) => pays(seat));
    while (moved < 100) await delay(1);
    assert.ok(open > 0, 'it drains in the middle');
    await ledger.drain();
    const drained = await gold(players);
    await Promise.all(traffic);
    assert.equal(open, 0);
    assert.deepEqual(drained, [...expected.values()], 'nothing was on its way any more');
    assert.equal(await said(ledger.submit(movement([pay(null, players[0]!, 1)]))), 'BUSY');
    assert.deepEqual(await gold(players), drained);
  });
});
