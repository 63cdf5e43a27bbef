import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts the CPU of a process in hundredths of a second, whatever its kernel's clock. */
const TICK_US = 10_000;

/** Places in /proc/<pid>/stat, counted from the state, which follows the name in brackets. */
const PARENT = 1;
/** Of the process itself, in the user's code and in the kernel, and of its children that ended. */
const OWN_TIMES = [11, 12];
const ENDED_TIMES = [13, 14];
const THREADS = 17;

/**
 * The CPU that a process and all that descends from it have used so far, in µs. Children that ended are in what their
 * parent waited for. A process of one thread is told to the nanosecond, any other to the tick. `undefined` where there is no /proc, or no such process.
 */
export function treeCpuUs(root: number): number | undefined {
  const children = new Map<number, number[]>();
  const used = new Map<number, number>();
  for (const pid of processes()) {
    const fields = statOf(pid);
    if (fields === undefined) continue;
    const parent = Number(fields[PARENT]);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
    const ticks = (places: readonly number[]) => places.reduce((sum, place) => sum + Number(fields[place]), 0) * TICK_US;
    const own = fields[THREADS] === '1' ? scheduledUs(pid) : undefined;
    used.set(pid, (own ?? ticks(OWN_TIMES)) + ticks(ENDED_TIMES));
  }
  if (!used.has(root)) return undefined;
  const sumOf = (pid: number): number => (used.get(pid) ?? 0) + (children.get(pid) ?? []).reduce((sum, child) => sum + sumOf(child), 0);
  return sumOf(root);
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
  const stat = readOf(pid, 'stat');
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** How long its first thread ran, by the scheduler; a kernel may not say. @see the Linux kernel's scheduler statistics */
function scheduledUs(pid: number): number | undefined {
  const [ns] = readOf(pid, 'schedstat')?.split(' ') ?? [];
  return ns === undefined ? undefined : Number(ns) / 1000;
}

function readOf(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch (error) {
    // It ended since the folder was listed.
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
