import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { assertHolds } from '../kit/economy.ts';
import { openFrontProxy } from '../kit/front-proxy.ts';
import { startFleet, type Fleet } from '../kit/fleet.ts';
import { findNginx, nginxWith } from '../kit/nginx.ts';
import { join, service, until } from '../kit/player.ts';
import { MortalRedis } from '../kit/redis-host.ts';
import { freePort, type TestServer } from '../kit/server.ts';
import { startShardHost, type ShardHost } from '../kit/shard-host.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';
import { sitDown, trade } from '../kit/trade.ts';

const EXAMPLE = readFileSync(path.resolve(import.meta.dirname, '../../docs/nginx.conf'), 'utf8');
const NGINX_MAX_MS = 60_000;

/** Enough players that both processes have rooms of theirs; each trades with the next. */
async function playThrough(url: string, server: TestServer): Promise<void> {
  const players = [];
  for (let n = 0; n < 4; n++) players.push(await join(url));
  const [a, b, c, d] = players as [(typeof players)[0], (typeof players)[0], (typeof players)[0], (typeof players)[0]];
  for (const [giver, taker] of [[a, b], [c, d], [b, c]] as const) {
    await service(server).grant(giver.id, { fungibles: { gem: 5 } });
    const table = await sitDown(giver, taker);
    await trade(table, { fungibles: { gem: 5 } }, {});
    for (const room of [table.first, table.second]) await room.leave();
  }
  await assertHolds(server, d, { fungibles: { gem: 5 } });
  for (const player of players) await player.leave();
}

describe('processes behind a proxy', () => {
  const { folder, remove } = temporaryFolder();
  let host: ShardHost;
  let redis: MortalRedis;
  before(async () => {
    [host, redis] = await Promise.all([startShardHost(), MortalRedis.start()]);
  });
  after(async () => {
    await redis?.stop();
    await host?.stop();
    remove();
  });

  const behind = async (publicPort: number): Promise<Fleet> =>
    await startFleet({ processes: 2, redis, shards: await host.freshShards(), env: { PUBLIC_ADDRESS: `127.0.0.1:${publicPort}/{port}` } });

  it('[SD8] PUBLIC_ADDRESS host/{port} leads every client to the process that has its room', async () => {
    const ports: number[] = [];
    const proxy = await openFrontProxy(ports);
    const fleet = await behind(proxy.port);
    try {
      ports.push(...fleet.servers.map(({ port }) => port));
      await playThrough(proxy.url, fleet.servers[0]!);
      assert.deepEqual(new Set(proxy.upgraded), new Set(ports), 'both processes had connections');
    } finally {
      await fleet.stop();
      await proxy.close();
    }
  });

  describe('docs/nginx.conf', function () {
    this.timeout(2 * NGINX_MAX_MS);
    let program: string | undefined;
    before(async function () {
      program = await findNginx(folder);
      if (program === undefined) this.skip();
    });

    it('[SD8] is taken by nginx as it stands, but for the files of the certificate', async () => {
      const names = ['fullchain.pem', 'privkey.pem'].map((name) => path.join(folder, name)) as [string, string];
      const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=game.example.com', '-out', names[0], '-keyout', names[1]], { encoding: 'utf8' });
      assert.equal(made.status, 0, made.stderr);
      const nginx = nginxWith(program!, EXAMPLE.replaceAll('/etc/letsencrypt/live/game.example.com', folder));
      try {
        assert.equal(await nginx.complaints(), '');
      } finally {
        nginx.remove();
      }
    });

    it('[SD8] leads players to the rooms of two processes, and passes over one that ends', async () => {
      const port = await freePort();
      const fleet = await behind(port);
      const [first, second] = fleet.servers as [TestServer, TestServer];
      // Without TLS, and with the ports of this test.
      const conf = EXAMPLE.replace(/ {2}server \{\n {4}listen 80;[\s\S]*?\n {2}\}\n/, '')
        .replace('listen 443 ssl;', `listen 127.0.0.1:${port};`)
        .replaceAll(/ {4}ssl_.*\n/g, '')
        .replace('127.0.0.1:2567', `127.0.0.1:${first.port}`)
        .replace('127.0.0.1:2568', `127.0.0.1:${second.port}`)
        .replace(String.raw`25(?:6[7-9]|[7-9]\d)`, String.raw`\d+`);
      const nginx = nginxWith(program!, conf);
      const running = await nginx.start();
      const url = `http://127.0.0.1:${port}`;
      try {
        await until(() => fetch(`${url}/readyz`).then(({ ok }) => ok, () => false), 5_000, 'nginx passes requests on');
        await playThrough(url, first);
        assert.equal((await fetch(`${url}/metrics`)).status, 401, 'a request through nginx is none from this machine');
        assert.doesNotMatch(first.log() + second.log(), /ERR_ERL|ValidationError/, 'no complaint about the headers');
        await first.kill('SIGTERM');
        for (let n = 0; n < 6; n++) await (await join(url)).leave();
      } finally {
        await running.stop();
        await fleet.stop();
        nginx.remove();
      }
    });
  });
});
