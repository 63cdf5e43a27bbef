import assert from 'node:assert/strict';
import { startFleet, type Fleet } from '../kit/fleet.ts';
import { assertAuditGreen, belongings } from '../kit/economy.ts';
import { deposit, foundGuild, seatVia, withdraw } from '../kit/guild.ts';
import { assertGoesRed, withMutant } from '../kit/mutant.ts';
import { ops } from '../kit/ops.ts';
import { assertSoon } from '../kit/patience.ts';
import { commandId, join, joinPlayer, newClient, service, type TestPlayer } from '../kit/player.ts';
import { startRedisHost } from '../kit/redis-host.ts';
import type { TestServer } from '../kit/server.ts';
import { startShardHost, type ShardHost } from '../kit/shard-host.ts';
import { accept, joinZone, offer, outcomeOf, sitDown, type Offered, type Table } from '../kit/trade.ts';

/** From the answer of the switch on no trade settles; within this it must be so on all processes. */
const STOPPED_WITHIN_MS = 1_000;

describe('the kill switch', () => {
  let host: ShardHost;
  let redis: Awaited<ReturnType<typeof startRedisHost>>;
  let fleet: Fleet;
  before(async () => {
    [host, redis] = await Promise.all([startShardHost(), startRedisHost()]);
    fleet = await startFleet({ processes: 2, redis, shards: await host.freshShards() });
  });
  after(async () => {
    await fleet?.stop();
    await redis?.stop();
    await host?.stop();
  });

  /** Both offer and the first accepts: one acceptance is left to make. */
  async function ready(first: TestPlayer, second: TestPlayer, gives: Offered, gets: Offered = {}): Promise<{ table: Table; revision: number }> {
    const table = await sitDown(first, second);
    await offer(table.first, gives);
    const revision = await offer(table.second, gets);
    await accept(table.first, revision);
    return { table, revision };
  }

  const finish = ({ table, revision }: { table: Table; revision: number }) => outcomeOf(table.second.request('trade:accept', { commandId: commandId(), revision }));

  async function pairOn(server: TestServer): Promise<[TestPlayer, TestPlayer]> {
    const pair = [await join(server.url), await join(server.url)] as [TestPlayer, TestPlayer];
    for (const { id } of pair) await service(server).grant(id, { fungibles: { gold: 100, ore: 10 } });
    return pair;
  }

  /** Pairs trade gold in both processes until they are stopped. @returns when each trade that settled was answered */
  function traffic(pairs: readonly [TestPlayer, TestPlayer][]): { settled: number[]; refused: Set<string>; stop(): Promise<void> } {
    const settled: number[] = [];
    const refused = new Set<string>();
    let stopped = false;
    const running = Promise.all(pairs.map(async ([first, second]) => {
      while (!stopped) {
        const deal = await ready(first, second, { fungibles: { gold: 1 } }, { fungibles: { ore: 1 } });
        const outcome = await finish(deal);
        if (outcome === 'settled') settled.push(performance.now());
        else refused.add(outcome);
        await Promise.all([deal.table.first.leave(), deal.table.second.leave()]);
        // Back again, so that nobody runs out.
        [first, second] = [second, first];
        if (outcome !== 'settled') await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }));
    return { settled, refused, async stop() {
      stopped = true;
      await running;
    } };
  }

  async function stopsAll({ servers, start }: Fleet): Promise<void> {
    const [first, second] = servers as [TestServer, TestServer];
    const pairs = [await pairOn(first), await pairOn(first), await pairOn(second), await pairOn(second)];
    const flow = traffic(pairs);
    try {
      while (flow.settled.length < 8) await new Promise((resolve) => setTimeout(resolve, 20));
      const asked = performance.now();
      await ops(first).pause();
      const answered = performance.now();
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      const last = Math.max(...flow.settled);
      assertSoon(Math.max(0, last - asked), STOPPED_WITHIN_MS, 'the last trade after the switch');
      assert.ok(last < answered + STOPPED_WITHIN_MS, `a trade settled ${Math.round(last - answered)} ms after the switch was answered`);
      assert.deepEqual([...flow.refused], ['TRADING_PAUSED'], 'what is refused, and as what');
    } finally {
      await flow.stop();
    }
    // Whoever begins anew finds it so.
    await second.stop();
    const again = await start();
    const pair = await pairOn(again);
    const deal = await ready(...pair, { fungibles: { gold: 1 } });
    assert.equal(await finish(deal), 'TRADING_PAUSED', 'after a restart');
    assert.deepEqual((await ops(again).state()).pauses.map(({ asset }) => asset), ['*']);
    await ops(again).pause('*', false);
    const onFirst = await ready(...(await pairOn(first)), { fungibles: { gold: 1 } });
    assert.deepEqual([await finish({ ...deal, revision: await reaccept(deal) }), await finish(onFirst)], ['settled', 'settled'], 'and when it is resumed');
    await assertAuditGreen(first);
  }

  /** A refused settlement opened the trade again, at a new revision. */
  async function reaccept({ table }: { table: Table }): Promise<number> {
    const revision = await offer(table.second, {});
    await accept(table.first, revision);
    return revision;
  }

  it('[OP3] of one asset or kind stops that one: trades and guild banks, and neither what is minted nor what is burned', async () => {
    const [first, second] = [fleet.servers[0]!, fleet.servers[1]!];
    const [ann, ben] = await pairOn(first);
    const guild = await foundGuild(ann);
    const seat = await seatVia(second, ann, guild.id);
    const [sword = ''] = await service(first).grant(ann.id, { items: [{ kind: 'sword' }] });
    await deposit(seat, { fungibles: { gold: 5 } });
    await ops(second).pause('gold');
    await ops(second).pause('sword');
    const before = [await belongings(first, ann), await belongings(first, ben)];
    for (const gives of [{ fungibles: { gold: 1 } }, { items: [sword] }, { fungibles: { gold: 1, ore: 1 }, items: [sword] }] satisfies Offered[]) {
      assert.equal(await finish(await ready(ann, ben, gives)), 'TRADING_PAUSED');
    }
    assert.deepEqual([await outcomeOf(deposit(seat, { fungibles: { gold: 1 } })), await outcomeOf(deposit(seat, { items: [sword] })), await outcomeOf(withdraw(seat, { fungibles: { gold: 1 } }))], ['TRADING_PAUSED', 'TRADING_PAUSED', 'TRADING_PAUSED']);
    assert.deepEqual([await belongings(first, ann), await belongings(first, ben)], before);
    assert.equal(await finish(await ready(ann, ben, { fungibles: { ore: 1 } })), 'settled', 'another asset');
    assert.equal(await outcomeOf(deposit(seat, { fungibles: { ore: 1 } })), 'answered');
    await service(second).grant(ann.id, { fungibles: { gold: 1 } });
    assert.equal(await outcomeOf((await joinZone(ann)).request('gather', { commandId: commandId(), nodeId: 'ore-1' })), 'answered');
    assert.equal((await ops(first).ask('POST', '/pauses', { commandId: commandId(), asset: 'nothing', paused: true, reason: 'no such asset' })).body.code, 'UNKNOWN_ASSET');
    await ops(first).pause('gold', false);
    assert.equal(await finish(await ready(ann, ben, { fungibles: { gold: 1 } })), 'settled');
    assert.equal(await finish(await ready(ann, ben, { items: [sword] })), 'TRADING_PAUSED', 'the other is still paused');
    await ops(first).pause('sword', false);
    await assertAuditGreen(first);
  });

  it('[OP3] a player who comes back through another process is stopped there too', async () => {
    const [first, second] = [fleet.servers[0]!, fleet.servers[1]!];
    const [ann, ben] = await pairOn(first);
    await ops(first).pause();
    const client = newClient(second.url, ann.token);
    const moved: TestPlayer = { ...ann, client, ...(await joinPlayer(client)) };
    assert.equal(await finish(await ready(moved, ben, { fungibles: { gold: 1 } })), 'TRADING_PAUSED');
    await ops(second).pause('*', false);
  });

  // Guards the look at the pauses behind the locks.
  it('[OP3] stops all trades on all processes within a second, and over a restart', async () => {
    await stopsAll(fleet);
  });
  it('[OP3] goes red on servers that are "paused-goes-on"', () =>
    withMutant('paused-goes-on', async (root) => {
      const mutants = await startFleet({ processes: 2, redis, shards: await host.freshShards(), root });
      await assertGoesRed(stopsAll(mutants), /the last trade after the switch|after the switch was answered/).finally(() => mutants.stop());
    }));
});
