import { setTimeout as delay } from 'node:timers/promises';
import { rotated, tellFaults } from '../../bench/kit/bots-process.ts';
import { seededRandom, type Random } from '../../bench/kit/holdings.ts';
import type { Deed } from '../profile.ts';
import { Bot } from './bot.ts';
import { FreeBots } from './free-bots.ts';
import type { CrewOrder, CrewOrders, CrewReport } from './messages.ts';
import { Tally } from './tally.ts';

const LOOK_MS = 1_000;
const GUILD_SIZE = 20;
/** What is under way when the run is over is waited for, so that nothing is cut off that would have been answered. */
const ENDING_MAX_MS = 30_000;

/** A process of bots: they arrive, are given something, and then do one thing after another as it falls due. */
async function main({ endpoints, bots: count, arrivalGapMs, everyMs, mix, seed }: CrewOrders): Promise<void> {
  const [random, tally] = [seededRandom(seed), new Tally()];
  const bots = Array.from({ length: count }, (_, at) => new Bot({ endpoints: rotated(endpoints, at), random, tally }));
  const moments = setInterval(() => moment(bots, tally), LOOK_MS);

  const begunAt = performance.now();
  await Promise.all(bots.map(async (bot, at) => {
    const dueAt = begunAt + at * arrivalGapMs;
    await delay(Math.max(0, dueAt - performance.now()));
    await bot.arrive(dueAt);
  }));
  report({ type: 'present', players: bots.filter(({ id }) => id !== '').map(({ id }) => id) });
  await go.promise;
  const there = bots.filter(({ isOnline }) => isOnline);
  if (mix.deposit > 0) await inGuilds(there, seed);

  const [deeds, free] = [new Set<Promise<void>>(), new FreeBots(there, random)];
  let isGoing = true;
  void finish.promise.then(() => (isGoing = false));
  for (let dueAt = performance.now(); isGoing; dueAt += gapMs(random, everyMs / there.length)) {
    // What is due already goes at once: a turn of the event loop for each would hold back more the more there is to do.
    const inMs = dueAt - performance.now();
    if (inMs > 0) await delay(inMs);
    const deed = perform(pickDeed(random, mix), free, dueAt).finally(() => deeds.delete(deed));
    deeds.add(deed);
  }
  await Promise.race([Promise.all(deeds), delay(ENDING_MAX_MS)]);

  clearInterval(moments);
  moment(bots, tally);
  report({ type: 'finished' });
  for (const bot of bots) bot.close();
}

/** By a bot that is free, or as soon as one is: it was due all the same. */
async function perform(deed: Deed, free: FreeBots, dueAt: number): Promise<void> {
  const bot = await free.take();
  const partner = deed === 'trade' ? await free.take() : undefined;
  try {
    if (partner !== undefined) await bot.tradeWith(partner, dueAt);
    else if (deed !== 'trade') await bot[deed](dueAt);
  } finally {
    bot.isBusy = false;
    if (partner !== undefined) partner.isBusy = false;
  }
}

async function inGuilds(bots: readonly Bot[], seed: number): Promise<void> {
  for (let at = 0; at < bots.length; at += GUILD_SIZE) {
    const [leader, ...others] = bots.slice(at, at + GUILD_SIZE);
    const number = at / GUILD_SIZE;
    const mark = (Date.now() + seed * 1_000 + number).toString(36);
    await leader?.found(`Load ${mark} ${number}`, mark.slice(-5).toUpperCase(), others);
  }
}

/** Arrivals that know nothing of each other. */
const gapMs = (random: Random, meanMs: number): number => -Math.log(1 - random()) * meanMs;

function pickDeed(random: Random, mix: Record<Deed, number>): Deed {
  const shares = Object.entries(mix) as [Deed, number][];
  let left = random() * shares.reduce((sum, [, share]) => sum + share, 0);
  return shares.find(([, share]) => (left -= share) < 0)?.[0] ?? 'walk';
}

function moment(bots: readonly Bot[], tally: Tally): void {
  const { user, system } = process.cpuUsage();
  report({ type: 'moment', ended: tally.take(), online: bots.filter(({ isOnline }) => isOnline).length, bytes: bots.reduce((sum, bot) => sum + bot.takeBytes(), 0), cpuUs: user + system });
}

function report(message: CrewReport): void {
  process.send?.(message);
}

const begun = Promise.withResolvers<CrewOrders>();
const go = Promise.withResolvers<void>();
const finish = Promise.withResolvers<void>();
process.on('message', (order: CrewOrder) => {
  if (order.type === 'begin') begun.resolve(order.orders);
  if (order.type === 'go') go.resolve();
  if (order.type === 'finish') finish.resolve();
});
tellFaults((message) => report({ type: 'fault', message }));

await main(await begun.promise);
await delay(300); // what is still in the pipe
process.exit(0);
