import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Room } from '@colyseus/sdk';
import { assertAuditGreen, assertHolds, assertShown } from '../kit/economy.ts';
import { startFleet, type Fleet } from '../kit/fleet.ts';
import { assertGoesRed, withMutant } from '../kit/mutant.ts';
import { assertSoon } from '../kit/patience.ts';
import { commandId, join, joinPlayer, newClient, service, until, type TestPlayer } from '../kit/player.ts';
import { MortalRedis } from '../kit/redis-host.ts';
import type { TestServer } from '../kit/server.ts';
import { startShardHost, type ShardHost } from '../kit/shard-host.ts';
import { accept, joinZone, offer, outcomeOf, sitDown, trade, type Table } from '../kit/trade.ts';

const SHUTDOWN = 4001;
/** A lease of 3.5 s, half a second to notice, and a slow machine. */
const FENCED_WITHIN_MS = 10_000;
const BACK_WITHIN_MS = 10_000;

const closing = (room: Room) =>
  new Promise<number>((resolve) => {
    room.onLeave((code) => resolve(code));
  });

async function onServer(server: TestServer, { id, token }: Pick<TestPlayer, 'id' | 'token'>): Promise<TestPlayer> {
  const client = newClient(server.url, token);
  return { id, token, client, ...(await joinPlayer(client)) };
}

describe('leases', () => {
  let host: ShardHost;
  let redis: MortalRedis;
  let shards: string;
  before(async () => {
    [host, redis] = await Promise.all([startShardHost(), MortalRedis.start()]);
    shards = await host.freshShards();
  });
  after(async () => {
    await redis?.stop();
    await host?.stop();
  });

  async function withFleet(scenario: (fleet: Fleet) => Promise<void>, root?: string): Promise<void> {
    const fleet = await startFleet({ processes: 2, redis, shards, ...(root !== undefined && { root }) });
    try {
      await scenario(fleet);
    } finally {
      await fleet.stop();
    }
  }

  const fencedCount = async () => (await host.onEach<{ count: number }>(shards, 'select count(*)::int as count from fenced', [])).reduce((sum, [row]) => sum + (row?.count ?? 0), 0);

  /** Stops a process for as long as it takes the others to find it, and lets `meanwhile` happen before it goes on. */
  async function standStill(server: TestServer, meanwhile: () => Promise<void>): Promise<void> {
    const before = await fencedCount();
    process.kill(server.pid, 'SIGSTOP');
    try {
      await until(async () => (await fencedCount()) >= before + 4, FENCED_WITHIN_MS, 'the process that stands still is fenced on every shard');
      await meanwhile();
    } finally {
      process.kill(server.pid, 'SIGCONT');
    }
  }

  /** The last acceptance reaches the process while it stands still; by the time it goes on, its trade is not its own any more. */
  async function lateSettlement({ servers }: Fleet): Promise<void> {
    const [first, second] = servers as [TestServer, TestServer];
    const [seller, buyer] = [await join(first.url), await join(first.url)];
    const [sword = ''] = await service(second).grant(seller.id, { items: [{ kind: 'sword' }] });
    await service(second).grant(buyer.id, { fungibles: { gold: 10 } });
    const table = await sitDown(seller, buyer);
    await offer(table.first, { items: [sword] });
    const revision = await offer(table.second, { fungibles: { gold: 10 } });
    await accept(table.first, revision);
    const closed = [seller.room, buyer.room, table.first, table.second].map(closing);
    let answer: Promise<string> | undefined;
    await standStill(first, async () => {
      answer = outcomeOf(accept(table.second, revision));
      await delay(100);
    });
    const outcome = await answer;
    await assertHolds(second, seller, { items: [sword] }, 'the seller');
    await assertHolds(second, buyer, { fungibles: { gold: 10 } }, 'the buyer');
    assert.ok(outcome === 'BUSY' || outcome === 'closed', outcome);
    assert.deepEqual(await Promise.all(closed), [SHUTDOWN, SHUTDOWN, SHUTDOWN, SHUTDOWN], 'its rooms are closed');

    // Both come back, one of them through the process that stood still: it writes again, by a new lease.
    let selling: TestPlayer | undefined;
    const joins = () => onServer(first, seller).then((player) => Boolean((selling = player)), () => false);
    await until(joins, BACK_WITHIN_MS, 'the process that stood still takes sessions again');
    assert.ok(selling);
    const buying = await onServer(second, buyer);
    // The other process may have yet to hear that this one lives: until then its rooms are not found, and a client asks again.
    let again: Table | undefined;
    await until(() => sitDown(selling!, buying).then((made) => Boolean((again = made)), () => false), BACK_WITHIN_MS, 'its rooms are found again');
    await trade(again!, { items: [sword] }, { fungibles: { gold: 10 } });
    await assertShown(first, selling);
    await assertShown(first, buying);
    await assertHolds(first, buying, { items: [sword] }, 'the buyer');
    await assertAuditGreen(first);
  }

  // Guards the fence that a writer's transaction asks for under its locks.
  it('[PL1] a trade whose process stood still settles nothing, and its players come back', () => withFleet(lateSettlement));

  it('[PL1] goes red when PostgreSQL is not asked', async () => {
    await withMutant('leases-unfenced', (root) => withFleet(async (fleet) => await assertGoesRed(lateSettlement(fleet), /the seller holds/), root));
  });

  it('[PL1] a player whose process stood still plays on elsewhere, and the old room writes nothing', () =>
    withFleet(async ({ servers }) => {
      const [first, second] = servers as [TestServer, TestServer];
      const player = await join(first.url);
      const zone = await joinZone(player);
      const closed = [player.room, zone].map(closing);
      let again: TestPlayer | undefined;
      const late: Promise<string>[] = [];
      await standStill(first, async () => {
        again = await onServer(second, player);
        late.push(outcomeOf(player.room.request('player:rename', { commandId: commandId(), name: 'Late' })));
        late.push(outcomeOf(zone.request('gather', { commandId: commandId(), nodeId: 'ore-1' })));
        await delay(100);
      });
      for (const outcome of await Promise.all(late)) assert.ok(['BUSY', 'closed', 'SESSION_REPLACED'].includes(outcome), outcome);
      await Promise.all(closed);
      await assertHolds(second, player, {});
      assert.equal((await service(second).player(player.id)).name, 'Tester');
      assert.equal(await outcomeOf((await joinZone(again!)).request('gather', { commandId: commandId(), nodeId: 'ore-1' })), 'answered');
      await assertAuditGreen(second);
    }));

  it('[PL2] a process that was killed is missed: it is fenced, and its zone is opened elsewhere', () =>
    withFleet(async ({ servers }) => {
      const [first, second] = servers as [TestServer, TestServer];
      const [lost, other] = [await join(first.url), await join(second.url)];
      await joinZone(lost);
      const before = await fencedCount();
      await first.kill('SIGKILL');
      await until(async () => (await fencedCount()) >= before + 4, FENCED_WITHIN_MS, 'the killed process is fenced');
      const began = performance.now();
      const meadow = await joinZone(other);
      assertSoon(performance.now() - began, 1_500, 'joining, though nobody is sent to a room of a process that is gone,');
      assert.equal(await outcomeOf(meadow.request('gather', { commandId: commandId(), nodeId: 'ore-1' })), 'answered');
      const back = await onServer(second, lost);
      await assertShown(second, back);
      await assertAuditGreen(second);
    }));
});
