import { fork } from 'node:child_process';
import { once } from 'node:events';
import { freePort } from './server.ts';

/** A process with zones over a Redis, see redis-rooms-process.ts. */
export interface RoomsProcess {
  url: string;
  /** Undefined while it runs. */
  exitCode(): number | string | undefined;
  /** What it wrote on standard error. */
  errors(): string;
  /** Asks it to shut down in order. @returns its exit code */
  stop(): Promise<number | string | undefined>;
  kill(): Promise<void>;
}

export async function startRoomsProcess(redisUrl: string): Promise<RoomsProcess> {
  const port = await freePort();
  const child = fork(new URL('./redis-rooms-process.ts', import.meta.url), [String(port), redisUrl], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const exited = once(child, 'exit');
  const exitCode = () => child.exitCode ?? child.signalCode ?? undefined;
  const end = async (signal: NodeJS.Signals) => {
    if (exitCode() === undefined) child.kill(signal);
    await exited;
    return exitCode();
  };
  const [ready] = (await Promise.race([once(child, 'message'), exited.then(() => [])])) as [string?];
  if (ready === undefined) throw new Error(`the process with rooms did not start: ${errors}`);
  return { url: `http://127.0.0.1:${port}`, exitCode, errors: () => errors, stop: () => end('SIGTERM'), kill: async () => void (await end('SIGKILL')) };
}
