import { timeEach } from '../kit/measure.ts';
import { forMs } from '../kit/rate.ts';
import { obeyOrders } from '../kit/worker-process.ts';
import type { ClientOrder, ClientReply } from './clients.ts';
import { newTrader, STEPS, tradeOnce, type Step, type Trader } from './trader.ts';

/** A process of its own, so that the clients' work is not counted as the server's: makes players, and lets them trade in pairs. */
const SIGN_INS_IN_FLIGHT = 8;
const pairs: [Trader, Trader][] = [];

obeyOrders(obey);

async function obey(order: ClientOrder): Promise<ClientReply> {
  if ('trade' in order) return await trade(order.trade, order.forMs);
  await timeEach(Array.from({ length: order.gather }, (_, at) => at), SIGN_INS_IN_FLIGHT, async () => {
    pairs.push([await newTrader(order.url, order.serviceKey), await newTrader(order.url, order.serviceKey)]);
  });
  return { gathered: pairs.length };
}

async function trade(count: number, ms: number): Promise<ClientReply> {
  const [began, cpu, more] = [performance.now(), process.cpuUsage(), forMs(ms)];
  const steps = Object.fromEntries(STEPS.map((step) => [step, []])) as unknown as Record<Step, number[]>;
  await timeEach(pairs.slice(0, count), count, async (pair) => {
    while (more()) {
      const tookMs = await tradeOnce(pair);
      for (const step of STEPS) steps[step].push(tookMs[step]);
    }
  });
  const { user, system } = process.cpuUsage(cpu);
  return { steps, cpuUs: user + system, seconds: (performance.now() - began) / 1000 };
}
