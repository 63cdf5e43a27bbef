import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { findEmbeddedPostgres, startEmbeddedPostgres, type EmbeddedPostgres, type EmbeddedPostgresOptions } from '../../persistence/embedded/index.ts';
import { temporaryDataFolder } from '../kit/data-folder.ts';

const databases = ['shard0', 'shard1'];
const MODULE = pathToFileURL(path.resolve('persistence/embedded/index.ts')).href;

async function query<Row extends pg.QueryResultRow>(url: string, ...statements: string[]): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined); // the tests kill servers
  await client.connect();
  try {
    let rows: Row[] = [];
    for (const statement of statements) ({ rows } = await client.query<Row>(statement));
    return rows;
  } finally {
    await client.end();
  }
}

async function isGone(pid: number): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < 10_000; waitedMs += 20, await sleep(20)) {
    try {
      process.kill(pid, 0);
    } catch {
      return true;
    }
  }
  return false;
}

describe('embedded PostgreSQL', () => {
  let folder: string;
  let remove: () => void;
  const servers: EmbeddedPostgres[] = [];
  const children: ChildProcess[] = [];

  async function start(dir = folder, options: Partial<EmbeddedPostgresOptions> = {}): Promise<EmbeddedPostgres> {
    const server = await startEmbeddedPostgres({ dir, databases, ...options });
    servers.push(server);
    return server;
  }

  /** Another process that starts a server and waits to be killed. */
  async function startParent(): Promise<{ parent: ChildProcess; pid: number; urls: string[] }> {
    const script = `
      import { startEmbeddedPostgres } from ${JSON.stringify(MODULE)};
      const { pid, urls } = await startEmbeddedPostgres(${JSON.stringify({ dir: folder, databases })});
      console.log(JSON.stringify({ pid, urls }));
      setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(parent);
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    return { parent, ...(JSON.parse(line.toString()) as { pid: number; urls: string[] }) };
  }

  beforeEach(() => ({ folder, remove } = temporaryDataFolder('postgres')));
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await Promise.all(servers.splice(0).map((server) => server.stop()));
    remove();
  });

  it('[EP1] makes the databases, durable and ready for two-phase commit', async () => {
    const fresh = path.join(folder, 'fresh');
    const { urls } = await start(fresh);
    assert.equal(urls.length, 2);
    for (const [index, url] of urls.entries()) {
      const [row] = await query(url, `select current_database() as name, current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit,
        current_setting('max_prepared_transactions') as prepared, current_setting('max_connections') as connections, current_setting('data_checksums') as checksums`);
      assert.deepEqual(row, { name: databases[index], fsync: 'on', commit: 'on', prepared: '64', connections: '100', checksums: 'on' });
    }
  });

  it('[EP1] takes other settings, and adds a database at a later start', async () => {
    await (await start()).stop();
    const { urls } = await start(folder, { databases: ['shard0', 'Odd "name"'], settings: { max_connections: 20 } });
    const [row] = await query(urls[1]!, `select current_database() as name, current_setting('max_connections') as connections`);
    assert.deepEqual(row, { name: 'Odd "name"', connections: '20' });
  });

  it('[EP2] listens on loopback only, and asks for its password', async () => {
    const { urls } = await start();
    const [row] = await query(urls[0]!, `select current_setting('listen_addresses') as tcp, current_setting('unix_socket_directories') as sockets`);
    assert.deepEqual(row, { tcp: '127.0.0.1', sockets: '' });
    const wrong = new URL(urls[0]!);
    wrong.password = 'wrong';
    await assert.rejects(query(wrong.href), /password authentication failed/);
  });

  it('[EP3] ends with its parent, even by SIGKILL', async () => {
    const { parent, pid } = await startParent();
    parent.kill('SIGKILL');
    assert.ok(await isGone(pid), 'the server outlived its parent');
  });

  it('[EP4] starts again after its parent was killed, at once and with what was committed and prepared', async () => {
    const { parent, urls } = await startParent();
    await query(urls[0]!, 'create table item (id int)', 'insert into item values (1)');
    await query(urls[0]!, 'begin', 'insert into item values (2)', `prepare transaction 'in-doubt'`);
    parent.kill('SIGKILL');
    const again = await start(); // the old server is still ending
    assert.deepEqual(await query(again.urls[0]!, 'select id from item'), [{ id: 1 }]);
    assert.deepEqual(await query(again.urls[0]!, `commit prepared 'in-doubt'`, 'select id from item order by id'), [{ id: 1 }, { id: 2 }]);
  });

  it('[EP4] starts again after the server was killed, and after an immediate stop', async () => {
    const first = await start();
    await query(first.urls[0]!, 'create table item (id int)', 'insert into item values (1)');
    process.kill(first.pid, 'SIGKILL');
    await first.exited;
    const second = await start();
    assert.deepEqual(await query(second.urls[0]!, 'insert into item values (2)', 'select id from item order by id'), [{ id: 1 }, { id: 2 }]);
    await second.stop('immediate');
    const third = await start();
    assert.deepEqual(await query(third.urls[0]!, 'select id from item order by id'), [{ id: 1 }, { id: 2 }]);
  });

  it('[EP4] starts again after both were killed', async () => {
    const { parent, pid, urls } = await startParent();
    await query(urls[1]!, 'create table item (id int)', 'insert into item values (1)');
    process.kill(pid, 'SIGKILL');
    parent.kill('SIGKILL');
    assert.deepEqual(await query((await start()).urls[1]!, 'select id from item'), [{ id: 1 }]);
  });

  it('[EP5] runs beside others, on folders of their own', async () => {
    const [one, two] = await Promise.all([start(path.join(folder, 'one')), start(path.join(folder, 'two'))]);
    await query(one.urls[0]!, 'create table item (id int)');
    assert.deepEqual(await query(two.urls[0]!, `select to_regclass('item') as item`), [{ item: null }]);
  });

  it('[EP5] refuses a folder that is in use, with one line, and leaves its server alone', async () => {
    const { urls, pid } = await start();
    await assert.rejects(start(), (error: Error) => {
      assert.match(error.message, new RegExp(`^Another PostgreSQL \\(process ${pid}\\) still runs on [^\\n]+\\.$`));
      return true;
    });
    assert.equal((await query(urls[0]!, 'select 1 as one')).length, 1);
  });

  it('[EP5] refuses a port that is taken, with one line', async () => {
    const { port } = await start(path.join(folder, 'one'));
    await assert.rejects(start(path.join(folder, 'two'), { port }), new RegExp(`Port ${port} is taken by another program`));
  });

  it('[EP6] runs in a folder whose path is long, and in whichever way root starts it', async () => {
    const dir = path.join(folder, 'long '.repeat(20).trim(), 'path'.repeat(20));
    for (const rootMode of ['user-namespace', 'nobody', 'user-namespace'] as const) {
      const server = await start(path.join(process.getuid?.() === 0 ? folder : dir), { rootMode });
      assert.equal((await query(server.urls[0]!, 'select 1 as one')).length, 1);
      await server.stop();
    }
    const server = await start(dir);
    assert.equal((await query(server.urls[0]!, 'select 1 as one')).length, 1);
  });

  it('[EP7] is not kept from starting by a lock file whose process id was given to another program', async () => {
    const first = await start();
    process.kill(first.pid, 'SIGKILL');
    await first.exited;
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    children.push(other);
    const lockFile = path.join(folder, 'postgres', 'postmaster.pid');
    writeFileSync(lockFile, readFileSync(lockFile, 'utf8').replace(/^\d+/, String(other.pid)));
    assert.equal((await query((await start()).urls[0]!, 'select 1 as one')).length, 1);
  });

  it('[EP8] is found by another process while it runs, and only then', async () => {
    assert.equal(findEmbeddedPostgres({ dir: folder, databases }), undefined);
    const { parent, pid, urls } = await startParent();
    assert.deepEqual(findEmbeddedPostgres({ dir: folder, databases }), urls);
    parent.kill('SIGKILL');
    assert.ok(await isGone(pid));
    assert.equal(findEmbeddedPostgres({ dir: folder, databases }), undefined);
  });
});
