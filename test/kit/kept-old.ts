import { getHeapSpaceStatistics } from 'node:v8';
import { Client } from 'pg';
import { PgClient } from '../../persistence/index.ts';
import { keepHeapYoung } from '../../server/young-heap.ts';

/** A process of its own, in which nothing else uses the heap (run with --expose-gc): sends the bytes that each query of 1,000 rows left in the old generation. */
const ROUNDS = 5;
const QUERIES = 40;
const ROWS = 1_000;

keepHeapYoung();
const [connectionString] = process.argv.slice(2);
const clients = { ours: new PgClient({ connectionString }), driver: new Client({ connectionString }) };
const bytesInOld = () => getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')?.space_used_size ?? Number.NaN;

async function answered(client: Client): Promise<void> {
  await answer(client);
  // The second one decides what is kept.
  for (let times = 0; times < 2; times++) globalThis.gc?.({ type: 'minor' });
}

/** Apart, so that whoever collects does not hold the answer. */
async function answer(client: Client): Promise<void> {
  await client.query('select i, repeat(i::text, 5) as text from generate_series(1, $1) as i', [ROWS]);
}

async function keptOfEach(client: Client): Promise<number> {
  await answered(client);
  const before = bytesInOld();
  for (let query = 0; query < QUERIES; query++) await answered(client);
  return (bytesInOld() - before) / QUERIES;
}

const kept = { ours: [] as number[], driver: [] as number[] };
await Promise.all(Object.values(clients).map((client) => client.connect()));
// A collection of all that comes in between hides what was kept in that round.
for (let round = 0; round < ROUNDS; round++) for (const who of ['ours', 'driver'] as const) kept[who].push(await keptOfEach(clients[who]));
await Promise.all(Object.values(clients).map((client) => client.end()));
process.send?.(kept);
process.disconnect?.();
