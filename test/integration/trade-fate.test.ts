import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { OutcomeUnknown, type Movement } from '../../persistence/index.ts';
import { resolveInDoubt } from '../../persistence/resolver.ts';
import type { CommandId, PlayerId } from '../../schema/ids.ts';
import { startCluster, type TestCluster } from '../kit/cluster.ts';
import { openTrade } from '../kit/open-trade.ts';

const LOOK_MS = 150;
const newCommandId = () => crypto.randomUUID() as CommandId;

/** What a settlement does to one player's rows: the lock first, then the version and the command. */
const writing = (player: PlayerId, { commands }: Movement) => [
  `select 1 from inventory where holder = '${player}' for update`,
  `update inventory set version = version + 1 where holder = '${player}'`,
  ...commands.filter(({ actor }) => actor === player).map(({ id, hash }) => `insert into command (actor, id, hash, answer) values ('${player}', '${id}', '\\x${hash.toString('hex')}', '{"status":"settled"}')`),
];

// Guards `awaitWriters` in `fateOf`: without it the trade opens again while its commit is on the way, and can be settled twice.
describe('a settlement whose commit was lost on the way', () => {
  let cluster: TestCluster;
  before(async () => (cluster = await startCluster()));
  after(() => cluster.stop());

  /** Both accept; what is submitted leaves something behind and then fails. */
  async function lostTrade(players: [PlayerId, PlayerId], leave: (movement: Movement) => Promise<unknown>) {
    const submit = async (movement: Movement) => {
      await leave(movement);
      throw new OutcomeUnknown(new Error('Connection terminated unexpectedly'));
    };
    const { trade } = openTrade({ players, ledger: { submit }, commands: cluster.storage.commands, patience: { retryMs: 20, maxMs: 20_000 } });
    await trade.offer(players[0], { items: [], fungibles: { gold: 1 } });
    await trade.accept(players[0], { commandId: newCommandId(), revision: 1 });
    const outcome = trade.accept(players[1], { commandId: newCommandId(), revision: 1 }).then(({ status }) => status, (error: Error) => error.name);
    return { trade, outcome };
  }

  const stillSettles = async ({ trade, outcome }: Awaited<ReturnType<typeof lostTrade>>) => {
    assert.equal(await Promise.race([outcome, delay(LOOK_MS, 'not known yet')]), 'not known yet');
    assert.equal(trade.window.phase, 'settling');
  };

  for (const [ending, expected] of [['commit', ['settled', 'settled']], ['rollback', ['OutcomeUnknown', 'open']]] as const) {
    it(`[TR12] waits for the backend that is at it still, and tells its ${ending}`, async () => {
      const players = (await cluster.playersOn(1, 1)) as [PlayerId, PlayerId];
      const backend = await cluster.shards[1]!.pool.connect();
      try {
        const lost = await lostTrade(players, (movement) => backend.query(['begin', ...players.flatMap((player) => writing(player, movement))].join(';')));
        await stillSettles(lost);
        await backend.query(ending);
        assert.deepEqual([await lost.outcome, lost.trade.window.phase], expected);
      } finally {
        backend.release(true);
      }
    });
  }

  for (const [decision, expected] of [['commit', ['settled', 'settled']], ['abort', ['OutcomeUnknown', 'open']]] as const) {
    it(`[TR12] waits for what is prepared still, and tells what the resolver made of it: ${decision}`, async () => {
      // The command that is asked for is on shard 2; the decision is on shard 0.
      const players = (await cluster.playersOn(2, 0)) as [PlayerId, PlayerId];
      const transaction = crypto.randomUUID();
      const lost = await lostTrade(players, async (movement) => {
        await cluster.sql(2, ['begin', ...writing(players[0], movement), `prepare transaction 'strongroom:0:${transaction}:2'`].join(';'));
        if (decision === 'commit') await cluster.sql(0, ['begin', ...writing(players[1], movement), `insert into decision values ('${transaction}', 'commit')`, 'commit'].join(';'));
      });
      await stillSettles(lost);
      await resolveInDoubt(cluster.shards, 0);
      assert.deepEqual([await lost.outcome, lost.trade.window.phase], expected);
    });
  }
});
