import type { Room } from '@colyseus/sdk';
import type { BenchOptions, BenchResult, Target } from '../kit/bench.ts';
import { medians, quantile, timeEach, timePairs } from '../kit/measure.ts';
import { startBare, type GameServer } from '../sockets/game-server.ts';
import { newTrader, quiet } from '../sockets/trader.ts';
import { newCommandId } from '../kit/command-id.ts';
import type { Town } from './town.ts';

/** Each with a guild of its own: some have it on their own shard, and most have not. */
const MEMBERS = 8;
const ACTIONS = 104;
const WARM_UPS = 56;
const TARGET: readonly Target[] = [{ of: 'ours', bound: 'at most', value: 10 }];

/** One action at a time over a socket, from the request to its answer: a real server process, against Colyseus that answers at once. */
export async function lonely({ fleet, economy }: Town, { rounds }: BenchOptions): Promise<BenchResult[]> {
  const bareServer = await startBare(new URL('../sockets/bare-rooms.ts', import.meta.url));
  try {
    const [ours, bare] = await Promise.all([fleet.servers[0] as GameServer, bareServer].map((on) => Promise.all(Array.from({ length: MEMBERS }, (_, at) => guildRoomOn(on, at))))) as [Room[], Room[]];
    const contenders = { ours: (at: number) => deposit(ours[at % MEMBERS] as Room), ceiling: (at: number) => deposit(bare[at % MEMBERS] as Room) };
    const places = Array.from({ length: ACTIONS }, (_, at) => at);
    await timePairs(places.slice(0, WARM_UPS), contenders);
    const [{ pool } = { pool: undefined }] = economy.shards;
    await pool?.query('create table bench_commit (at timestamptz default now())');
    const measured: Record<string, number>[] = [];
    for (let round = 0; round < rounds; round++) {
      const tookMs = await timePairs(places, contenders);
      const commitMs = await timeEach(places, 1, async () => void (await pool?.query('insert into bench_commit default values')));
      measured.push({ commit: quantile(commitMs, 0.5), p50: quantile(tookMs.ours, 0.5), p99: quantile(tookMs.ours, 0.99), bareP50: quantile(tookMs.ceiling, 0.5), bareP99: quantile(tookMs.ceiling, 0.99) });
    }
    const { commit = Number.NaN, p50 = Number.NaN, p99 = Number.NaN, bareP50 = Number.NaN, bareP99 = Number.NaN } = medians(measured);
    const what = 'a lonely deposit over a socket, four shards, against a Colyseus room that answers at once';
    await Promise.all(ours.map((room) => room.leave()));
    return [
      { what: `${what}, p50`, ours: p50, ceiling: bareP50, unit: 'ms', targets: TARGET },
      { what: `${what}, p99`, ours: p99, ceiling: bareP99, unit: 'ms' },
      { what: 'a lonely deposit over a socket, four shards, p50, against the commit of one bare row there', ours: p50, ceiling: commit, unit: 'ms' },
    ];
  } finally {
    await bareServer.stop();
  }
}

/** The room of a guild that its only member has founded; of a bare server, a room that is called so. */
async function guildRoomOn({ url, serviceKey }: GameServer, at: number): Promise<Room> {
  const { client, room } = await newTrader(url, serviceKey);
  const guildId = serviceKey === undefined ? undefined : (await room.request<unknown, { guildId: string }>('guild:create', { commandId: newCommandId(), name: `Lonely ${at}`, tag: `L${at}` })).guildId;
  return quiet(await client.joinOrCreate('guild', { guildId }));
}

async function deposit(room: Room): Promise<void> {
  await room.request('guild:deposit', { commandId: newCommandId(), fungibles: { gold: 1 } });
}
