import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { v7 as uuidv7 } from 'uuid';
import { ClusterError, closeShards, migrateShards, openShards } from '../../persistence/cluster.ts';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../persistence/embedded/index.ts';
import { shardOfSlot, SLOT_COUNT, slotOf } from '../../persistence/slots.ts';
import { startCluster, type TestCluster } from '../kit/cluster.ts';
import { interceptShard, type Intercept } from '../kit/intercept.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';

describe('slots', () => {
  it('[SH1] are spread over 1,024, are what they always were, and fall to shards in equal runs', () => {
    const slots = Array.from({ length: 20_000 }, () => slotOf(uuidv7()));
    assert.ok(slots.every((slot) => Number.isInteger(slot) && slot >= 0 && slot < SLOT_COUNT));
    assert.equal(new Set(slots).size, SLOT_COUNT);
    // Guards the hash itself: were it changed, every player would be looked for on another shard.
    assert.deepEqual(['', 'a', '00000000-0000-0000-0000-000000000000'].map(slotOf), [66, 274, 892]);
    for (const count of [1, 2, 3, 4, 7, 1024]) {
      const runs = Array.from({ length: SLOT_COUNT }, (_, slot) => shardOfSlot(slot, count));
      assert.deepEqual(runs, runs.toSorted((a, b) => a - b));
      assert.deepEqual([...new Set(runs)], Array.from({ length: count }, (_, shard) => shard));
    }
  });
});

describe('a cluster of shards', () => {
  let cluster: TestCluster;
  before(async () => (cluster = await startCluster({ databases: 3 })));
  after(() => cluster.stop());

  it('[SH1] has the same slots in SQL, and every player on the shard of its slot', async () => {
    await cluster.newPlayers(50);
    for (const shard of cluster.shards) {
      const rows = await cluster.sql<{ id: string; slot: number; hashed: number }>(shard.index, `select id, slot,
        ((get_byte(h, 0)::bigint << 24) + (get_byte(h, 1) << 16) + (get_byte(h, 2) << 8) + get_byte(h, 3)) % 1024 as hashed
        from (select id, slot, sha256(id::text::bytea) as h from player) p`);
      assert.ok(rows.length > 0);
      for (const { id, slot, hashed } of rows) assert.deepEqual([slot, Number(hashed), shardOfSlot(slot, 3)], [slotOf(id), slotOf(id), shard.index]);
    }
  });

  it('[SH2] is opened again as it was', async () => {
    await migrateAgain(cluster.urls);
  });

  it('[SH2] is refused when a database is named twice, under whatever name', async () => {
    const [first, second] = cluster.urls as [string, string];
    assert.equal(await refusal([first, second, first]), 'SHARD_URLS: shards 0 and 2 are one database; name each database once');
    assert.match(await refusal([first, first.replace('127.0.0.1', 'localhost')]), /shards 0 and 1 are one database/);
  });

  it('[SH2] is refused in another order or in another number', async () => {
    const [first, second, third] = cluster.urls as [string, string, string];
    assert.equal(await refusal([second, first, third]), 'SHARD_URLS: place 0 holds shard 1; name the same databases in the same order as before');
    assert.match(await refusal([first, second]), /^SHARD_URLS: the slot map names shard 2, and only 2 are listed; name all of them, in the same order as before$/);
  });

  it('[SH2] is refused when a shard is of another cluster, and takes none of it over', async () => {
    const other = await startCluster({ databases: 1, unlike: true });
    try {
      assert.equal(await refusal([cluster.urls[0]!, cluster.urls[1]!, other.urls[0]!]), 'SHARD_URLS: shard 2 belongs to another cluster; name only the databases of one');
    } finally {
      await other.stop();
    }
    await migrateAgain(cluster.urls);
  });

  it('[SH2] is refused when a server cannot be reached, in one line and without its password', async () => {
    const gone = new URL(cluster.urls[0]!);
    gone.port = '1';
    const message = await refusal([gone.href, cluster.urls[1]!]);
    assert.match(message, /^SHARD_URLS: shard 0 \(127\.0\.0\.1:1\/strongroom_0\) cannot be reached: .*ECONNREFUSED.*; start that PostgreSQL or correct the URL$/);
    assert.ok(!message.includes(gone.password));
    const wrong = new URL(cluster.urls[1]!);
    wrong.password = 'wrong-password';
    const denied = await refusal([cluster.urls[0]!, wrong.href]);
    assert.match(denied, /^SHARD_URLS: shard 1 .* cannot be reached: .*password authentication failed/);
    assert.ok(!denied.includes('wrong-password'));
    const missing = new URL(cluster.urls[2]!);
    missing.pathname = '/nowhere';
    assert.match(await refusal([missing.href]), /^SHARD_URLS: shard 0 .*\/nowhere\) cannot be reached: .*does not exist/);
  });

  it('[SH2] is opened with as few connections as the settings allow', async () => {
    await migrateAgain(cluster.urls, 1);
  });
});

