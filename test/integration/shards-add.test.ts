import assert from 'node:assert/strict';
import pg from 'pg';
import { ClusterError, closeShards, migrateShards, openShards } from '../../persistence/cluster.ts';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../persistence/embedded/index.ts';
import { openResharding, PgClient } from '../../persistence/index.ts';
import { addShard } from '../../persistence/reshard/add-shard.ts';
import type { Shard } from '../../persistence/shard.ts';
import { readShardMap } from '../../persistence/slot-map.ts';
import { openStorage } from '../../persistence/storage.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';

describe('adding a shard', () => {
  let server: EmbeddedPostgres;
  let removeFolder: () => void;
  let made = 0;
  let cluster: { urls: [string, string]; shards: Shard[] };

  before(async () => {
    const { folder, remove } = temporaryFolder();
    removeFolder = remove;
    server = await startEmbeddedPostgres({ dir: folder, databases: ['first', 'second'], settings: { fsync: 'off' } });
    cluster = { urls: server.urls as [string, string], shards: await openShards(server.urls, 2) };
    await migrateShards(cluster.shards);
  });
  after(async () => {
    await closeShards(cluster.shards);
    await server.stop();
    removeFolder();
  });
  // A cluster of two again: an added shard is one only by what the others know.
  afterEach(async () => {
    for (const shard of [0, 1]) await sql(shard, 'with forgotten as (delete from shard_url) update slot set shard = slot / 512, epoch = 1');
  });

  const admin = (statement: string) => sql(0, statement);
  const sql = async (shard: number, text: string) => (await cluster.shards[shard]!.pool.query(text)).rows as unknown[];

  /** A URL of a database that is empty. */
  async function newDatabase(): Promise<string> {
    const name = `database_${made++}`;
    await admin(`create database ${name} template template0`);
    return urlOf(name);
  }

  function urlOf(database: string): string {
    const url = new URL(server.urls[0]!);
    url.pathname = `/${database}`;
    return url.href;
  }

  const nameOf = (url: string) => new URL(url).pathname.slice(1);

  /** The shards as another process opens them, by what it was told. */
  async function asAnother<Result>(urls: readonly string[], work: (shards: Shard[]) => Promise<Result>): Promise<Result> {
    const shards = await openShards(urls, 2);
    return await work(shards).finally(() => closeShards(shards));
  }

  const add = (url: string) => asAnother(cluster.urls, async (shards) => (await addShard(shards, url)).index);

  async function refusal(work: Promise<unknown>): Promise<string> {
    const error = await work.then(() => assert.fail('it was not refused'), (reason: unknown) => reason);
    assert.ok(error instanceof ClusterError, String((error as Error).stack));
    assert.match(error.message, /^[^\n]+$/);
    assert.ok(!error.message.includes(new URL(cluster.urls[0]!).password), 'no password');
    return error.message;
  }

  /** A database that is a whole shard: its place, the same map as the others' and holding nothing of it, known to all. */
  async function assertWhole(url: string, index: number, before: readonly string[] = cluster.urls): Promise<void> {
    await asAnother([...before, url], async (shards) => {
      await migrateShards(shards);
      const stamps = await Promise.all(shards.map(async ({ pool }) => (await pool.query<{ id: string; shard: number }>('select id, shard from cluster')).rows));
      assert.deepEqual(stamps.map((rows) => rows.map(({ shard }) => shard)), shards.map((shard) => [shard.index]));
      assert.equal(new Set(stamps.flat().map(({ id }) => id)).size, 1);
      const maps = (await Promise.all(shards.map(readShardMap))).map((map) => map?.slots.toSorted((a, b) => a[0] - b[0]));
      for (const map of maps) assert.deepEqual(map, maps[0]);
      assert.equal(maps[0]?.length, 1024);
      assert.ok(maps[0]?.every(([, shard]) => shard !== index));
      for (const { pool } of shards) assert.deepEqual((await pool.query<{ url: string }>('select url from shard_url where shard = $1', [index])).rows, [{ url }]);
    });
  }

  const moveLastSlot = async (to: number, urls: readonly string[]) =>
    asAnother(urls, async (shards) => {
      for (const { pool } of shards) await pool.query('update slot set shard = $1, epoch = epoch + 1 where slot = 1023', [to]);
    });

  it('[SH4] makes it the next one, with the map and known to every shard, beside processes that do not know it yet', async () => {
    const [first, second] = [await newDatabase(), await newDatabase()];
    await asAnother(cluster.urls, async (shards) => {
      assert.equal((await addShard(shards, first)).index, 2);
      assert.deepEqual(shards.map(({ url }) => url), [...cluster.urls, first]);
    });
    await assertWhole(first, 2);
    // By a process that was told of two shards only.
    assert.equal(await add(second), 3);
    await assertWhole(second, 3, [...cluster.urls, first]);
    assert.deepEqual(await asAnother([second], async ([shard]) => (await shard!.pool.query('select shard from shard_url order by 1')).rows), [{ shard: 2 }, { shard: 3 }]);
    await asAnother(cluster.urls, migrateShards);
  });

  it('[SH4] is found by running processes when the map names it, also when it names a later one first', async () => {
    const urls = [await newDatabase(), await newDatabase()];
    for (const url of urls) await add(url);
    await moveLastSlot(3, [...cluster.urls, ...urls]);
    await asAnother(cluster.urls, async (shards) => {
      const storage = await openStorage(shards, { reach: () => undefined, onUnfinished: () => undefined });
      assert.equal(storage.shardCount, 4);
    });
    const resharding = await openResharding(cluster.urls, () => undefined);
    assert.equal(resharding.shardCount, 4);
    await resharding.close();
  });

  it('[SH2] is refused at a start that does not list it although slots are there, with what to list', async () => {
    const urls = [await newDatabase(), await newDatabase()];
    for (const url of urls) await add(url);
    await moveLastSlot(3, [...cluster.urls, ...urls]);
    const [third, fourth] = urls.map((url) => new URL(url)).map(({ host, pathname }) => `${host}${pathname}`);
    assert.equal(await refusal(asAnother(cluster.urls, migrateShards)), `SHARD_URLS: the slot map names shard 3, and only 2 are listed; name also, behind them and in this order: shard 2 (${third}), shard 3 (${fourth})`);
    assert.equal(await refusal(asAnother([...cluster.urls, urls[0]!], migrateShards)), `SHARD_URLS: the slot map names shard 3, and only 3 are listed; name also, behind them and in this order: shard 3 (${fourth})`);
    await asAnother([...cluster.urls, ...urls], migrateShards);
  });

  // Guards the order of the steps, and that each may be done again: after a kill before any write, the next run goes on.
  it('[SH4] may be killed before any of its writes and run again', async () => {
    const url = await newDatabase();
    const other = await newDatabase();
    let kills = 0;
    while (!(await killedBefore(kills + 1, () => add(url)))) {
      // As the end of a process does.
      await admin(`select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname is not null`);
      kills++;
    }
    assert.ok(kills > 5, `${kills} writes`);
    await asAnother(cluster.urls, migrateShards);
    await assertWhole(url, 2);
    assert.equal(await add(other), 3);
  });

  it('[SH4] of another database waits for one that was begun, unless that one is gone', async () => {
    const [begun, other] = [await newDatabase(), await newDatabase()];
    await add(begun);
    const name = nameOf(begun);
    await asAnother([begun], async ([shard]) => shard!.pool.query('delete from shard_url'));
    assert.match(await refusal(add(other)), new RegExp(`^shard 2 \\(.*/${name}\\) was begun to be added and is not finished; run its add again first`));
    await admin(`drop database ${name} with (force)`);
    assert.equal(await add(other), 2);
    await assertWhole(other, 2);
  });

  it('[SH4] is ended by running it again also when it is listed already', async () => {
    const url = await newDatabase();
    await add(url);
    await asAnother([url], async ([shard]) => shard!.pool.query('delete from shard_url'));
    await sql(1, 'delete from shard_url');
    await asAnother([...cluster.urls, url], async (shards) => {
      await migrateShards(shards);
      assert.equal((await addShard(shards, url)).index, 2);
      assert.equal(shards.length, 3);
    });
    await assertWhole(url, 2);
  });

  // Guards the lock on the first shard: without it both are shard 2.
  it('[SH4] twice at once makes two shards of two databases, and one of one', async () => {
    const [first, second, third] = [await newDatabase(), await newDatabase(), await newDatabase()];
    assert.deepEqual((await Promise.all([add(first), add(second)])).toSorted(), [2, 3]);
    const [done, refused] = (await Promise.allSettled([add(third), add(third)])).toSorted((a) => (a.status === 'fulfilled' ? -1 : 1));
    assert.equal(done?.status === 'fulfilled' && done.value, 4);
    assert.match(refused?.status === 'rejected' ? String(refused.reason.message) : '', /already is shard 4 of this cluster; name another database$/);
  });

  it('[SH4] of what was drained and dropped gives it its place again, with the map of now', async () => {
    const url = await newDatabase();
    await add(url);
    await moveLastSlot(2, [...cluster.urls, url]);
    await moveLastSlot(1, [...cluster.urls]);
    await asAnother(cluster.urls, async (shards) => {
      for (const { pool } of shards) await pool.query('delete from shard_url');
    });
    assert.equal(await add(url), 2);
    await assertWhole(url, 2);
  });

  it('[SH2] is not what listing an empty database does, and the refusal says so', async () => {
    const listed = [...cluster.urls, await newDatabase()];
    assert.match(await refusal(openResharding(listed, () => undefined)), /^SHARD_URLS: shard 2 is a database that this cluster does not know; .*npm run shards -- add <url>$/);
  });

  it('[SH4] leaves out what was added once and is gone, as long as no slot is there', async () => {
    const url = await newDatabase();
    await add(url);
    await admin(`drop database ${nameOf(url)} with (force)`);
    const resharding = await openResharding(cluster.urls, () => undefined);
    assert.equal(resharding.shardCount, 2);
    assert.match(resharding.leftOut ?? '', /^left out, for no slot is there: shard 2 \(.*\) cannot be reached/);
    await resharding.close();
    await sql(0, 'update slot set shard = 2, epoch = epoch + 1 where slot = 1023');
    assert.match(await refusal(openResharding(cluster.urls, () => undefined)), /^SHARD_URLS: shard 2 \(.*\) cannot be reached/);
  });

  it('[SH4] is refused in one line, and changes nothing, when the database cannot be a shard', async () => {
    const gone = new URL(cluster.urls[0]!);
    gone.port = '1';
    assert.match(await refusal(add(gone.href)), /^shard 2 \(127\.0\.0\.1:1\/.*\) cannot be reached: .*ECONNREFUSED/);
    assert.match(await refusal(add(urlOf('nowhere'))), /^shard 2 \(.*\/nowhere\) cannot be reached: .*does not exist/);
    assert.match(await refusal(add(cluster.urls[1]!.replace('127.0.0.1', 'localhost'))), /already is shard 1 of this cluster; name another database$/);

    const another = await newDatabase();
    await asAnother([another], migrateShards);
    assert.match(await refusal(add(another)), /belongs to another cluster; name an empty database$/);

    const copy = await newDatabase();
    await asAnother([copy], migrateShards);
    await withClient(copy, async (client) => client.query('update cluster set shard = 1, id = $1', [(await cluster.shards[0]!.pool.query<{ id: string }>('select id from cluster')).rows[0]?.id]));
    assert.match(await refusal(add(copy)), /is shard 1 of this cluster, or a copy of it, and cannot be shard 2; name an empty database$/);

    const taken = await newDatabase();
    await withClient(taken, (client) => client.query('create table guild (id int)'));
    assert.match(await refusal(add(taken)), /is not empty; name an empty database$/);
    assert.deepEqual(await withClient(taken, async (client) => (await client.query(`select relname from pg_class where relnamespace = 'public'::regnamespace`)).rows), [{ relname: 'guild' }]);

    const { folder, remove } = temporaryFolder();
    const small = await startEmbeddedPostgres({ dir: folder, databases: ['small'], settings: { fsync: 'off', max_prepared_transactions: 15 } });
    try {
      assert.match(await refusal(add(small.urls[0]!)), /^shard 2 \(.*\/small\) has max_prepared_transactions = 15; set it to 16 or more in postgresql\.conf/);
    } finally {
      await small.stop();
      remove();
    }
    assert.deepEqual(await sql(0, 'select * from shard_url'), []);
  });
});

async function withClient<Result>(url: string, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return await work(client).finally(() => client.end());
}

const WRITE = /^\s*(?:with given|insert|commit)/i;

/** Lets everything through that comes before the n-th write, and nothing after: what a kill leaves to the databases. @returns whether it ended before */
async function killedBefore(write: number, work: () => Promise<unknown>): Promise<boolean> {
  const { query } = PgClient.prototype;
  const killed = Promise.withResolvers<false>();
  let written = 0;
  PgClient.prototype.query = function (this: PgClient, ...asked: Parameters<typeof query>) {
    const [statement] = asked as unknown as [string | { text: string }];
    if (WRITE.test(typeof statement === 'string' ? statement : statement.text)) written++;
    if (written < write) return query.apply(this, asked);
    killed.resolve(false);
    return new Promise(() => undefined);
  } as typeof query;
  try {
    return await Promise.race([killed.promise, work().then(() => true)]);
  } finally {
    PgClient.prototype.query = query;
  }
}
