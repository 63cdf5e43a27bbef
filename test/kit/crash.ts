import assert from 'node:assert/strict';
import { Client } from 'pg';
import { findEmbeddedPostgres, type FaultPoint } from '../../persistence/index.ts';
import { assertAuditGreen, belongings, type Belongings } from './economy.ts';
import { assertSoon } from './patience.ts';
import { commandId, joinPlayer, newClient, service, until, type TestPlayer } from './player.ts';
import { startServer, type StartOptions, type TestServer } from './server.ts';
import { accept, joinGroup, offer, sitDown, trade } from './trade.ts';

/** From the start of the new process to players who trade again, where a start takes no longer than 2 s. */
const RECOVERY_MAX_MS = 5_000;
const START_MS = 2_000;
export const GOLD = 50;
export const ORE = 3;

export interface CrashSite {
  dataDir: string;
  /** A login that outlives the servers. */
  members: readonly { id: string; token: string }[];
  /** Sources of the server that crashes, and of the one that recovers. */
  crashing?: string;
  recovering?: string;
}

export interface Recovery {
  point: FaultPoint | 'answered';
  result: 'both legs' | 'none';
  /** Until the new process was ready, until nothing was left open, and until players had traded. */
  readyMs: number;
  resolvedMs: number;
  tradedMs: number;
}

/** Two players who are on one shard, or on two. */
export async function prepareSite(options: StartOptions & { dataDir: string }, shards: 'same' | 'distinct'): Promise<CrashSite> {
  const server = await startServer(options);
  const members = await joinGroup(server, 2, shards);
  await Promise.all(members.map((member) => member.leave()));
  await server.stop();
  return { dataDir: options.dataDir, members: members.map(({ id, token }) => ({ id, token })) };
}

async function login(server: TestServer, { members }: CrashSite): Promise<[TestPlayer, TestPlayer]> {
  const players = await Promise.all(
    members.map(async ({ id, token }): Promise<TestPlayer> => {
      const client = newClient(server.url, token);
      return { id, token, client, ...(await joinPlayer(client)) };
    }),
  );
  return players as [TestPlayer, TestPlayer];
}

/**
 * A sword and 50 gold go for 3 ore; the process kills itself at the point; a new one starts on the same data. Then both
 * legs are there or none, `command:outcome` says the same, and all is well again in time. @throws when not
 */
export async function crashAt(point: FaultPoint, site: CrashSite): Promise<Recovery> {
  const crashed = await crash(point, site);
  // A machine that does other things too starts everything slower, and so it recovers.
  const recoveryMaxMs = RECOVERY_MAX_MS * Math.max(1, crashed.startMs / START_MS);
  const spawned = performance.now();
  const server = await startServer({ dataDir: site.dataDir, ...(site.recovering !== undefined && { root: site.recovering }) });
  try {
    const readyMs = performance.now() - spawned;
    await until(async () => (await preparedOn(site.dataDir)) === 0, recoveryMaxMs - readyMs, 'no transaction is left prepared');
    const resolvedMs = performance.now() - spawned;

    const result = await judge(server, site, crashed);
    const [first, second] = await login(server, site);
    for (const [at, player] of [first, second].entries()) {
      const outcome = await player.room.request<unknown, { known: boolean; answer?: unknown }>('command:outcome', { commandId: crashed.acceptances[at] });
      assert.deepEqual(outcome, result === 'both legs' ? { known: true, answer: { status: 'settled' } } : { known: false }, 'the outcome of the acceptance');
    }
    await assertAuditGreen(server);
    await trade(await sitDown(first, second), { fungibles: { gold: 1 } }, { fungibles: { ore: 1 } });
    const tradedMs = performance.now() - spawned;
    assertSoon(tradedMs, recoveryMaxMs, 'the recovery');
    return { point, result, readyMs, resolvedMs, tradedMs };
  } finally {
    await server.kill('SIGKILL');
  }
}

interface Crashed {
  /** How long the server that crashed took to start, just before. */
  startMs: number;
  sword: string;
  before: readonly [Belongings, Belongings];
  acceptances: [string, string];
}

async function crash(point: FaultPoint, site: CrashSite): Promise<Crashed> {
  const spawned = performance.now();
  const server = await startServer({ dataDir: site.dataDir, env: { FAULT_POINT: `trade:${point}` }, ...(site.crashing !== undefined && { root: site.crashing }) });
  const startMs = performance.now() - spawned;
  try {
    const [first, second] = await login(server, site);
    const [sword = ''] = await service(server).grant(first.id, { fungibles: { gold: GOLD + 1 }, items: [{ kind: 'sword' }] });
    await service(server).grant(second.id, { fungibles: { ore: ORE + 1 } });
    const before = [await belongings(server, first), await belongings(server, second)] as const;
    const table = await sitDown(first, second);
    await offer(table.first, { items: [sword], fungibles: { gold: GOLD } });
    const revision = await offer(table.second, { fungibles: { ore: ORE } });
    const acceptances: [string, string] = [commandId(), commandId()];
    await accept(table.first, revision, acceptances[0]);
    await assert.rejects(accept(table.second, revision, acceptances[1]), /connection closed/);
    assert.equal((await server.exited).signal, 'SIGKILL');
    return { startMs, sword, before, acceptances };
  } finally {
    await server.kill('SIGKILL');
  }
}

/** Whether both legs happened or none. @throws when only some of it did */
export async function judge(server: TestServer, { members }: Pick<CrashSite, 'members'>, { sword, before }: Pick<Crashed, 'sword' | 'before'>): Promise<Recovery['result']> {
  const after = await Promise.all(members.map((member) => belongings(server, member)));
  const [first, second] = before;
  const traded: Belongings[] = [
    { fungibles: counts(first, { gold: -GOLD, ore: ORE }), items: first.items.filter((item) => item !== sword) },
    { fungibles: counts(second, { gold: GOLD, ore: -ORE }), items: [...second.items, sword].toSorted() },
  ];
  const found = JSON.stringify(after);
  if (found === JSON.stringify(before)) return 'none';
  if (found === JSON.stringify(traded)) return 'both legs';
  throw new Error(`neither both legs nor none: ${found}, before ${JSON.stringify(before)}`);
}

function counts({ fungibles }: Belongings, change: Record<string, number>): Record<string, number> {
  const names = [...new Set([...Object.keys(fungibles), ...Object.keys(change)])].toSorted();
  return Object.fromEntries(names.map((name) => [name, (fungibles[name] ?? 0) + (change[name] ?? 0)]).filter(([, count]) => count !== 0));
}

/** How many transactions are prepared and not ended, over all databases of the data folder's server. */
async function preparedOn(dataDir: string): Promise<number> {
  const [url] = findEmbeddedPostgres({ dir: dataDir, databases: ['postgres'] }) ?? [];
  assert.ok(url, 'the embedded PostgreSQL runs');
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<{ count: number }>('select count(*)::int as count from pg_prepared_xacts')).rows[0]?.count ?? 0;
  } finally {
    await client.end();
  }
}
