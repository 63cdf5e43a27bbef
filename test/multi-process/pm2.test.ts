import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { assertAuditGreen } from '../kit/economy.ts';
import { assertSoon } from '../kit/patience.ts';
import { service, signIn, until } from '../kit/player.ts';
import { openPm2, type Pm2 } from '../kit/pm2.ts';
import { MortalRedis } from '../kit/redis-host.ts';
import { freePort } from '../kit/server.ts';
import { startShardHost, type ShardHost } from '../kit/shard-host.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';
import { startPair, type ComingBack, type TradingPair } from '../kit/trading-pair.ts';

const PAIRS = 3;
const LOOK_MS = 25;
const CLOSED_BY_SHUTDOWN = 4001;
/** For a client whose other process is there; far more than it takes. */
const BACK_MAX_MS = 10_000;
/** What a trade in the middle of it all may fail with; a socket that could not be opened says nothing. */
const EXPECTED = /^$|^room "[^"]+" (not found|is locked)|expired|BUSY|TRADE_|SESSION_REPLACED|connection|closed|fetch failed|not within/;
const TEST_MAX_MS = 240_000;
const RESTARTS_MAX = 10;

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** Two ports in a row, of which the first is given. */
async function twoPorts(): Promise<number> {
  for (let first = await freePort(); ; ) {
    const second = await freePort();
    if (second === first + 1) return first;
    first = second;
  }
}

/** How often each of the servers ceased to serve, and how often none of them did, while this looks. */
function watchReadiness(urls: readonly string[]) {
  const away = urls.map(() => 0);
  let before = urls.map(() => true);
  let allAway = 0;
  let looking = true;
  const running = (async () => {
    while (looking) {
      const ready = await Promise.all(urls.map((url) => fetch(`${url}/readyz`).then(({ ok }) => ok, () => false)));
      // Twice in a row: on a busy machine the answers of one look are of different moments, and a reload lies between them.
      if (ready.every((one) => !one) && before.every((one) => !one)) allAway++;
      for (const [n, isReady] of ready.entries()) if (before[n] && !isReady) away[n]!++;
      before = ready;
      await delay(LOOK_MS);
    }
  })();
  return {
    async stop() {
      looking = false;
      await running;
      return { allAway, away };
    },
  };
}

describe('pm2', function () {
  this.timeout(TEST_MAX_MS);
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

  it('[SD6] a reload under load renews every process, never all at once, and loses nothing that was answered; clients come back by themselves', async () => {
    const port = await twoPorts();
    const urls = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${port + 1}`];
    const shards = await host.freshShards();
    const pm2 = openPm2({ PROCESSES: '2', SHARD_URLS: shards, REDIS_URL: redis.url, DATA_DIR: folder, PORT: String(port), NODE_ENV: 'test', AUTH_RATE_MAX: '100000' });
    const pairs: TradingPair[] = [];
    let pids: number[] = [];
    try {
      await pm2.command('start', 'ecosystem.config.js');
      const before = await pm2.list();
      pids = before.map(({ pid }) => pid);
      assert.deepEqual(before.map(({ pm2_env }) => pm2_env.status), ['online', 'online']);
      const serviceKey = (JSON.parse(readFileSync(path.join(folder, 'secrets.json'), 'utf8')) as { serviceKey: string }).serviceKey;
      const servers = urls.map((url) => ({ url, serviceKey })) as never[];
      const players: ComingBack[] = [];
      for (let n = 0; n < 2 * PAIRS; n++) players.push({ ...(await signIn(urls[n % 2]!)), urls: n % 2 === 0 ? urls : urls.toReversed() });
      for (let n = 0; n < PAIRS; n++) {
        await service(servers[0]!).grant(players[2 * n]!.id, { fungibles: { gold: 100_000 } });
        pairs.push(startPair(players[2 * n]!, players[2 * n + 1]!));
      }
      const allTraded = async (more: number) => {
        const had = pairs.map(({ acknowledged }) => acknowledged.length);
        await until(() => pairs.every(({ acknowledged }, n) => acknowledged.length >= had[n]! + more), 30_000, 'every pair trades');
      };
      await allTraded(5);

      const watch = watchReadiness(urls);
      await pm2.command('reload', 'ecosystem.config.js');
      await allTraded(5);
      const { allAway, away } = await watch.stop();
      for (const [n, times] of away.entries()) assert.equal(times, 1, `process ${n} was away once`);
      await Promise.all(pairs.map((pair) => pair.stop()));

      const after = await pm2.list();
      pids.push(...after.map(({ pid }) => pid));
      assert.deepEqual(after.map(({ pm2_env }) => pm2_env.status), ['online', 'online']);
      assert.equal(new Set(pids).size, 4, 'the processes are new ones');
      assert.equal(allAway, 0, 'one of them served at any time');
      const absences = pairs.flatMap((pair) => pair.absences);
      assert.ok(absences.length >= 2 * PAIRS, 'every client was closed at least once');
      assert.deepEqual([...new Set(absences.map(({ code }) => code))], [CLOSED_BY_SHUTDOWN]);
      assert.deepEqual(pm2.log().split('\n').filter((line) => /"level":[56]0/.test(line)), [], 'nothing went wrong in the servers');
      assert.deepEqual(pairs.flatMap(({ failures }) => [...failures.keys()]).filter((what) => !EXPECTED.test(what)), [], 'nothing failed but what was ended');
      for (const { ms } of absences) assertSoon(ms, BACK_MAX_MS, 'the way back');

      const rows = await host.onEach<{ actor: string; id: string; status: string }>(shards, `select actor, id, answer->>'status' as status from command`, []);
      const settled = rows.flat().filter(({ status }) => status === 'settled');
      const ids = new Set(settled.map(({ id }) => id));
      for (const [n, { acknowledged }] of pairs.entries()) {
        assert.deepEqual(acknowledged.filter((id) => !ids.has(id)), [], 'every trade that was acknowledged is in PostgreSQL');
        const buyer = players[2 * n + 1]!.id;
        const { fungibles } = await service(servers[1]!).player(buyer);
        assert.equal(fungibles['gold'] ?? 0, settled.filter(({ actor }) => actor === buyer).length, 'and so is its gold, once');
      }
      await assertAuditGreen(servers[0]!);
    } finally {
      await Promise.all(pairs.map((pair) => pair.stop()));
      await pm2.kill();
    }
    await until(() => pids.every((pid) => !isRunning(pid)), 1_000, 'nothing is left running');
  });

  it('[SD7] a wrong setting is one line in the log of PM2, which tries again, later each time, and not for ever', async () => {
    const pm2: Pm2 = openPm2({ PROCESSES: '2', SHARD_URLS: '', REDIS_URL: '', DATA_DIR: folder, PORT: String(await twoPorts()), NODE_ENV: 'test' });
    try {
      await pm2.command('start', 'ecosystem.config.js');
      await until(async () => (await pm2.list()).every(({ pm2_env }) => pm2_env.restart_time >= 2), 60_000, 'PM2 tries again');
      const [app] = ((await import(pathToFileURL(path.resolve(import.meta.dirname, '../../ecosystem.config.js')).href)) as { apps: { max_restarts: number; exp_backoff_restart_delay: number }[] }).apps;
      assert.ok(app !== undefined && app.max_restarts <= RESTARTS_MAX && app.exp_backoff_restart_delay > 0, 'ten times at most');
      assert.deepEqual([...new Set(pm2.errors().trim().split('\n'))], ['REDIS_URL is not set, but PROCESSES is above 1, and processes meet in Redis: set REDIS_URL, or run one process.']);
    } finally {
      await pm2.kill();
    }
  });
});
