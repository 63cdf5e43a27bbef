import assert from 'node:assert/strict';
import fc from 'fast-check';
import { byteaArray, int2Array, int4Array, int8Array, uuidArray } from '../../persistence/array-binary.ts';
import { startCluster, type TestCluster } from '../kit/cluster.ts';

const RUNS = 100;
const of = (bits: number) => ({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 });
const EXACT = 2 ** 53;

describe('array parameters in binary', () => {
  let cluster: TestCluster;
  before(async () => (cluster = await startCluster()));
  after(() => cluster.stop());

  /** What PostgreSQL reads, as the text of each element. */
  async function read(type: string, sent: Buffer): Promise<string[]> {
    const rows = await cluster.sql<{ element: string }>(0, `select element::text from unnest($1::${type}[]) with ordinality as e(element, at) order by at`, [sent]);
    return rows.map(({ element }) => element);
  }

  async function readsAll<Value>(type: string, value: fc.Arbitrary<Value>, encode: (values: readonly Value[]) => Buffer, text: (value: Value) => string, examples: Value[]): Promise<void> {
    const property = fc.asyncProperty(fc.array(value), async (values) => assert.deepEqual(await read(type, encode(values)), values.map(text)));
    await fc.assert(property, { numRuns: RUNS, examples: [[[]], [examples]] });
  }

  it('[TP12] PostgreSQL reads whole numbers as they were, up to the bounds', async () => {
    await readsAll('smallint', fc.integer(of(16)), int2Array, String, [0, -1, of(16).min, of(16).max]);
    await readsAll('int', fc.integer(of(32)), int4Array, String, [0, -1, of(32).min, of(32).max]);
    await readsAll('bigint', fc.maxSafeInteger(), int8Array, String, [0, -1, 2 ** 32, -(2 ** 32), 2 ** 32 - 1, EXACT, -EXACT]);
  });

  it('[TP12] PostgreSQL reads ids and bytes as they were', async () => {
    await readsAll('uuid', fc.uuid(), uuidArray, String, ['FFFFFFFF-ffff-4FFF-8fff-ffffffffffff', '00000000-0000-0000-0000-000000000000']
      .map((id) => id.toLowerCase()));
    assert.deepEqual(await read('uuid', uuidArray(['ABCDEF01-2345-6789-abcd-EF0123456789'])), ['abcdef01-2345-6789-abcd-ef0123456789']);
    await readsAll('bytea', fc.uint8Array(), byteaArray, (bytes) => `\\x${Buffer.from(bytes).toString('hex')}`, [new Uint8Array(0), Uint8Array.of(0, 255)]);
  });

  it('[TP12] what is not what it should be is never sent as something else', () => {
    for (const value of [Number.NaN, 0.5, Infinity, of(16).max + 1, of(16).min - 1]) assert.throws(() => int2Array([1, value]), RangeError);
    for (const value of [Number.NaN, 0.5, Infinity, of(32).max + 1, of(32).min - 1]) assert.throws(() => int4Array([1, value]), RangeError);
    for (const value of [Number.NaN, 0.5, Infinity, EXACT + 2, -EXACT - 2]) assert.throws(() => int8Array([1, value]), RangeError);
    const id = '01234567-89ab-cdef-0123-456789abcdef';
    for (const bad of ['', `${id}0`, id.slice(1), id.replace('-', '0'), id.replace('f', 'g'), `{${id}}`, id.replace('a', 'ä'), `${id.slice(0, 35)}Ł`]) assert.throws(() => uuidArray([id, bad, id]), RangeError, bad);
    // Too long and too short together are as long as they should be.
    assert.throws(() => uuidArray([`${id}0`, id.slice(1)]), RangeError);
  });
});
