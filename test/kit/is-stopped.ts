import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** Whether a process stands still, after SIGSTOP. */
export function isStopped(pid: number): boolean {
  const file = `/proc/${pid}/stat`;
  // After the name in brackets, which may hold anything.
  const state = existsSync('/proc/self/stat') ? readFileSync(file, 'utf8').replace(/^.*\) /s, '') : execFileSync('ps', ['-o', 'state=', '-p', String(pid)], { encoding: 'utf8' });
  return state.trim().startsWith('T');
}
