import { setTimeout as delay } from 'node:timers/promises';
import { MOVE_POINTS } from '../../persistence/index.ts';
import { planRebalance } from '../../persistence/reshard/plan.ts';
import { mergeMaps, readShardMap } from '../../persistence/slot-map.ts';
import { pick, whole, type Random } from '../../loadtest/bench/kit/holdings.ts';
import { startShardsCommand } from '../kit/shards-command.ts';
import type { SimDatabase } from './database.ts';

/** Whatever is done to it, somebody runs it again. */
const RUNS_MAX = 40;
/** As long as a command may take to be killed at any moment of it. */
const KILL_MS = { least: 200, most: 3_000 };
const AUDIT_MAX_MS = 20_000;
const LOOK_EVERY_MS = 200;

export interface Reshaping {
  over: number;
  moved: number;
  runs: number;
  killed: number;
  /** Of the runs that came to their end: how long writers waited, in milliseconds. */
  stalls: { median: number; p99: number; longest: number }[];
  tookMs: number;
}

export interface ReshapeDeps {
  database: SimDatabase;
  random: Random;
  /** The chance that a run of the command is killed. */
  killChance: number;
}

/** The slots' owners, as the shards themselves say. */
export async function ownersOf({ shards }: Pick<SimDatabase, 'shards'>): Promise<Int16Array> {
  const maps = await whenBack(() => Promise.all(shards.map(readShardMap)));
  return mergeMaps(maps.filter((map) => map !== undefined)).owners;
}

/** Asked again while a database is stopped. */
async function whenBack<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  for (const deadline = performance.now() + AUDIT_MAX_MS; ; await delay(LOOK_EVERY_MS)) {
    try {
      return await ask();
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
  }
}

/**
 * Brings the cluster to so many shards with the command that an operator has, which is killed now and then and run again;
 * whatever else happens to the databases meanwhile. @throws when it does not come about, or more moved than had to
 */
export async function reshape(over: number, { database, random, killChance }: ReshapeDeps): Promise<Reshaping> {
  const began = performance.now();
  const done = { runs: 0, killed: 0, stalls: [] as Reshaping['stalls'] };
  const run = async (...args: string[]) => {
    for (let said = ''; ; ) {
      if (++done.runs > RUNS_MAX) throw new Error(`${args[0]} did not come to an end in ${RUNS_MAX} runs: ${said}`);
      const { code, signal, output } = await runCommand(args, database.urls, random() < killChance ? doomOf(random) : {});
      said = output;
      if (signal === 'SIGKILL') done.killed++;
      if (code === 0) return output;
      await delay(LOOK_EVERY_MS);
    }
  };
  const before = await ownersOf(database);
  for (let shard = database.shardCount; shard < over; shard++) {
    await run('add', database.spareUrls[shard - database.urls.length] ?? '');
    database.shardCount = shard + 1;
  }
  const targets = Array.from({ length: over }, (_, shard) => shard);
  const stalls = /writers waited ([\d.]+) ms \(median\), ([\d.]+) ms \(p99\), ([\d.]+) ms/.exec(await run('rebalance', '--over', String(over)));
  if (stalls) done.stalls.push({ median: Number(stalls[1]), p99: Number(stalls[2]), longest: Number(stalls[3]) });
  await database.joinAdded();
  const after = await ownersOf(database);
  const moved = after.filter((owner, slot) => owner !== before[slot]).length;
  const least = planRebalance(before, targets).length;
  if (moved !== least || planRebalance(after, targets).length > 0) throw new Error(`${moved} slots moved to come to ${over} shards, and ${least} had to`);
  return { over, moved, ...done, tookMs: performance.now() - began };
}

/** With nobody beginning anything new: every invariant over all shards. @returns what is red after 20 s */
export async function auditedGreen({ storage }: Pick<SimDatabase, 'storage'>): Promise<string[]> {
  const deadline = performance.now() + AUDIT_MAX_MS;
  for (;;) {
    // A database that is stopped just now cannot be asked.
    const report = await storage.audit().catch((error: unknown) => ({ ok: false, invariants: [{ ok: false, name: String(error), violations: [] as string[] }] }));
    if (report.ok) return [];
    if (performance.now() > deadline) return report.invariants.filter(({ ok }) => !ok).map(({ name, violations }) => `${name}: ${violations.join('; ')}`);
    await delay(LOOK_EVERY_MS);
  }
}

interface Doom {
  point?: string;
  afterMs?: number;
}

const doomOf = (random: Random): Doom => (random() < 0.6 ? { point: pick(random, MOVE_POINTS) } : { afterMs: whole(random, KILL_MS.least, KILL_MS.most) });

async function runCommand(args: readonly string[], urls: readonly string[], { point, afterMs }: Doom): Promise<Awaited<ReturnType<typeof startShardsCommand>['ended']>> {
  const { pid, ended } = startShardsCommand(urls, args, point === undefined ? {} : { faultPoint: `move:${point}` });
  const over = new AbortController();
  if (afterMs !== undefined) void delay(afterMs, undefined, { signal: over.signal }).then(() => process.kill(pid, 'SIGKILL'), () => undefined);
  return await ended.finally(() => over.abort());
}
