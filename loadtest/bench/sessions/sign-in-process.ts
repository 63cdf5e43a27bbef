import { timeEach } from '../kit/measure.ts';
import { Caller } from '../kit/caller.ts';
import type { SignInOrder, SignInReply } from './sign-ins.ts';

/** A process of its own, so that the clients' work is not counted as the server's: new anonymous accounts over kept connections. */
process.on('message', (order: SignInOrder) => {
  signIn(order).then(
    (reply) => process.send?.(reply),
    (error: unknown) => process.send?.({ failed: error instanceof Error ? (error.stack ?? error.message) : String(error) } satisfies SignInReply),
  );
});
process.once('disconnect', () => process.exit(0));

async function signIn({ port, accounts, connections }: SignInOrder): Promise<SignInReply> {
  const callers = await Promise.all(Array.from({ length: connections }, () => Caller.open(port)));
  const request = Caller.request(port, '/auth/anonymous', JSON.stringify({ options: { name: 'Newcomer' } }));
  const free = [...callers];
  const [began, cpu] = [performance.now(), process.cpuUsage()];
  const tookMs = await timeEach(Array.from({ length: accounts }, (_, at) => at), connections, async () => {
    const caller = free.pop() as Caller;
    const { status, body } = await caller.ask(request);
    if (status !== 200 || !body.includes('"token":"')) throw new Error(`a sign-in was answered ${status}: ${body.slice(0, 200)}`);
    free.push(caller);
  });
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (performance.now() - began) / 1000;
  for (const caller of callers) caller.close();
  return { tookMs, cpuUs: user + system, seconds };
}
