import assert from 'node:assert/strict';
import { assertAuditGreen, assertHolds, assertShown } from '../kit/economy.ts';
import { startFleet, type Fleet } from '../kit/fleet.ts';
import { commandId, join, service, until, type TestPlayer } from '../kit/player.ts';
import { MortalRedis } from '../kit/redis-host.ts';
import type { TestServer } from '../kit/server.ts';
import { startShardHost, type ShardHost } from '../kit/shard-host.ts';
import { joinZone, outcomeOf, sitDown, trade } from '../kit/trade.ts';

interface Session {
  processId: string;
  roomId: string;
  epoch: number;
}

for (const processes of [2, 4]) {
  describe(`${processes} processes`, () => {
    let host: ShardHost;
    let redis: MortalRedis;
    let fleet: Fleet;
    before(async () => {
      [host, redis] = await Promise.all([startShardHost(), MortalRedis.start()]);
      fleet = await startFleet({ processes, redis, shards: await host.freshShards() });
    });
    after(async () => {
      await fleet?.stop();
      await redis?.stop();
      await host?.stop();
    });

    const joinEach = () => Promise.all(fleet.servers.map(({ url }) => join(url)));
    const sessionOf = async ({ id }: TestPlayer, server: TestServer) => (await service(server).call<{ session: Session | null }>('GET', `/players/${id}/session`)).body.session;

    it('[BU1] players who came in through different processes meet in one trade room, and each sees its deltas', async () => {
      const players = await joinEach();
      const last = fleet.servers.at(-1) as TestServer;
      for (const [at, seller] of players.entries()) {
        const buyer = players[(at + 1) % players.length] as TestPlayer;
        const [sword = ''] = await service(last).grant(seller.id, { items: [{ kind: 'sword' }] });
        await service(last).grant(buyer.id, { fungibles: { gold: 10 } });
        await assertShown(last, seller);
        await assertShown(last, buyer);
        await trade(await sitDown(seller, buyer), { items: [sword] }, { fungibles: { gold: 10 } });
        await assertShown(last, seller);
        await assertShown(last, buyer);
        assert.ok(buyer.room.state && (await service(last).player(buyer.id)).items.some(({ id }) => id === sword), 'the buyer has it');
      }
      await assertAuditGreen(last);
    });

    it('[SE3] every process says where a session is held, and each player has its own', async () => {
      const players = await joinEach();
      const holders = new Set<string>();
      for (const player of players) {
        const answers = await Promise.all(fleet.servers.map((server) => sessionOf(player, server)));
        for (const answer of answers) assert.deepEqual(answer, answers[0]);
        assert.equal(answers[0]?.roomId, player.room.roomId);
        holders.add(answers[0]?.processId ?? '');
      }
      assert.equal(holders.size, processes, 'each process holds the session of who came through it');
      await Promise.all(players.map((player) => player.leave()));
      await until(async () => (await sessionOf(players[0] as TestPlayer, fleet.servers[0] as TestServer)) === null, 2_000, 'a session that was left is nowhere');
    });

    it('[ZN2] in one zone they see each other, and a node gives once', async () => {
      const players = await joinEach();
      const zones = await Promise.all(players.map((player) => joinZone(player)));
      assert.equal(new Set(zones.map(({ roomId }) => roomId)).size, 1, 'one room for all');
      await until(() => players.every(({ id }) => (zones[0]?.state as { players?: Map<string, unknown> }).players?.has(id) === true), 2_000, 'all are seen');
      const outcomes = await Promise.all(zones.map((zone) => outcomeOf(zone.request('gather', { commandId: commandId(), nodeId: 'ore-1' }))));
      assert.deepEqual(outcomes.toSorted(), [...Array.from({ length: processes - 1 }, () => 'NOT_READY'), 'answered'].toSorted());
      const lucky = players[outcomes.indexOf('answered')] as TestPlayer;
      await assertShown(fleet.servers[0] as TestServer, lucky);
      for (const [at, player] of players.entries()) if (outcomes[at] !== 'answered') await assertHolds(fleet.servers[0] as TestServer, player, {});
    });
  });
}
