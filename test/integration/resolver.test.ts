import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { closeShards, migrateShards, openShards } from '../../persistence/cluster.ts';
import { collectDecisions, listInDoubt, resolveInDoubt } from '../../persistence/resolver.ts';
import type { Shard } from '../../persistence/shard.ts';
import { openStorage, type Storage } from '../../persistence/storage.ts';
import { startResolver } from '../../server/resolver.ts';
import { Metrics } from '../../server/telemetry/index.ts';
import { interceptShard } from '../kit/intercept.ts';
import { MortalHost } from '../kit/mortal-host.ts';
import { assertSoon } from '../kit/patience.ts';
import { until } from '../kit/player.ts';

const ALERT_MS = 5_000;
const INTERVAL_MS = 500;
const TAKE = 'pg_try_advisory_lock';
/** No server of a test says nothing for so long. */
const SILENT_MAX_MS = 2_000;

interface Line {
  level: number;
  msg: string;
  gid?: string;
  inDoubt?: number;
  oldest?: { gid: string; ageMs: number }[];
}

/** Two servers, so that one of them can be away: shard 0 on the one, 1 and 2 on the other. */
describe('the resolver', () => {
  let home: MortalHost;
  let others: MortalHost;
  let shards: Shard[];
  let storage: Storage;
  before(async () => {
    [home, others] = await Promise.all([MortalHost.start(['home']), MortalHost.start(['first', 'second'])]);
    shards = await openShards([...home.urls, ...others.urls], 10);
    await migrateShards(shards);
    storage = await openStorage(shards, { reach: () => undefined, onUnfinished: () => undefined });
  });
  after(async () => {
    if (shards) await closeShards(shards);
    await Promise.all([home?.stop(), others?.stop()]);
  });
  afterEach(async () => assert.deepEqual([...(await home.prepared()), ...(await others.prepared())], [], 'left prepared'));

  /** As a coordinator leaves it that dies before it decides. */
  async function prepare(shard: number, homeShard = 0): Promise<string> {
    const gid = `strongroom:${homeShard}:${crypto.randomUUID()}:${shard}`;
    await shards[shard]!.pool.query(`begin; select 1; prepare transaction '${gid}'`);
    return gid;
  }
  const resolvedGids = async (over: readonly Shard[] = shards) => (await resolveInDoubt(over, 0)).map(({ gid }) => gid).toSorted();
  /** The shards, and whoever counts how often one of them is told to end something. */
  function counted(leased = true) {
    const told = { endings: 0 };
    const over = shards.map((shard) =>
      interceptShard(shard, async ({ text }) => {
        if (/^(commit|rollback) prepared/.test(text)) told.endings++;
        return !leased && text.includes(TAKE) ? `select 'mine' as lease` : undefined;
      }),
    );
    return { told, over };
  }

  // Guards the lease: without it each of the six tells both shards to end all that it saw.
  it('[TP6] lets one process at a time resolve on a shard: nobody is told twice', async () => {
    const gids = await Promise.all(Array.from({ length: 8 }, (_, at) => prepare(1 + (at % 2))));
    const { told, over } = counted();
    const runs = await Promise.all(Array.from({ length: 6 }, () => resolvedGids(over)));
    assert.deepEqual(runs.flat().toSorted(), gids.toSorted());
    assert.equal(told.endings, gids.length);
  });

  it('[TP6] is right without the lease as well: six at once end each transaction once, and only try more often', async () => {
    const gids = await Promise.all(Array.from({ length: 8 }, (_, at) => prepare(1 + (at % 2))));
    const { told, over } = counted(false);
    const runs = await Promise.all(Array.from({ length: 6 }, () => resolvedGids(over)));
    assert.deepEqual(runs.flat().toSorted(), gids.toSorted());
    assert.ok(told.endings > gids.length, `${told.endings} endings`);
  });

  it('[TP6] leaves a shard to whoever has its lease, and takes it when that process is gone', async () => {
    const [first, second] = [await prepare(1), await prepare(2)];
    const other = await shards[1]!.pool.connect();
    try {
      assert.equal((await other.query<{ mine: boolean }>(`select ${TAKE}(7203452) as mine`)).rows[0]?.mine, true);
      assert.deepEqual(await resolvedGids(), [second]);
    } finally {
      other.release(true);
    }
    await until(async () => (await resolvedGids()).includes(first), 1_000);
  });

  // Guards the time that a lease may be silent: without it, a process that stands still keeps all others from resolving.
  it('[TP6] takes the lease from a process that stands still', async () => {
    const gid = await prepare(1);
    let asleep = true;
    const sleeper = interceptShard(shards[1]!, async ({ text }) => {
      // It has the lease, and stops before it ends anything.
      while (asleep && text.startsWith('rollback prepared')) await delay(10);
    });
    const sleeping = resolveInDoubt([shards[0]!, sleeper, shards[2]!], 0);
    const began = performance.now();
    try {
      await until(async () => (await shards[1]!.pool.query(`select 1 from pg_locks where locktype = 'advisory'`)).rows.length > 0);
      assert.deepEqual(await resolvedGids(), [], 'another has the lease');
      await until(async () => (await resolvedGids()).includes(gid), 1_500, 'somebody else resolves');
      assertSoon(performance.now() - began, 1_500);
    } finally {
      asleep = false;
    }
    assert.deepEqual(await sleeping, [], 'what woke up found it ended');
  });

  it('[TP6] gives the lease back, and its connection as it was', async () => {
    await prepare(1);
    assert.equal((await resolvedGids()).length, 1);
    assert.deepEqual((await shards[1]!.pool.query(`select 1 from pg_locks where locktype = 'advisory'`)).rows, []);
    const settings = await Promise.all(Array.from({ length: 10 }, () => shards[1]!.pool.query<{ set: string }>(`select current_setting('idle_session_timeout') as set`)));
    assert.deepEqual(new Set(settings.map(({ rows: [row] }) => row?.set)), new Set(['0']));
  });

  it('[TP7] says at error level what is in doubt for longer than 5 s, by gid and age, once per interval at most, and counts it', async () => {
    const { lines, log } = logger();
    const metrics = new Metrics();
    const counted = async () => (await metrics.inDoubt.get()).values[0]?.value;
    let runs = 0;
    const listed = (ageMs: number) => (runs++, listInDoubt(shards, ageMs));
    const alerts = () => lines.filter(({ level }) => level === 50);

    const gid = await prepare(1);
    const preparedAt = performance.now();
    await home.crash();
    const resolver = startResolver({ storage: { ...storage, listInDoubt: listed }, metrics, log, intervalMs: INTERVAL_MS });
    try {
      await until(() => alerts().length > 0, ALERT_MS + 2_000, 'an alert');
      const ageMs = performance.now() - preparedAt;
      assert.ok(ageMs >= ALERT_MS, `the alert came after ${ageMs} ms`);
      assertSoon(ageMs - ALERT_MS, INTERVAL_MS + 1_000, 'the alert');
      assert.ok(runs >= ALERT_MS / INTERVAL_MS / 2, 'it looked before, and there was nothing to say');
      assert.equal(await counted(), 1);
      const before = runs;
      await until(() => runs >= before + 2);
      await until(() => alerts().length >= 2);
      assert.ok(alerts().length <= runs - before + 1, `${alerts().length} alerts`);
      for (const { inDoubt, oldest } of alerts()) {
        assert.deepEqual([inDoubt, oldest?.map((one) => one.gid)], [1, [gid]]);
        assert.ok((oldest?.[0]?.ageMs ?? 0) >= ALERT_MS);
      }

      await home.revive();
      await until(async () => (await counted()) === 0, INTERVAL_MS + SILENT_MAX_MS, 'it is resolved once the home shard is back');
      assert.deepEqual(lines.filter(({ msg }) => msg.includes('left prepared')).map((line) => line.gid), [gid]);
    } finally {
      await resolver.stop();
      await home.revive();
    }
  });

  it('[TP8] collects no decision while a shard does not say what it waits for, and then those that are old and that nothing waits for', async () => {
    const [open, done, young] = [crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID()];
    await shards[1]!.pool.query(`begin; select 1; prepare transaction 'strongroom:0:${open}:1'`);
    const write = (id: string, age: string) => shards[0]!.pool.query(`insert into decision values ($1, 'commit', now() - $2::interval)`, [id, age]);
    for (const [id, age] of [[open, '61 min'], [done, '61 min'], [young, '59 min']] as const) await write(id, age);
    const kept = async () => {
      const { rows } = await shards[0]!.pool.query<{ id: string }>('select transaction_id as id from decision where transaction_id = any($1)', [[open, done, young]]);
      return [open, done, young].filter((id) => rows.some((row) => row.id === id));
    };
    await others.crash();
    await assert.rejects(collectDecisions(shards));
    assert.deepEqual(await kept(), [open, done, young]);
    await others.revive();
    await collectDecisions(shards);
    assert.deepEqual(await kept(), [open, young]);
    assert.deepEqual(await resolveInDoubt(shards, 0), [{ gid: `strongroom:0:${open}:1`, outcome: 'commit' }]);
    await collectDecisions(shards);
    assert.deepEqual(await kept(), [young]);
  });
});

function logger() {
  const lines: Line[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString()) as Line);
      done();
    },
  });
  return { lines, log: pino(stream) };
}
