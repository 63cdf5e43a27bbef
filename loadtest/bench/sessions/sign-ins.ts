import { fork } from 'node:child_process';
import { once } from 'node:events';

export interface SignInOrder {
  port: number;
  accounts: number;
  connections: number;
}

/** What a round came to, as its clients saw it: each sign-in in milliseconds. */
export interface SignIns {
  tookMs: number[];
  cpuUs: number;
  seconds: number;
}

export type SignInReply = SignIns | { failed: string };

const REPLY_MAX_MS = 120_000;

/** Makes so many new accounts from a process of its own, each connection one after the other. */
export async function signInFrom(order: SignInOrder): Promise<SignIns> {
  const child = fork(new URL('./sign-in-process.ts', import.meta.url));
  const exited = once(child, 'exit');
  try {
    child.send(order);
    const ended = exited.then(() => [{ failed: 'its process ended' }]);
    const [reply] = (await Promise.race([once(child, 'message', { signal: AbortSignal.timeout(REPLY_MAX_MS) }), ended])) as [SignInReply];
    if ('failed' in reply) throw new Error(`the clients failed: ${reply.failed}`);
    return reply;
  } finally {
    child.kill('SIGKILL');
    await exited;
  }
}
