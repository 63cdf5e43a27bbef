import { setTimeout as delay } from 'node:timers/promises';
import type { Shard } from '../shard.ts';
import { readShardMap, type ShardMap } from '../slot-map.ts';
import { SLOT_COUNT } from '../slots.ts';
import { isSomebodyMoving } from './move-lock.ts';
import { slotRanges } from './slot-ranges.ts';
import { MISPLACED, MOVES } from './verify-statements.ts';

/** Shards are read at slightly different instants: what traffic or a move explains is gone when it is looked at again. */
const LOOKS_MAX = 4;
const LOOK_AGAIN_MS = 250;

interface SlotMoveRow {
  slot: number;
  source: number;
  target: number;
}

/**
 * Whether everything is on the shard that its slot is on, and every shard knows where that is. Reads only; runs under traffic:
 * a problem counts when each of 4 looks finds it. [SH5]
 * @returns one plain line for each problem
 */
export async function verifyShards(shards: readonly Shard[], lookAgainMs = LOOK_AGAIN_MS): Promise<string[]> {
  let problems = await lookOnce(shards);
  for (let look = 2; look <= LOOKS_MAX && problems.length > 0; look++) {
    await delay(lookAgainMs);
    const again = new Set(await lookOnce(shards));
    problems = problems.filter((problem) => again.has(problem));
  }
  return problems;
}

async function lookOnce(shards: readonly Shard[]): Promise<string[]> {
  const moves = (await Promise.all(shards.map(async ({ pool }) => (await pool.query<SlotMoveRow>(MOVES)).rows))).flat();
  const isMoving = await isSomebodyMoving(shards);
  const maps = await Promise.all(shards.map(readShardMap));
  const misplaced = await Promise.all(shards.map(misplacedOn));
  return [...mapProblems(maps, new Set(moves.map(({ slot }) => slot))), ...misplaced.flat(), ...(isMoving ? [] : interrupted(moves))];
}

/** What the shards say of the slots. A shard is told afterwards where a slot went, so a move's slots are not looked at as copies. */
function mapProblems(maps: readonly (ShardMap | undefined)[], moving: ReadonlySet<number>): string[] {
  const found = new Map<string, number[]>();
  const note = (problem: string, slot: number) => found.set(problem, [...(found.get(problem) ?? []), slot]);
  const known = maps.flatMap((map) => (map ? [{ shard: map.shard, slots: new Map((map.slots ?? []).map(([slot, shard, epoch]) => [slot, { shard, epoch }])) }] : []));
  for (let slot = 0; slot < SLOT_COUNT; slot++) {
    const holders = known.filter(({ shard, slots }) => slots.get(slot)?.shard === shard);
    const [holder, ...others] = holders;
    if (holder === undefined) note('no shard holds it', slot);
    else if (others.length > 0) note(`shards ${holders.map(({ shard }) => shard).join(' and ')} hold it`, slot);
    if (holder === undefined || others.length > 0 || moving.has(slot)) continue;
    const truth = holder.slots.get(slot);
    for (const { shard, slots } of known) {
      const copy = slots.get(slot);
      if (copy === undefined) note(`shard ${shard} does not know where it is: on shard ${holder.shard}`, slot);
      else if (copy.epoch < (truth?.epoch ?? 0)) note(`shard ${shard} has an old copy of the map: it is on shard ${holder.shard} since a later version`, slot);
      else if (copy.epoch !== truth?.epoch || copy.shard !== holder.shard) note(`shard ${shard} has another map: it is on shard ${holder.shard}, and not on shard ${copy.shard}`, slot);
    }
  }
  const without = maps.flatMap((map, shard) => (map === undefined ? [`shard ${shard} has no slot map`] : []));
  return [...without, ...[...found].map(([problem, slots]) => `slot ${slotRanges(slots)}: ${problem}`)];
}

async function misplacedOn({ index, pool }: Shard): Promise<string[]> {
  const client = await pool.connect();
  try {
    await client.query('begin isolation level repeatable read, read only; set local statement_timeout = 0; set local enable_seqscan = on');
    const lines: string[] = [];
    for (const sql of MISPLACED) {
      const { rows } = await client.query<{ problem: string }>(sql, sql.includes('$1') ? [index] : []);
      lines.push(...rows.map(({ problem }) => `shard ${index}: ${problem}`));
    }
    return lines;
  } finally {
    await client.query('rollback').then(() => client.release(), () => client.release(true));
  }
}

function interrupted(moves: readonly SlotMoveRow[]): string[] {
  const ways = Map.groupBy(moves, ({ source, target }) => `shard ${source} to shard ${target}`);
  return [...ways].map(([way, rows]) => `slot ${slotRanges([...new Set(rows.map(({ slot }) => slot))].toSorted((a, b) => a - b))}: the move from ${way} was interrupted; move or rebalance again, which ends it first`);
}
