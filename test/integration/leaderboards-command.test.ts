import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { SetName } from '../../persistence/index.ts';
import type { PlayerId } from '../../schema/ids.ts';
import { redisBoards, topOf, type RedisBoards } from '../kit/board-sets.ts';
import { newCommandId, startCluster, type TestCluster } from '../kit/cluster.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

describe('npm run leaderboards', () => {
  let cluster: TestCluster;
  let redis: RedisBoards;
  let players: PlayerId[];
  before(async () => {
    [cluster, redis] = await Promise.all([startCluster({ databases: 2 }), redisBoards()]);
    await cluster.storage.seasons.ensure(['arena', 'gathered', 'trades', 'wealth']);
    players = await cluster.newPlayers(20);
    await Promise.all(players.map((player, at) => cluster.storage.scores.record({ id: newCommandId(), hash: Buffer.from('x'), board: 'arena', merging: 'highest', player, value: at })));
  });
  after(async () => {
    await redis.stop();
    await cluster.stop();
  });

  const arena: SetName = { board: 'arena', season: 1, region: 'eu', isLower: false, rule: 'best', keep: 10_000_000 };

  async function run(args: string, env: Record<string, string> = {}): Promise<{ code: number; out: string; err: string }> {
    const child = spawn(process.execPath, ['server/commands/leaderboards.ts', ...args.split(' ')], {
      cwd: ROOT,
      env: { ...process.env, NODE_ENV: 'test', DATA_DIR: cluster.dataDir, SHARD_URLS: cluster.urls.join(','), REDIS_URL: redis.lane.commands.options.host === undefined ? '' : `redis://127.0.0.1:${redis.lane.commands.options.port}`, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = { out: '', err: '' };
    child.stdout.on('data', (chunk: Buffer) => (said.out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (said.err += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number];
    return { code, ...said };
  }

  it('[LB10] fills every set from PostgreSQL, shows how far it is, and says that they are the same then', async () => {
    const before = await run('status');
    assert.equal(before.code, 1, before.err);
    assert.match(before.out, /arena +│ +1 │ eu +│ +20 │ +– │ NO/);
    const filled = await run('rebuild');
    assert.equal(filled.code, 0, filled.err);
    assert.match(filled.out, /^arena \d+ \/ 20\n(?:arena 20 \/ 20\n)?arena: 20 scores in 3 regions, \d+\.\d s\n/);
    const after = await run('status');
    assert.equal(after.code, 0, after.out);
    assert.match(after.out, /arena +│ +1 │ eu +│ +20 │ +20 │ yes/);
    assert.deepEqual((await topOf(redis.sets, arena, 3))?.map(({ value }) => value), [19, 18, 17]);
  });

  it('[LB10] finds a set that has more than there is, and forgets what it has too much of', async () => {
    await redis.sets.apply(arena, [{ player: newCommandId() as unknown as PlayerId, value: 99, version: 9 }]);
    const found = await run('status arena');
    assert.equal(found.code, 1);
    assert.match(found.out, /arena +│ +1 │ eu +│ +20 │ +21 │ NO/);
    assert.match(found.out, /leaderboards: 1 set differs: npm run leaderboards -- rebuild/);
    assert.equal((await run('rebuild arena --region eu')).code, 0);
    assert.equal((await run('status arena')).code, 0);
  });

  it('[LB10] refuses in one line what cannot be done', async () => {
    for (const [args, env, message] of [
      ['status nowhere', {}, /^the catalogue has no leaderboard "nowhere": name one of arena, gathered, trades, wealth\n$/],
      ['rebuild arena --region mars', {}, /^a leaderboard has no region "mars": name one of eu, us, asia\n$/],
      ['status', { REDIS_URL: '' }, /^REDIS_URL is not set, so the sets of "eu" are in the memory of the server: they are filled at its start\n$/],
      ['fill', {}, /unknown command/],
    ] as const) {
      const { code, err } = await run(args, env);
      assert.equal(code, 2, err);
      assert.match(err, message);
    }
  });
});
