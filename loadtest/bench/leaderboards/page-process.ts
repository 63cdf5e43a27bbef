import { Caller } from '../kit/caller.ts';
import { forMs } from '../kit/rate.ts';
import { obeyOrders } from '../kit/worker-process.ts';
import type { PageOrder, PageReply } from './page-readers.ts';

/** A process of its own, so that the clients' work is not counted as the server's: pages over kept connections, each connection one after the other. */
obeyOrders(async ({ port, path, connections, ms }: PageOrder): Promise<PageReply> => {
  const callers = await Promise.all(Array.from({ length: connections }, () => Caller.open(port)));
  const request = Caller.get(port, path);
  const tookMs: number[] = [];
  const [more, began, cpu] = [forMs(ms), performance.now(), process.cpuUsage()];
  let bytes = 0;
  await Promise.all(
    callers.map(async (caller) => {
      do {
        const asked = performance.now();
        const { status, body } = await caller.ask(request);
        if (status !== 200) throw new Error(`a page was answered ${status}: ${body.slice(0, 200)}`);
        tookMs.push(performance.now() - asked);
        bytes = body.length;
      } while (more());
    }),
  );
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (performance.now() - began) / 1_000;
  for (const caller of callers) caller.close();
  return { tookMs, bytes, cpuUs: user + system, seconds };
});
