import { setTimeout as delay } from 'node:timers/promises';
import type { PoolClient } from 'pg';
import { invariant } from '../../schema/invariant.ts';
import { ClusterError } from '../cluster.ts';
import type { ReachFaultPoint } from '../fault-points.ts';
import { resolveInDoubt } from '../resolver.ts';
import type { Shard } from '../shard.ts';
import { mergeMaps, readShardMap } from '../slot-map.ts';
import type { TransactOn } from '../transact.ts';
import { joinAdded } from './added-shards.ts';
import { CommitFloor } from './commit-floor.ts';
import { catchUp, copyHistories, copyHoldings, outdated, verifyHistories, verifyHoldings, withRunner, type Route } from './copy.ts';
import { flipper, LABEL, type Job } from './flip.ts';
import { takeMoveLock } from './move-lock.ts';
import { CLEAN, FORGET_MOVE, REMEMBER_MOVE, TELL_SLOTS, VERSIONS_HERE } from './statements.ts';

/** What is flipped together is fenced together: few enough that nobody notices. */
const HOLDERS_PER_FLIP = 16;
const LOCK_ATTEMPTS_MAX = 20;
const MAP_ATTEMPTS_MAX = 100;
const LOOK_AGAIN_MS = 100;

export interface SlotMove {
  slot: number;
  target: number;
}

export interface MoveProgress {
  phase: 'copy' | 'verify' | 'flip' | 'clean';
  done: number;
  total: number;
}

export interface MoveReport {
  moved: number;
  /** For each group of slots that flipped together: how long its writers were kept waiting, in milliseconds. */
  stallsMs: number[];
}

type OnProgress = (progress: MoveProgress) => void;

interface MoverDeps {
  /** All of them: the others are told of every flip. */
  shards: Shard[];
  transactOn: TransactOn;
  reach: ReachFaultPoint;
}

/**
 * Moves slots between shards while everybody plays. [SH6]
 *
 * Everything that is held is copied, each holder with its version, and the histories up to an instant. Then group by group:
 * what changed is copied again; one transaction over both shards locks the group's holders, as any writer does, copies what
 * changed since and compares it; carries the holders' own rows over; and raises the map's version on both. That commit is
 * the move. Before it the copies belong to nobody, after it what is left behind does; so a mover may die anywhere, and its
 * locks die with it. At last the others are told and the source is cleaned.
 */
