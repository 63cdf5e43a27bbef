import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts the CPU of a process in hundredths of a second, whatever its kernel's clock. */
const TICK_US = 10_000;

/** Places in /proc/<pid>/stat, counted from the state, which follows the name in brackets. */
const PARENT = 1;
/** Of the process itself, in the user's code and in the kernel, and of its children that ended. */
const TIMES = [11, 12, 13, 14];

/**
 * The CPU that a process and all that descends from it have used so far, in µs. Children that ended are in what their
 * parent waited for, so that the sum never falls. `undefined` where there is no /proc, or no such process.
 */
export function treeCpuUs(root: number): number | undefined {
  const children = new Map<number, number[]>();
  const ticks = new Map<number, number>();
  for (const pid of processes()) {
    const fields = statOf(pid);
    if (fields === undefined) continue;
    const parent = Number(fields[PARENT]);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
    ticks.set(pid, TIMES.reduce((sum, place) => sum + Number(fields[place]), 0));
  }
  if (!ticks.has(root)) return undefined;
  const sumOf = (pid: number): number => (ticks.get(pid) ?? 0) + (children.get(pid) ?? []).reduce((sum, child) => sum + sumOf(child), 0);
  return sumOf(root) * TICK_US;
}

function processes(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter((pid) => pid > 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function statOf(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch (error) {
    // It ended since the folder was listed.
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
