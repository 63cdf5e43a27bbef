import { setTimeout as delay } from 'node:timers/promises';
import { timeEach } from '../kit/measure.ts';
import { obeyOrders } from '../kit/worker-process.ts';
import { joinBot } from './bot.ts';
import type { BotOrder, BotReply } from './bots.ts';
import type { Walker } from './walker.ts';
import { Watcher } from './watcher.ts';

/** A process of its own, so that the players' work is not counted as the server's. */
const JOINS_IN_FLIGHT = 10;
/** Of how many one watches: they are enough to tell a percentile, and few enough to leave the machine to the server. */
const BOTS_PER_WATCHER = 10;
/** Each bot turns once a second, and not all of them at once. */
const SLICES = 20;
const SECOND_MS = 1_000;
/** Who waits for longer at the end of a round counts as having waited for so long. */
const LATE_MS = 250;
const bots: Walker[] = [];
let slice = 0;

obeyOrders(obey);
setInterval(() => {
  for (let at = slice; at < bots.length; at += SLICES) bots[at]?.turn();
  slice = (slice + 1) % SLICES;
}, SECOND_MS / SLICES);

async function obey(order: BotOrder): Promise<BotReply> {
  if ('listenMs' in order) return await listen(order.listenMs);
  if ('walk' in order) {
    for (const bot of bots) bot.walk(order.walk);
    return { bots: bots.length };
  }
  const places = Array.from({ length: order.gather }, (_, at) => bots.length + at);
  await timeEach(places, JOINS_IN_FLIGHT, async (place) => void bots.push(await joinBot(order, place % BOTS_PER_WATCHER === 0)));
  return { bots: bots.length };
}

async function listen(ms: number): Promise<BotReply> {
  const watchers = bots.filter((bot) => bot instanceof Watcher);
  for (const { echoesMs } of watchers) echoesMs.length = 0;
  const patches = () => bots.reduce((sum, bot) => sum + bot.patches, 0);
  const [began, cpu, before] = [performance.now(), process.cpuUsage(), patches()];
  await delay(ms);
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (performance.now() - began) / 1000;
  const echoesMs = watchers.flatMap((watcher) => [...watcher.echoesMs, ...(watcher.waitedMs > LATE_MS ? [watcher.waitedMs] : [])]);
  const gone = bots.filter(({ isThere }) => !isThere).length;
  return { heard: { echoesMs, patchesPerSecond: (patches() - before) / seconds / bots.length, cores: (user + system) / 1e6 / seconds, gone } };
}
