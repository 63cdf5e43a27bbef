import { setTimeout as delay } from 'node:timers/promises';
import { rotated, tellFaults } from '../../loadtest/bench/kit/bots-process.ts';
import { pick, seededRandom } from '../../loadtest/bench/kit/holdings.ts';
import { Bot } from './bot.ts';
import type { BotOrder, BotOrders, BotReport } from './messages.ts';

const ARRIVE_AT_ONCE = 10;
const ONLINE_WITHIN_MS = 15_000;
const SETTLE_MS = 1_500;
const TRADE_SHARE = 0.5;

/** A process of bots: they arrive, are given something, and then gather and trade until the storm is over. */
async function main({ endpoints, bots: count, seed }: BotOrders): Promise<void> {
  const random = seededRandom(seed);
  const bots = Array.from({ length: count }, (_, at) => new Bot({ endpoints: rotated(endpoints, at), random, report }));
  for (let at = 0; at < count; at += ARRIVE_AT_ONCE) await Promise.all(bots.slice(at, at + ARRIVE_AT_ONCE).map((bot) => bot.arrive()));
  report({ type: 'present', players: bots.map(({ id }) => id) });
  await stocked.promise;

  let going = true;
  void finish.promise.then(() => (going = false));
  const live = async (bot: Bot) => {
    while (going) {
      await bot.rest();
      if (bot.busy) continue;
      const partner = pick(random, bots);
      if (partner === bot || partner.busy || random() > TRADE_SHARE) {
        await bot.gather();
        continue;
      }
      bot.busy = partner.busy = true;
      await bot.tradeWith(partner).finally(() => (bot.busy = partner.busy = false));
    }
  };
  let storming = true;
  const pulses = bots.map((bot) => bot.pulse(() => storming));
  await Promise.all(bots.map(live));
  storming = false;
  await Promise.all(pulses);

  const deadline = Date.now() + ONLINE_WITHIN_MS;
  while (Date.now() < deadline && !bots.every(({ isOnline }) => isOnline)) await delay(50);
  await delay(SETTLE_MS);
  report({ type: 'finished', histories: Object.fromEntries(bots.map(({ id, history }) => [id, history])), online: bots.filter(({ isOnline }) => isOnline).map(({ id }) => id), shown: Object.fromEntries(bots.map(({ id, holds }) => [id, holds])) });
  for (const bot of bots) if (!bot.isOnline) report({ type: 'fault', message: `${bot.id} is not online: ${bot.standing}` });
  for (const bot of bots) bot.close();
}

function report(message: BotReport): void {
  process.send?.(message);
}

const begun = Promise.withResolvers<BotOrders>();
const stocked = Promise.withResolvers<void>();
const finish = Promise.withResolvers<void>();
process.on('message', (order: BotOrder) => {
  if (order.type === 'begin') begun.resolve(order.orders);
  if (order.type === 'stock') stocked.resolve();
  if (order.type === 'finish') finish.resolve();
});
tellFaults((message) => report({ type: 'fault', message }));

await main(await begun.promise);
await delay(300); // what is still in the pipe
process.exit(0);