describe('databases that are not a cluster yet', () => {
  let server: EmbeddedPostgres;
  let remove: () => void;
  const databases = Array.from({ length: 4 }, (_, index) => `empty_${index}`);

  before(async () => {
    const temporary = temporaryFolder();
    remove = temporary.remove;
    server = await startEmbeddedPostgres({ dir: temporary.folder, databases: databases.slice(0, 1), settings: { fsync: 'off', max_prepared_transactions: 15 } });
  });
  after(async () => {
    await server.stop();
    remove();
  });

  it('[SH2] are refused without two-phase commit', async () => {
    assert.match(await refusal(server.urls), /^SHARD_URLS: shard 0 \(127\.0\.0\.1:\d+\/empty_0\) has max_prepared_transactions = 15; set it to 16 or more in postgresql\.conf and restart that server$/);
  });

  describe('with two-phase commit', () => {
    let able: EmbeddedPostgres;
    let removeAble: () => void;
    before(async () => {
      const temporary = temporaryFolder();
      removeAble = temporary.remove;
      able = await startEmbeddedPostgres({ dir: temporary.folder, databases, settings: { fsync: 'off' } });
    });
    after(async () => {
      await able.stop();
      removeAble();
    });

    /** Several processes of one deployment start together: they share nothing but the databases. */
    async function openTogether(urls: string[], times: number, intercepts: Intercept[] = []): Promise<void> {
      const openers = await Promise.all(Array.from({ length: times }, () => openShards(urls, 2)));
      try {
        const seen = openers.map((shards, opener) => shards.map((shard) => interceptShard(shard, intercepts[opener] ?? (async () => undefined))));
        const results = await Promise.allSettled(seen.map((shards) => migrateShards(shards)));
        assert.deepEqual(results.filter(({ status }) => status === 'rejected'), []);
        const stamps = await Promise.all(openers[0]!.map(async ({ pool }) => (await pool.query<{ id: string; shard: number }>('select id, shard from cluster')).rows));
        assert.deepEqual(stamps.map((rows) => rows.map(({ shard }) => shard)), urls.map((_, index) => [index]), 'each is stamped once');
        assert.equal(new Set(stamps.flat().map(({ id }) => id)).size, 1, 'with one id');
      } finally {
        await Promise.all(openers.map((shards) => closeShards(shards)));
      }
      await migrateAgain(urls);
    }

    // Guards the lock around the migrations: without it the second `create table` fails.
    it('[SH2] become one cluster when several processes open them at once', async () => {
      await openTogether(able.urls.slice(0, 2), 4);
    });

    // Guards the lock around the stamp: without it the first stamps shard 0, the second overtakes it on shard 1, and no start is possible any more.
    it('[SH2] become one cluster also when one process overtakes another in the middle of stamping', async () => {
      const urls = able.urls.slice(2, 4);
      const prepared = await openShards(urls, 2);
      for (const shard of prepared) await shard.migrate();
      await closeShards(prepared);
      const slowed = (...waitsMs: number[]): Intercept => async ({ shard, text }) => {
        if (text.startsWith('insert into cluster')) await delay(waitsMs[shard]);
      };
      await openTogether(urls, 2, [slowed(300, 800), slowed(600, 0)]);
    });
  });
});

async function migrateAgain(urls: readonly string[], poolMax = 2): Promise<void> {
  const shards = await openShards(urls, poolMax);
  await migrateShards(shards).finally(() => closeShards(shards));
}

async function refusal(urls: readonly string[]): Promise<string> {
  try {
    await migrateAgain(urls);
  } catch (error) {
    assert.ok(error instanceof ClusterError, String(error));
    assert.match(error.message, /^[^\n]+$/);
    return error.message;
  }
  return assert.fail('it was opened');
}
