import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { InvalidArgumentError } from 'commander';
import { slotOf } from '../../persistence/slots.ts';
import { slots } from '../../server/commands/shards/arguments.ts';
import { openProgress } from '../../server/commands/progress.ts';
import { redInvariants, startCluster, type TestCluster } from '../kit/cluster.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

describe('npm run shards', () => {
  const compiled = temporaryFolder();
  let cluster: TestCluster;
  let password: string;

  before(async () => {
    cluster = await startCluster();
    ({ password } = new URL(cluster.urls[0]!));
  });
  after(async () => {
    await cluster.stop();
    compiled.remove();
  });

  async function shards(args: string, env: Record<string, string> = {}): Promise<{ code: number; out: string; err: string }> {
    const child = spawn(process.execPath, ['server/commands/shards.ts', ...args.split(' ').filter(Boolean)], {
      cwd: ROOT,
      env: { ...process.env, NODE_ENV: 'test', DATA_DIR: cluster.dataDir, NODE_COMPILE_CACHE: compiled.folder, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = { out: '', err: '' };
    child.stdout.on('data', (chunk: Buffer) => (said.out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (said.err += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number];
    assert.ok(!`${said.out}${said.err}`.includes(password), 'no password');
    return { code, ...said };
  }

  async function assertDone(args: string, ...says: RegExp[]): Promise<void> {
    const { code, out, err } = await shards(args);
    assert.deepEqual([code, err], [0, ''], out);
    for (const pattern of says) assert.match(out, pattern);
  }

  /** Several at a time: nearly all of it is the start of a process. */
  async function assertRefused(refusals: [args: string, says: RegExp, env?: Record<string, string>][]): Promise<void> {
    await Promise.all(
      refusals.map(async ([args, says, env]) => {
        const { code, out, err } = await shards(args, env);
        assert.deepEqual([code, out], [2, ''], args);
        assert.match(err, says);
        assert.equal(err.trimEnd().split('\n').length, 1, err);
      }),
    );
  }

  const owners = async () => (await cluster.sql<{ shard: number }>(0, 'select shard from slot order by slot')).map(({ shard }) => shard);
  const url = (database: string) => cluster.urls[0]!.replace(/[^/]+$/, database);

  it('[SH5] refuses what it cannot mean with 2 and one line', async () => {
    await assertRefused([
      ['move 1024 --to 1', /'1024' is invalid .* 0 to 1023/],
      ['move 12 --to 4', /^there is no shard 4; there are shards 0 to 3$/m],
      ['add mysql://me:secret@host/db', /^the URL does not name a PostgreSQL database: (?!.*secret)/],
      ['status', /^SHARD_URLS: shard 0 .* cannot be reached/, { SHARD_URLS: 'postgres://nobody@127.0.0.1:1/nowhere' }],
    ]);
  });

  it('[SH5] shows what would move, with whom, and moves nothing when dry', async () => {
    const before = await owners();
    const [ann] = await cluster.playersOn(0);
    await cluster.mint(ann!, 5);
    const slot = slotOf(ann!);
    const [{ players, commands }] = (await cluster.sql<{ players: number; commands: number }>(0, `select (select count(*)::int from inventory where slot_of(holder::text) = $1) as players,
      (select count(*)::int from command where slot_of(id::text) = $1) as commands`, [slot])) as [{ players: number; commands: number }];
    const { code, out, err } = await shards(`move ${slot} 1020-1023 ${slot} --to 3 --dry-run`);
    assert.deepEqual([code, err], [0, '']);
    // Each player and its inventory, one balance and one ledger row; the slots that are there stay.
    assert.match(out, new RegExp(`shard 0 +│ shard 3 +│ ${slot} +│ +1 │ +${players} │ +${2 * players + 2 + commands} │`));
    assert.equal(out.match(/shard \d/g)?.length, 2, out);
    assert.deepEqual(await owners(), before);
  });

  it('[SH5] adds, rebalances, drains and verifies, and says when a shard may go', async () => {
    await cluster.sql(0, 'create database fifth');
    const players = await cluster.manyPlayers(100);
    for (const player of players.slice(0, 20)) await cluster.mint(player, 5);
    await assertDone(`add ${url('fifth')}`, /^shard 4 is 127\.0\.0\.1:\d+\/fifth, and holds nothing yet/, /SHARD_URLS/);
    // It is not listed, and is found.
    await assertDone('rebalance', /shard 0 +│ shard 4 +│ 205-255 +│ +51 │/, /^clean \d \/ \d$/m, /^204 slots moved; writers waited [\d.]+ ms \(median\), [\d.]+ ms \(p99\), [\d.]+ ms \(longest\)$/m);
    assert.deepEqual([0, 1, 2, 3, 4].map(countOf(await owners())), [205, 205, 205, 205, 204]);
    await assertDone('verify', /^verify: all is where it belongs, 5 shards$/m);

    await assertDone('move 0-3 7 --to 4', /shard 0 +│ shard 4 +│ 0-3, 7 +│ +5 │/, /^5 slots moved/m);
    assert.deepEqual((await owners()).slice(0, 9), [4, 4, 4, 4, 0, 0, 0, 4, 0]);
    await assertDone('rebalance --over 4', /shard 4 +│ shard 0/, /^209 slots moved/m, /^shard 4 \(127\.0\.0\.1:\d+\/fifth\): nothing is there any more\. Take it out of SHARD_URLS/m);

    assert.deepEqual(await redInvariants(cluster.storage), []);

    // Guards the hint: what is decided there must end first.
    await cluster.sql(0, `begin; select 1; prepare transaction 'strongroom:4:00000000-0000-4000-8000-000000000000:0'`);
    try {
      const { out } = await shards('status');
      assert.match(out, /│ 4 +│ 127\.0\.0\.1:\d+\/fifth +│ +0 │ +0 │ +[\d.]+ MiB │ +\d+ \/ 100 │ +0 │ +\d+ │ +0 │/);
      assert.doesNotMatch(out, /may be dropped/);
    } finally {
      await cluster.sql(0, `rollback prepared 'strongroom:4:00000000-0000-4000-8000-000000000000:0'`);
    }
  });

  it('[SH5] verifies with 1 and the problems, one a line', async () => {
    const [owner] = await owners();
    await cluster.sql(owner!, `update slot set shard = ${owner! + 1} where slot = 0`);
    const { code, out, err } = await shards('verify').finally(() => cluster.sql(owner!, `update slot set shard = ${owner} where slot = 0`));
    assert.deepEqual([code, err], [1, '']);
    // And whoever happens to be in it is where the slot is not.
    assert.match(out, /^slot 0: no shard holds it\n(?:shard .*\n)*verify: \d+ problems?\n$/);
  });

  it('[SH5] understands slots, ranges and several of them, and nothing else', () => {
    assert.deepEqual(['12', '40-43', '1023'].reduce<number[]>((before, text) => slots(text, before), []), [12, 40, 41, 42, 43, 1023]);
    for (const wrong of ['', 'twelve', '-1', '1024', '63-40', '1020-1024', '1-2-3', '1.5', '0x1']) assert.throws(() => slots(wrong), InvalidArgumentError, wrong);
  });

  it('[SH5] draws a bar for who watches, and writes a line at each tenth for a log', () => {
    const written: string[] = [];
    const progress = openProgress({ isTTY: false, write: (text: string) => written.push(text) } as never);
    for (let done = 0; done <= 30; done++) progress.show({ phase: 'copy', done, total: 30 });
    progress.show({ phase: 'flip', done: 0, total: 0 });
    progress.stop();
    assert.deepEqual(written.length, 12);
    assert.deepEqual([written[1], written.at(-1)], ['copy 3 / 30\n', 'flip 0 / 0\n']);
  });
});

const countOf = (owners: readonly number[]) => (shard: number) => owners.filter((owner) => owner === shard).length;
