import Table from 'cli-table3';
import { slotRanges, type MoveReport, type Plan, type ShardStatus } from '../../../persistence/index.ts';

const SLOTS_WIDTH_MAX = 48;
const count = (value: number) => value.toLocaleString('en');
const right = (columns: number, from: number) => Array.from({ length: columns }, (_, at) => (at < from ? 'left' : 'right') as 'left' | 'right');

export function statusTable(shards: readonly ShardStatus[]): string {
  const head = ['shard', 'database', 'slots', 'players', 'size', 'connections', 'in doubt', 'map version', 'moving'];
  const table = new Table({ head, colAligns: right(head.length, 2), style: { head: [], border: [] } });
  for (const { shard, database, slots, players, bytes, connections, connectionsMax, inDoubt, mapVersion, moving } of shards) {
    table.push([shard, database, slots, count(players), `${(bytes / 2 ** 20).toFixed(1)} MiB`, `${connections} / ${connectionsMax}`, inDoubt, mapVersion, moving]);
  }
  return table.toString();
}

export function planTable({ routes }: Plan): string {
  const head = ['from', 'to', 'which', 'slots', 'players', 'rows'];
  const table = new Table({ head, colAligns: right(head.length, 3), style: { head: [], border: [] } });
  for (const { source, target, slots, players, rows } of routes) {
    table.push([`shard ${source}`, `shard ${target}`, shortened(slotRanges(slots)), slots.length, count(players), count(rows)]);
  }
  return table.toString();
}

const shortened = (text: string) => (text.length > SLOTS_WIDTH_MAX ? `${text.slice(0, text.lastIndexOf(',', SLOTS_WIDTH_MAX))}, …` : text);

/** What was moved, and what the players noticed of it. */
export function reportText({ moved, stallsMs }: MoveReport): string {
  const sorted = stallsMs.toSorted((a, b) => a - b);
  const at = (part: number) => `${(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0).toFixed(1)} ms`;
  const stalls = sorted.length === 0 ? '' : `; writers waited ${at(0.5)} (median), ${at(0.99)} (p99), ${at(1)} (longest)`;
  return `${count(moved)} slots moved${stalls}`;
}

/** Places in SHARD_URLS are numbers of shards, so only the last ones can go. */
export function dropHint(shards: readonly ShardStatus[]): string | undefined {
  const last = shards.findLastIndex(({ isEmpty }) => !isEmpty);
  const droppable = shards.slice(Math.max(last, 0) + 1);
  if (droppable.length === 0) return undefined;
  const named = droppable.map(({ shard, database }) => `shard ${shard} (${database})`).join(', ');
  return `${named}: nothing is there any more. Take ${droppable.length === 1 ? 'it' : 'them'} out of SHARD_URLS and start every process again; then the database${droppable.length === 1 ? '' : 's'} may be dropped.`;
}
