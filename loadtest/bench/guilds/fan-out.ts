import { setTimeout as delay } from 'node:timers/promises';
import { redisBus, type RedisLink } from '../../../persistence/index.ts';
import type { GuildId, PlayerId } from '../../../schema/ids.ts';
import { invariant } from '../../../schema/invariant.ts';
import type { BenchOptions, BenchResult } from '../kit/bench.ts';
import { newCommandId } from '../kit/command-id.ts';
import { quantile, timeEach } from '../kit/measure.ts';
import { quiet, signIn } from '../sockets/trader.ts';
import { Crowd } from './crowd.ts';
import { Hall } from './hall.ts';
import { SERVERS_MAX, type Town } from './town.ts';

const MEMBERS_MAX = 1_000;
const MEMBERS_PER_SERVER_MIN = 50;
const CROWD_PROCESSES = 2;
const EVENTS_PER_ROUND = 8;
const BETWEEN_MS = 250;
const HEARD_MAX_MS = 10_000;
const BARE_MESSAGES = 200;
const BARE_BYTES = 200;
const BARE_CHANNEL = 'bench:news';
/** The processes' clocks tell whole milliseconds: what they do not tell apart took half of one, more or less. */
const LEAST_MS = 0.5;

interface Heard {
  /** When its process said it, by that process's clock, which is ours. */
  publishedAt: number[];
  /** What Redis counted meanwhile. */
  publishes: number;
  /** How long the leader waited for each answer. */
  answerMs: number[];
}

/** What happens in a guild whose members all are online, through several processes, until every client has heard it. */
export async function fanOut({ fleet, economy, redis }: Town, { rounds, playersMax }: BenchOptions): Promise<BenchResult[]> {
  const members = Math.min(MEMBERS_MAX, playersMax);
  const processes = Math.min(SERVERS_MAX, Math.max(2, Math.floor(members / MEMBERS_PER_SERVER_MIN)));
  await fleet.grow(processes - 1);
  const crowd = new Crowd(CROWD_PROCESSES);
  try {
    const hall = new Hall(economy);
    const urls = fleet.servers.map(({ url }) => url);
    const leader = await signIn(urls[0] ?? '');
    const players = (await crowd.signIn(members, urls)) as PlayerId[];
    const guild = await hall.assemble([leader.id as PlayerId, ...players]);
    const hosts = await crowd.join();
    invariant(hosts.size === processes, 'every process has members');
    // Before the bus listens on this connection, which is no stranger's.
    const bare = await bareMs(redis.link);
    const heard = await tellAll({ guild, leader, redis: redis.link, events: rounds * EVENTS_PER_ROUND });
    return rows(members, hosts, heard, await everybodys(crowd, heard.publishedAt.length), bare);
  } finally {
    await crowd.leave();
  }
}

/** The leader changes the message of the day, which moves nothing: what is told of it is the guild's news and no more. */
async function tellAll({ guild, leader, redis, events }: { guild: GuildId; leader: Awaited<ReturnType<typeof signIn>>; redis: RedisLink; events: number }): Promise<Heard> {
  const publishedAt: number[] = [];
  let lagMs = 0;
  const bus = redisBus(redis, { origin: 'bench', onLag: (ms) => (lagMs = ms), onDropped: () => undefined, onGap: () => undefined });
  const listening = bus.subscribe('guild', guild, (news) => void (news.type === 'changed' && publishedAt.push(Date.now() - lagMs)));
  await listening.ready;
  quiet(await leader.client.joinOrCreate('player'));
  const room = quiet(await leader.client.joinOrCreate('guild', { guildId: guild }));
  await delay(BETWEEN_MS);
  const before = await publishesOf(redis);
  const answerMs = await timeEach(Array.from({ length: events }, (_, at) => `Day ${at}`), 1, async (motd) => {
    await room.request('guild:motd', { commandId: newCommandId(), motd });
    await delay(BETWEEN_MS);
  });
  const publishes = (await publishesOf(redis)) - before;
  listening.stop();
  return { publishedAt, publishes, answerMs: answerMs.map((ms) => ms - BETWEEN_MS) };
}

/** @returns by member when each event was heard, once everybody has heard all of them */
async function everybodys(crowd: Crowd, events: number): Promise<number[][]> {
  const deadline = performance.now() + HEARD_MAX_MS;
  for (;;) {
    const heardAt = await crowd.heardAt();
    if (heardAt.every(({ length }) => length >= events)) return heardAt;
    invariant(performance.now() < deadline, 'every member hears every event');
    await delay(BETWEEN_MS);
  }
}

/** How long it takes from one connection to Redis to another, with nothing around it. */
async function bareMs({ commands, subscriber }: RedisLink): Promise<number[]> {
  let hear: (() => void) | undefined;
  await subscriber.subscribe(BARE_CHANNEL);
  subscriber.on('message', (channel: string) => void (channel === BARE_CHANNEL && hear?.()));
  const tookMs = await timeEach(Array.from({ length: BARE_MESSAGES }), 1, async () => {
    const hearing = new Promise<void>((resolve) => (hear = resolve));
    await Promise.all([hearing, commands.publish(BARE_CHANNEL, 'x'.repeat(BARE_BYTES))]);
  });
  await subscriber.unsubscribe(BARE_CHANNEL);
  return tookMs;
}

async function publishesOf({ commands }: RedisLink): Promise<number> {
  return Number(/cmdstat_publish:calls=(\d+)/.exec(await commands.info('commandstats'))?.[1] ?? 0);
}

function rows(members: number, hosts: ReadonlyMap<string, number>, { publishedAt, publishes }: Heard, heardAt: readonly number[][], bare: readonly number[]): BenchResult[] {
  const waits = publishedAt.map((at, event) => heardAt.map((heard) => Math.max(LEAST_MS, (heard[event] ?? Number.NaN) - at)));
  const all = waits.flat();
  const each = [...hosts.values()].toSorted((a, b) => a - b);
  const at = `${members.toLocaleString('en')} members online over ${hosts.size} processes (${each[0]} to ${each.at(-1)} on each)`;
  const bareP50 = quantile(bare, 0.5);
  return [
    { what: `${at}: from the publication until each of them has heard it, p50, against bare Redis to one`, ours: quantile(all, 0.5), ceiling: bareP50, unit: 'ms' },
    { what: `${at}: the same, p99`, ours: quantile(all, 0.99), ceiling: quantile(bare, 0.99), unit: 'ms' },
    { what: `${at}: until the last of them has, median of the events`, ours: quantile(waits.map((event) => Math.max(...event)), 0.5), ceiling: bareP50, unit: 'ms' },
    { what: `${at}: messages that Redis was given, by its own count, against events`, ours: publishes, ceiling: publishedAt.length, unit: 'messages', targets: [{ of: 'ratio', bound: 'exactly', value: 1 }] },
  ];
}
