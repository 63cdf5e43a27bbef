import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Client, Query, type QueryConfig, type QueryResult } from 'pg';
import { PgClient, startEmbeddedPostgres, type EmbeddedPostgres } from '../../persistence/index.ts';
import { temporaryDataFolder } from '../kit/data-folder.ts';

/** The rows of each query are more than this, whatever they are made of. */
const ANSWER_BYTES = 50_000;

describe('PgClient', () => {
  const { folder, remove } = temporaryDataFolder('postgres');
  let postgres: EmbeddedPostgres;
  let ours: PgClient;
  let driver: Client;

  before(async () => {
    postgres = await startEmbeddedPostgres({ dir: folder, databases: ['queries'], settings: { fsync: 'off' } });
    [ours, driver] = [new PgClient({ connectionString: postgres.urls[0] }), new Client({ connectionString: postgres.urls[0] })];
    await Promise.all([ours.connect(), driver.connect()]);
  });

  after(async () => {
    await Promise.all([ours.end(), driver.end()]);
    await postgres.stop();
    remove();
  });

  it('answers by a promise, with and without values and a name', async () => {
    const rows = [{ n: 3 }];
    assert.deepEqual((await ours.query('select 3 as n')).rows, rows);
    assert.deepEqual((await ours.query('select $1::int as n', [3])).rows, rows);
    assert.deepEqual((await ours.query({ name: 'three', text: 'select $1::int as n', values: [3] })).rows, rows);
    assert.deepEqual((await ours.query({ name: 'three', text: 'select $1::int as n' }, [3])).rows, rows);
  });

  it('answers by a callback, and whoever submits itself', async () => {
    const byCallback = (...query: [string] | [string, unknown[]]) => new Promise<QueryResult>((resolve) => (ours.query as (...query: unknown[]) => void)(...query, (_: unknown, result: QueryResult) => resolve(result)));
    assert.equal((await byCallback('select 1')).rowCount, 1);
    assert.equal((await byCallback('select $1::int', [1])).rowCount, 1);
    const submitted = ours.query(new Query('select 1'));
    assert.ok(submitted instanceof Query);
    await once(submitted, 'end');
  });

  it('leaves what it is given as it was', async () => {
    const query: QueryConfig = Object.freeze({ name: 'frozen', text: 'select 1' });
    await Promise.all([ours.query(query), ours.query(query)]);
  });

  it('fails with what PostgreSQL said, and by whom it was asked', async () => {
    await assert.rejects(async function whoAsked() {
      await ours.query('select 1 / 0');
    }, (error: Error & { code?: string }) => error.code === '22012' && error.stack?.includes('whoAsked') === true);
  });

  // The guard: that the driver is given a callback. Without it ours is as the driver.
  it('what it answered can be collected young, which what the driver answers cannot', async () => {
    const child = fork(new URL('../kit/kept-old.ts', import.meta.url), [postgres.urls[0] ?? ''], { execArgv: ['--expose-gc'] });
    const [kept] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [Record<'ours' | 'driver', number[]>];
    const [byOurs, byDriver] = [kept.ours.toSorted((a, b) => a - b)[Math.floor(kept.ours.length / 2)] ?? Number.NaN, Math.max(...kept.driver)];
    assert.ok(byOurs < ANSWER_BYTES / 2, `${byOurs} bytes of each`);
    assert.ok(byDriver > ANSWER_BYTES, `${byDriver} bytes of each by the driver: it has changed, and may be used as it is`);
  });
});
