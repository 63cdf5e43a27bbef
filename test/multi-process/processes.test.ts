import assert from 'node:assert/strict';
import type { Room } from '@colyseus/sdk';
import pg from 'pg';
import type { PlayerId } from '../../schema/ids.ts';
import { assertAuditGreen, assertHolds, assertShown } from '../kit/economy.ts';
import { startFleet, type Fleet } from '../kit/fleet.ts';
import { commandId, ignoreMessages, join, joinTrade, newClient, service, signIn, until, type TestPlayer } from '../kit/player.ts';
import { MortalRedis } from '../kit/redis-host.ts';
import type { TestServer } from '../kit/server.ts';
import { startShardHost, type ShardHost } from '../kit/shard-host.ts';
import { accept, joinZone, offer, outcomeOf, sitDown, trade } from '../kit/trade.ts';

interface Session {
  processId: string;
  roomId: string;
  epoch: number;
  clientId?: string;
}

for (const processes of [2, 4]) {
  describe(`${processes} processes`, () => {
    let host: ShardHost;
    let redis: MortalRedis;
    let fleet: Fleet;
    let shards: string;
    before(async () => {
      [host, redis] = await Promise.all([startShardHost(), MortalRedis.start()]);
      shards = await host.freshShards();
      fleet = await startFleet({ processes, redis, shards });
    });
    after(async () => {
      await fleet?.stop();
      await redis?.stop();
      await host?.stop();
    });

    const joinEach = () => Promise.all(fleet.servers.map(({ url }) => join(url)));
    const sessionOf = async ({ id }: Pick<TestPlayer, 'id'>, server: TestServer) => (await service(server).call<{ session: Session | null }>('GET', `/players/${id}/session`)).body.session;

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
      await until(() => players.every(({ id }) => (zones[0] as Room<unknown, { players?: Map<string, unknown> }>).state.players?.has(id) === true), 2_000, 'all are seen');
      const outcomes = await Promise.all(zones.map((zone) => outcomeOf(zone.request('gather', { commandId: commandId(), nodeId: 'ore-1' }))));
      assert.deepEqual(outcomes.toSorted(), [...Array.from({ length: processes - 1 }, () => 'NOT_READY'), 'answered'].toSorted());
      const lucky = players[outcomes.indexOf('answered')] as TestPlayer;
      await assertShown(fleet.servers[0] as TestServer, lucky);
      for (const [at, player] of players.entries()) if (outcomes[at] !== 'answered') await assertHolds(fleet.servers[0] as TestServer, player, {});
    });

    it('[SE7] a client that comes back through another process keeps its seats, and another client takes them', async () => {
      const [first, second] = fleet.servers as [TestServer, TestServer];
      const [{ client, id, token }, partner] = [await signIn(first.url), await join(first.url)];
      await service(first).grant(id, { fungibles: { gold: 10 } });
      const clientId = commandId();
      const enter = async (server: TestServer, as: string) => {
        const room = await newClient(server.url, token).joinOrCreate('player', { clientId: as });
        room.reconnection.enabled = false;
        ignoreMessages(room);
        const left = new Promise<[number, string | undefined]>((resolve) => room.onLeave((code, reason) => resolve([code, reason])));
        return { room, left };
      };
      const old = await enter(first, clientId);
      const { tradeId } = await old.room.request<unknown, { tradeId: string }>('trade:invite', { playerId: partner.id });
      const seats = [await client.joinOrCreate('zone', { clientId }), await client.joinById(tradeId, { clientId })] as [Room, Room];
      const closed: number[] = [];
      for (const seat of seats) {
        seat.reconnection.enabled = false;
        ignoreMessages(seat);
        seat.onLeave((code) => closed.push(code));
      }
      const again = await enter(second, clientId);
      assert.deepEqual(await old.left, [4100, 'SAME_CLIENT']);
      const { clientId: holder, roomId } = (await sessionOf({ id }, first)) ?? {};
      assert.deepEqual([holder, roomId], [clientId, again.room.roomId], 'every process says which client has the session');
      // Both are of the new session: the old one's writes would be refused.
      const gathers = async () => (await outcomeOf(seats[0].request('gather', { commandId: commandId(), nodeId: 'ore-1' }))) === 'answered';
      await until(gathers, 5_000, 'the zone’s seat gathers, once the node is ready');
      const other = await joinTrade(partner, tradeId);
      const revision = await offer(seats[1], { fungibles: { gold: 10 } });
      await accept(seats[1], revision);
      assert.equal(await accept(other, revision), 'settled');
      assert.deepEqual(closed, []);

      await enter(first, commandId());
      const [code, reason] = await again.left;
      assert.deepEqual([code, reason === 'SAME_CLIENT'], [4100, false]);
      await until(() => closed.length === 2, 2_000, 'the seats of the displaced client are closed');
      assert.deepEqual(closed.filter((code) => code !== 4100), []);
      await assertAuditGreen(first);
    });

    // Guards the question by whom: what took it may be one's own join that had seemed lost, whose word was lost too, and which Redis never knew, or knows no more.
    it('[SE7] a displacement that nobody told of is the client’s own if PostgreSQL says that it took the session itself', async () => {
      const [first] = fleet.servers as [TestServer];
      const enter = async () => {
        const { id, token } = await signIn(first.url);
        const clientId = commandId();
        const room = await newClient(first.url, token).joinOrCreate('player', { clientId });
        room.reconnection.enabled = false;
        ignoreMessages(room);
        return { id: id as PlayerId, clientId, left: new Promise<string | undefined>((resolve) => room.onLeave((_code, reason) => resolve(reason))) };
      };
      const [own, unknown, taken] = [await enter(), await enter(), await enter()];
      const raise = (player: PlayerId, by: string | null) => Promise.all(shards.split(',').map((url) => raiseEpoch(url, player, by)));
      await Promise.all([raise(own.id, own.clientId), raise(unknown.id, null), raise(taken.id, commandId())]);
      const reasons = await Promise.all([own, unknown, taken].map(({ left }) => left));
      assert.deepEqual(reasons.map((reason) => reason === 'SAME_CLIENT'), [true, false, false]);
    });
  });
}

/** As a session that was taken, of which nobody was told. */
async function raiseEpoch(url: string, holder: PlayerId, by: string | null): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('update inventory set session_epoch = 2, session_client = $2 where holder = $1', [holder, by]);
  await client.end();
}
