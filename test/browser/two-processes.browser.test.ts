import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { openFrontProxy, type FrontProxy } from '../kit/front-proxy.ts';
import { startFleet, type Fleet } from '../kit/fleet.ts';
import { service } from '../kit/player.ts';
import { MortalRedis } from '../kit/redis-host.ts';
import type { TestServer } from '../kit/server.ts';
import { startShardHost, type ShardHost } from '../kit/shard-host.ts';
import { CHROMIUM, openBrowser } from './pages.ts';
import { openPair, type Pair } from './stage.ts';

const PATIENCE_MS = 60_000;

describe('browser: one of two server processes dies', function () {
  this.timeout(240_000);
  let host: ShardHost;
  let redis: MortalRedis;
  let browser: Browser;
  before(async function () {
    if (!existsSync(CHROMIUM)) this.skip();
    [host, redis, browser] = await Promise.all([startShardHost(), MortalRedis.start(), openBrowser()]);
  });
  after(async () => {
    await browser?.close();
    await redis?.stop();
    await host?.stop();
  });

  interface Two {
    proxy: FrontProxy;
    fleet: Fleet;
    /** From now on nobody is sent there, as a load balancer finds out. */
    forget(server: TestServer): void;
  }

  async function withTwo(play: (two: Two) => Promise<void>, env: Record<string, string> = {}): Promise<void> {
    const ports: number[] = [];
    const proxy = await openFrontProxy(ports);
    let fleet: Fleet | undefined;
    try {
      fleet = await startFleet({ processes: 2, redis, shards: await host.freshShards(), env: { PUBLIC_ADDRESS: `127.0.0.1:${proxy.port}/{port}`, ...env } });
      ports.push(...fleet.servers.map(({ port }) => port));
      await play({ proxy, fleet, forget: ({ port }) => void ports.splice(ports.indexOf(port), 1) });
    } finally {
      await fleet?.stop();
      await proxy.close();
    }
  }

  async function lay({ seller, buyer, buyerId }: Pair): Promise<void> {
    await seller.invite(buyerId);
    await buyer.acceptInvitation();
    await seller.offerItem('sword');
    await buyer.offerQuantity('gold', 50);
    await buyer.get('theirs-sword').waitFor();
    await seller.reads('theirs-gold', '50');
  }

  async function settle({ seller, buyer }: Pair): Promise<void> {
    await seller.acceptTrade();
    await buyer.reads('theirs-badge', /^Accepted$/);
    await buyer.acceptTrade();
  }

  const openAt = (url: string, server: TestServer) => openPair(browser, { url, serviceKey: server.serviceKey }, { seller: { items: [{ kind: 'sword' }] }, buyer: { fungibles: { gold: 50 } } });

  it('with an open trade in it: both are told that nothing moved, and trade on the other one', () =>
    withTwo(async ({ proxy, fleet, forget }) => {
      const pair = await openAt(proxy.url, fleet.servers[0]!);
      await lay(pair);
      await pair.seller.acceptTrade();
      await pair.buyer.reads('theirs-badge', /^Accepted$/);
      const dying = fleet.servers.find(({ port }) => port === proxy.upgraded.at(-1))!;
      const left = fleet.servers.find((server) => server !== dying)!;
      await dying.kill('SIGKILL');
      forget(dying);
      for (const side of [pair.seller, pair.buyer]) {
        await side.get('trade-reason').filter({ hasText: 'Nothing moved.' }).waitFor({ timeout: PATIENCE_MS });
        await side.press('trade-done');
        await side.get('banner').waitFor({ state: 'hidden', timeout: PATIENCE_MS });
      }
      await pair.seller.get(`trade-with-${pair.buyerId}`).waitFor({ timeout: PATIENCE_MS });
      await lay(pair);
      await settle(pair);
      await Promise.all([pair.seller, pair.buyer].map((side) => side.get('trade-settled').waitFor()));
      const durable = await Promise.all([pair.sellerId, pair.buyerId].map((id) => service(left).player(id)));
      assert.deepEqual(durable.map(({ fungibles, items }) => [fungibles['gold'] ?? 0, items.length]), [[50, 0], [0, 1]]);
      await Promise.all([pair.seller.close(), pair.buyer.close()]);
    }));

  it('right after it committed a trade: both are told that it is settled, and see what they got', () =>
    withTwo(async ({ proxy, fleet, forget }) => {
      const pair = await openAt(proxy.url, fleet.servers[0]!);
      await lay(pair);
      const died = Promise.race(fleet.servers.map((server) => server.exited.then(() => server)));
      await settle(pair);
      const dead = await died;
      forget(dead);
      const left = fleet.servers.find((server) => server !== dead)!;
      for (const side of [pair.seller, pair.buyer]) {
        await side.get('trade-settled').waitFor({ timeout: PATIENCE_MS });
        await side.press('trade-done');
      }
      await pair.buyer.get('inventory-sword').waitFor({ timeout: PATIENCE_MS });
      await pair.seller.get('inventory-gold').waitFor({ timeout: PATIENCE_MS });
      assert.equal((await pair.seller.inventory())['gold'], 'Gold, 50');
      assert.equal((await service(left).audit()).ok, true);
      await Promise.all([pair.seller.close(), pair.buyer.close()]);
    }, { FAULT_POINT: 'trade:committed' }));
});