export function slotMover({ shards, transactOn, reach }: MoverDeps) {
  const flip = flipper(transactOn, reach);
  let lease: PoolClient | undefined;

  /** Ends what an interrupted move left. @returns how many slots that were */
  async function finish(onProgress: OnProgress = () => undefined): Promise<number> {
    return await alone(async () => await finishAlone(onProgress));
  }

  /** @throws {ClusterError} when somebody else moves slots, or a copy is not what it is a copy of: what has not flipped stays */
  async function move(moves: readonly SlotMove[], onProgress: OnProgress = () => undefined): Promise<MoveReport> {
    return await alone(async () => {
      await finishAlone(onProgress);
      return await moveAlone(moves, onProgress);
    });
  }

  /** The lock is the connection's, so it ends with this process. */
  async function alone<Result>(work: () => Promise<Result>): Promise<Result> {
    const [first] = shards;
    invariant(first, 'a cluster has a shard');
    const client = await first.pool.connect();
    try {
      // The server notices a moment later that whoever had it is gone.
      for (let attempt = 1; !(await takeMoveLock(client)); attempt++) {
        if (attempt >= LOCK_ATTEMPTS_MAX) throw new ClusterError('somebody is moving slots already; wait until that has ended');
        await delay(LOOK_AGAIN_MS);
      }
      lease = client;
      // One may have been added since these were opened.
      await joinAdded(shards);
      return await work();
    } finally {
      client.release(true);
    }
  }

  /** Whoever stood still while the lock's connection ended may not be the only one any more. @throws when it has ended */
  async function assertAlone(): Promise<void> {
    await lease?.query('select 1');
  }

  async function finishAlone(onProgress: OnProgress): Promise<number> {
    const left = new Map<number, { source: number; target: number }>();
    for (const { pool } of shards) {
      const { rows } = await pool.query<{ slot: number; source: number; target: number }>('select slot, source, target from slot_move');
      for (const { slot, source, target } of rows) left.set(slot, { source, target });
    }
    if (left.size === 0) return 0;
    const { owners } = await map();
    const flipped = [...left].filter(([slot, { target }]) => owners[slot] === target);
    for (const job of jobsOf(flipped.map(([slot, way]) => ({ slot, ...way })))) {
      await tell(job.slots, job.target.index);
      await clean(job, onProgress);
    }
    await moveAlone([...left].filter(([slot, { target }]) => owners[slot] !== target).map(([slot, { target }]) => ({ slot, target })), onProgress);
    return left.size;
  }

  async function moveAlone(moves: readonly SlotMove[], onProgress: OnProgress): Promise<MoveReport> {
    const { owners } = await map();
    const ways = moves.map(({ slot, target }) => ({ slot, target, source: owners[slot] ?? -1 })).filter(({ source, target }) => source !== target);
    const stallsMs: number[] = [];
    for (const job of jobsOf(ways)) stallsMs.push(...(await moveJob(job, onProgress)));
    return { moved: ways.length, stallsMs };
  }

  function jobsOf(ways: readonly { slot: number; source: number; target: number }[]): Job[] {
    return [...Map.groupBy(ways, ({ source, target }) => `${source} ${target}`).values()].map((group) => {
      const [{ source, target }] = group as [(typeof group)[number]];
      return { source: shardAt(source), target: shardAt(target), slots: group.map(({ slot }) => slot).toSorted((a, b) => a - b) };
    });
  }

  function shardAt(index: number): Shard {
    const shard = shards[index];
    if (shard === undefined) throw new ClusterError(`there is no shard ${index}; the shards are 0 to ${shards.length - 1}`);
    return shard;
  }

  async function map(): ReturnType<typeof settledMap> {
    return await settledMap(shards);
  }

  async function moveJob(job: Job, onProgress: OnProgress): Promise<number[]> {
    for (const { pool } of [job.target, job.source]) await pool.query(REMEMBER_MOVE, [job.slots, job.source.index, job.target.index]);
    const stalls = await withRunner(job.source, async (source) => await withRunner(job.target, async (target) => {
      const route: Route = { source, target, slots: job.slots };
      const floor = new CommitFloor(job.source);
      let since = await copy(route, floor, onProgress);
      reach('copied', LABEL);
      const stallsMs: number[] = [];
      const groups = await flipGroups(route);
      for (const [at, slots] of groups.entries()) {
        since = await copyAgain(route, slots, floor, since);
        await assertAlone();
        const version = Math.max(...(await map()).epochs) + 1;
        stallsMs.push(...(await flip({ job, slots, since, version })));
        onProgress({ phase: 'flip', done: at + 1, total: groups.length });
        await tell(slots, job.target.index);
      }
      return stallsMs;
    }));
    reach('told', LABEL);
    await clean(job, onProgress);
    return stalls;
  }

  /** @returns since when there may be more */
  async function copy(route: Route, floor: CommitFloor, onProgress: OnProgress): Promise<string> {
    const since = await floor.look();
    await route.source.query(`select brin_summarize_new_values('ledger_at'), brin_summarize_new_values('command_at')`, []);
    const holders = await outdated(route);
    let done = 0;
    await copyHoldings(route, holders, (count) => {
      done += count;
      onProgress({ phase: 'copy', done, total: holders.length });
      reach('copying', LABEL);
    });
    await copyHistories(route, since, () => onProgress({ phase: 'copy', done, total: holders.length }));
    await catchUp(route, since);
    onProgress({ phase: 'verify', done: 0, total: 1 });
    const changed = new Set(await outdated(route));
    await verifyHistories(route, (await holdersOf(route)).filter((holder) => !changed.has(holder)));
    onProgress({ phase: 'verify', done: 1, total: 1 });
    return since;
  }

  /** Outside of the fence, so that little is left to do within it. */
  async function copyAgain(route: Route, slots: readonly number[], floor: CommitFloor, since: string): Promise<string> {
    const next = await floor.look();
    await catchUp(route, since);
    const group: Route = { ...route, slots };
    await copyHoldings(group, await outdated(group));
    await verifyHoldings(group, await holdersOf(group));
    return next;
  }

  async function holdersOf({ source, slots }: Route): Promise<string[]> {
    return (await source.query<{ holder: string }>(VERSIONS_HERE, [slots])).map(({ holder }) => holder);
  }

  /** Slots in groups of few holders; a slot is never divided. */
  async function flipGroups({ source, slots }: Route): Promise<number[][]> {
    const counted = await source.query<{ slot: number; holders: number }>(
      'select slot_of(holder::text) as slot, count(*)::int as holders from inventory where slot_of(holder::text) = any($1::int[]) group by 1', [slots]);
    const counts = new Map(counted.map(({ slot, holders }) => [slot, holders]));
    const groups: number[][] = [];
    let room = 0;
    for (const slot of slots) {
      const holders = counts.get(slot) ?? 0;
      if (groups.length === 0 || holders > room) {
        groups.push([]);
        room = HOLDERS_PER_FLIP;
      }
      groups.at(-1)?.push(slot);
      room -= holders;
    }
    return groups;
  }

  /** What is a copy of the map to them: only the shard that holds a slot must know. */
  async function tell(slots: readonly number[], target: number): Promise<void> {
    const { epochs } = await map();
    await Promise.all(shards.map(async ({ pool }) => await pool.query(TELL_SLOTS, [slots, slots.map((slot) => epochs[slot]), target])));
  }

  async function clean({ source, target, slots }: Job, onProgress: OnProgress): Promise<void> {
    await assertAlone();
    const { rows } = await target.pool.query<{ holder: string }>(VERSIONS_HERE, [slots]);
    const holders = rows.map(({ holder }) => holder);
    await withRunner(source, async (runner) => {
      for (const [at, { of, text }] of CLEAN.entries()) {
        await runner.query(text, [of === 'holders' ? holders : slots]);
        onProgress({ phase: 'clean', done: at + 1, total: CLEAN.length });
      }
    });
    reach('cleaned', LABEL);
    for (const { pool } of [source, target]) await pool.query(FORGET_MOVE, [slots]);
  }

  return { move, finish };
}

/** A flip whose coordinator died is half done until a resolver ends it: this one, if nobody else runs. */
async function settledMap(shards: readonly Shard[]): Promise<ReturnType<typeof mergeMaps>> {
  for (let attempt = 1; ; attempt++) {
    const maps = (await Promise.all(shards.map(readShardMap))).filter((found) => found !== undefined);
    const merged = mergeMaps(maps);
    if (merged.settled) return merged;
    if (attempt >= MAP_ATTEMPTS_MAX) throw new ClusterError('a flip is half done and cannot be ended; see what is in doubt: npm run shards -- status');
    await resolveInDoubt(shards);
    await delay(LOOK_AGAIN_MS);
  }
}
