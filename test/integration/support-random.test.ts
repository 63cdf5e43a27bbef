import assert from 'node:assert/strict';
import { randomInt, randomUUID } from 'node:crypto';
import type { Posting } from '../../persistence/index.ts';
import type { GuildId, HolderId, ItemId, PlayerId, TransactionId } from '../../schema/ids.ts';
import { committed, movement, newCommandId, redInvariants, startCluster, type TestCluster } from '../kit/cluster.ts';
import { act, enlist, found, startProcess, verdictOf, type GuildProcess } from '../kit/guild-features.ts';

const STEPS = 600;
const AT_ONCE = 6;
const ROUNDS = 25;

/** Numbers that a seed repeats. */
function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe('support amid traffic', () => {
  let cluster: TestCluster;
  let process: GuildProcess;
  before(async () => {
    cluster = await startCluster();
    process = startProcess(cluster.storage);
  });
  after(() => cluster.stop());

  const submit = (postings: Posting[], reason = 'trade') => process.features.ledger.submit({ ...movement(postings), reason });
  const freeze = (player: PlayerId, frozen: boolean) => process.features.support.freeze(player, { commandId: newCommandId(), frozen, reason: 'a random deed' });
  const pause = (asset: string, paused: boolean) => process.features.support.setPause({ commandId: newCommandId(), asset, paused, reason: 'a random deed' });
  const goldOf = async (holders: readonly HolderId[]) => [...(await cluster.storage.holdings.holdings(holders)).values()].reduce((sum, { fungibles }) => sum + (fungibles['gold'] ?? 0), 0);

  /** An item as it is now, given by whoever has it. */
  async function giving(item: ItemId, receiver: PlayerId, players: readonly PlayerId[]): Promise<Posting | undefined> {
    for (const giver of players) {
      const [held] = await cluster.storage.holdings.items([item], giver);
      if (held !== undefined && giver !== receiver) return { item, version: held.version, content: { kind: held.kind, attributes: held.attributes, bound: held.bound }, giver, receiver };
    }
    return undefined;
  }

  it('[OP1] [OP4] whatever support does in whatever order, no value comes or goes, and each trade is taken back once', async () => {
    const seed = randomInt(2 ** 31);
    const pick = seeded(seed);
    const players = await cluster.playersOn(0, 0, 1, 1, 2, 3, 3);
    const [leader, doomed] = [players[0]!, players[6]!];
    const guildId: GuildId = await found(process, leader);
    await enlist(cluster, guildId, [players[1]!, players[2]!], 'officer');
    for (const player of players) await cluster.mint(player, 100);
    const items = await Promise.all(players.map((player) => cluster.mintItem(player)));
    const trades: TransactionId[] = [];
    const taken = new Map<TransactionId, number>();
    const counts = new Map<string, number>();
    const any = <One>(list: readonly One[]) => list[pick(list.length)]!;

    const deeds: Record<string, () => Promise<string>> = {
      async trade() {
        const [giver, receiver] = [any(players), any(players)];
        if (giver === receiver) return 'none';
        const outcome = await submit([{ asset: 'gold', quantity: 1 + pick(9), giver, receiver }, { asset: 'gold', quantity: 1 + pick(3), giver: receiver, receiver: giver }]);
        if (outcome.status === 'committed') trades.push(outcome.transactionId);
        return outcome.status === 'refused' ? outcome.code : outcome.status;
      },
      async give() {
        const posting = await giving(any(items), any(players), players);
        if (posting === undefined) return 'none';
        const outcome = await submit([posting]);
        if (outcome.status === 'committed') trades.push(outcome.transactionId);
        return outcome.status === 'refused' ? outcome.code : outcome.status;
      },
      freeze: () => verdictOf(freeze(any(players), true)),
      thaw: () => verdictOf(freeze(any(players), false)),
      pause: () => verdictOf(pause(any(['gold', 'sword', '*']), true)),
      resume: () => verdictOf(pause(any(['gold', 'sword', '*']), false)),
      async reverse() {
        if (trades.length === 0) return 'none';
        const trade = any(trades);
        const verdict = await verdictOf(process.features.support.reverse(trade, `for the ${pick(9)}th time`));
        if (verdict === 'done') taken.set(trade, (taken.get(trade) ?? 0) + 1);
        return verdict;
      },
      bank: () => verdictOf(act(process, guildId, any(players.slice(0, 3)), { type: any(['deposit', 'withdraw'] as const), fungibles: { gold: 1 + pick(5) }, items: [] })),
    };
    const names = Object.keys(deeds);
    for (let step = 0; step < STEPS; step += AT_ONCE) {
      const chosen = Array.from({ length: AT_ONCE }, () => any([...names, 'trade', 'trade', 'give', 'reverse', 'thaw', 'resume']));
      for (const [at, end] of (await Promise.all(chosen.map((name) => deeds[name]!()))).entries()) counts.set(`${chosen[at]}: ${end}`, (counts.get(`${chosen[at]}: ${end}`) ?? 0) + 1);
    }
    for (const asset of ['gold', 'sword', '*']) await pause(asset, false);
    const told = `seed ${seed}: ${JSON.stringify(Object.fromEntries([...counts].toSorted()))}`;
    for (const kind of ['trade: committed', 'give: committed', 'trade: ACCOUNT_FROZEN', 'trade: TRADING_PAUSED', 'reverse: done']) assert.ok((counts.get(kind) ?? 0) > 0, `no "${kind}" in ${told}`);
    assert.equal(await goldOf([...players, guildId]), 700, told);
    const { rows } = { rows: (await Promise.all(cluster.shards.map(({ index }) => cluster.sql<{ id: string }>(index, `select distinct transaction_id as id from ledger where reason = 'reversal'`)))).flat() };
    assert.equal(new Set(rows.map(({ id }) => id)).size, taken.size, `one reversal for each trade that was taken back: ${told}`);
    assert.deepEqual(await redInvariants(cluster.storage), [], told);
    // And one of them asks to be forgotten.
    await process.features.erasure.erase(doomed, 'a random person');
    assert.deepEqual(await redInvariants(cluster.storage), [], `after an erasure, ${told}`);
  });

  it('[OP4] dupe 30: a reversal that races the item on leaves it with one of the two', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const [ann, ben, cleo] = (await cluster.playersOn(0, 1, round % 4)) as [PlayerId, PlayerId, PlayerId];
      const sword = await cluster.mintItem(ann);
      await cluster.mint(ben, 10);
      const { transactionId } = committed(await submit([{ item: sword, version: 1, content: { kind: 'sword', attributes: {}, bound: false }, giver: ann, receiver: ben }, { asset: 'gold', quantity: 10, giver: ben, receiver: ann }]));
      const onward: Posting = { item: sword, version: 2, content: { kind: 'sword', attributes: {}, bound: false }, giver: ben, receiver: cleo };
      const [back, on] = await Promise.all([verdictOf(process.features.support.reverse(transactionId, 'a race')), submit([onward])]);
      const isBack = back === 'done';
      assert.equal(isBack, on.status !== 'committed', `reversal ${back}, onward ${on.status}`);
      assert.equal((await cluster.storage.holdings.items([sword], isBack ? ann : cleo)).length, 1);
      assert.equal(await goldOf([isBack ? ben : ann]), 10);
    }
    assert.deepEqual(await redInvariants(cluster.storage), []);
  });

  // Guards the lock that a freeze takes: once it is answered, nothing that came before it is still on its way.
  it('[OP2] what a freeze answers is so: no movement commits after it', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const [ann, ben] = (await cluster.playersOn(2, 3)) as [PlayerId, PlayerId];
      await cluster.mint(ann, 50);
      const flow = Promise.all(Array.from({ length: 20 }, () => submit([{ asset: 'gold', quantity: 1, giver: ann, receiver: ben }])));
      await freeze(ann, true);
      const held = await goldOf([ann]);
      const outcomes = await flow;
      assert.equal(await goldOf([ann]), held, `round ${round}`);
      assert.equal(held, 50 - outcomes.filter(({ status }) => status === 'committed').length);
    }
  });

  it('[OP1] an entry is there if and only if its deed is: of many at once with one id, one acts', async () => {
    const [ann] = (await cluster.playersOn(1)) as [PlayerId];
    const commandId = newCommandId();
    const others = startProcess(cluster.storage);
    const ask = ({ features }: GuildProcess, reason: string) => verdictOf(features.support.freeze(ann, { commandId, frozen: true, reason }));
    const ends = await Promise.all([ask(process, 'one reason'), ask(others, 'one reason'), ask(others, 'another reason'), ask(process, 'one reason')]);
    assert.deepEqual(ends.filter((end) => end !== 'done' && end !== 'COMMAND_REUSED'), []);
    const entries = await process.features.support.entries(undefined, 200);
    assert.equal(entries.filter(({ target }) => target === ann).length, 1);
    assert.equal(await verdictOf(process.features.support.freeze(randomUUID() as PlayerId, { commandId: newCommandId(), frozen: true, reason: 'nobody there' })), 'UNKNOWN_PLAYER');
  });
});
