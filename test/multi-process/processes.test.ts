import { assertAuditGreen, assertHolds, assertShown } from '../kit/economy.ts';
import { startFleet, type Fleet } from '../kit/fleet.ts';
import { join, service } from '../kit/player.ts';
import { MortalRedis } from '../kit/redis-host.ts';
import type { TestServer } from '../kit/server.ts';
import { startShardHost, type ShardHost } from '../kit/shard-host.ts';
import { sitDown, trade } from '../kit/trade.ts';

describe('several processes', () => {
  let host: ShardHost;
  let redis: MortalRedis;
  let fleet: Fleet;
  before(async () => {
    [host, redis] = await Promise.all([startShardHost(), MortalRedis.start()]);
    fleet = await startFleet({ processes: 2, redis, shards: await host.freshShards() });
  });
  after(async () => {
    await fleet?.stop();
    await redis?.stop();
    await host?.stop();
  });

  it('[BU1] players who came in through different processes trade, and each sees the other’s deltas', async () => {
    const [first, second] = fleet.servers as [TestServer, TestServer];
    const [seller, buyer] = [await join(first.url), await join(second.url)];
    const [sword = ''] = await service(second).grant(seller.id, { items: [{ kind: 'sword' }] });
    await service(first).grant(buyer.id, { fungibles: { gold: 10 } });
    await assertShown(first, seller);
    await assertShown(first, buyer);
    await trade(await sitDown(seller, buyer), { items: [sword] }, { fungibles: { gold: 10 } });
    await assertShown(second, seller);
    await assertShown(second, buyer);
    await assertHolds(first, buyer, { items: [sword] });
    await assertAuditGreen(first);
  });
});
