import { redisSessionStore, SESSION_TTL_MS, type RedisLink } from '../../../persistence/index.ts';
import type { PlayerId } from '../../../schema/ids.ts';
import { invariant } from '../../../schema/invariant.ts';
import type { BenchResult } from '../kit/bench.ts';
import { openEconomy, type Economy } from '../kit/economy.ts';
import { medians, quantile, timeEach } from '../kit/measure.ts';
import { newSession } from './lookups.ts';

const PLAYERS = 400;
const CREATIONS_IN_FLIGHT = 16;
const CHANNEL = 'bench:taken';

/** The steps of a take-over, as they follow each other. */
const STEPS = ['epoch', 'store', 'notice'] as const;
const NAMES: Record<(typeof STEPS)[number], string> = {
  epoch: 'the epoch in PostgreSQL, against a bare UPDATE',
  store: 'the session store, against a bare SET … GET',
  notice: 'the notice, until another connection hears it',
};
type Steps = Record<(typeof STEPS)[number], number>;

/** The least that PostgreSQL must do. */
const BARE_UPDATE = { name: 'bench-bare-epoch', text: 'update inventory set session_epoch = session_epoch + 1 where holder = $1 returning session_epoch::float8 as epoch' };

/** One device takes a player's session from another: each time the one who has it is displaced. */
export async function takeOverRows(link: RedisLink, rounds: number): Promise<BenchResult[]> {
  const economy = await openEconomy();
  try {
    const players: PlayerId[] = [];
    await timeEach(Array.from({ length: PLAYERS }), CREATIONS_IN_FLIGHT, async () => void players.push(await economy.storage.players.create({ name: 'Bencher', region: 'eu' })));
    const contenders = { ours: ours(economy, link), ceiling: await bare(economy, players, link) };
    const notice = await noticeOf(link);
    for (const player of players) await once(contenders.ours, notice, player);
    const measured: Record<'ours' | 'ceiling', Record<string, number>[]> = { ours: [], ceiling: [] };
    for (let round = 0; round < rounds; round++) {
      const took = { ours: [] as Steps[], ceiling: [] as Steps[] };
      for (const [at, player] of players.entries()) {
        for (const who of at % 2 === 0 ? (['ours', 'ceiling'] as const) : (['ceiling', 'ours'] as const)) took[who].push(await once(contenders[who], notice, player));
      }
      for (const who of ['ours', 'ceiling'] as const) measured[who].push(figuresOf(took[who]));
    }
    const [mine, least] = [medians(measured.ours), medians(measured.ceiling)];
    const row = (what: string, figure: string): BenchResult => ({ what: `take-over: ${what}`, ours: mine[figure] ?? Number.NaN, ceiling: least[figure] ?? Number.NaN, unit: 'ms' });
    return [row('all of it, p50', 'p50'), row('all of it, p99', 'p99'), ...STEPS.map((step) => row(`${NAMES[step]}, p50`, step))];
  } finally {
    await economy.close();
  }
}

interface Contender {
  epoch(player: PlayerId): Promise<number>;
  store(player: PlayerId, epoch: number): Promise<unknown>;
}

function ours({ storage }: Economy, { commands }: RedisLink): Contender {
  const store = redisSessionStore(commands);
  return { epoch: (player) => storage.players.takeSession(player), store: (player, epoch) => store.take(newSession(player, epoch)) };
}

async function bare({ shards, storage }: Economy, players: readonly PlayerId[], { commands }: RedisLink): Promise<Contender> {
  const homes = await storage.holdings.players(players);
  return {
    async epoch(player) {
      const { rows } = await shards[homes.get(player)?.shard ?? 0]!.pool.query<{ epoch: number }>({ ...BARE_UPDATE, values: [player] });
      return rows[0]?.epoch ?? 0;
    },
    store: (player, epoch) => commands.set(`bench:${player}`, JSON.stringify([epoch]), 'PX', SESSION_TTL_MS, 'GET'),
  };
}

/** @returns how long each step took, in ms */
async function once({ epoch, store }: Contender, notice: (player: PlayerId) => Promise<void>, player: PlayerId): Promise<Steps> {
  const began = performance.now();
  const taken = await epoch(player);
  invariant(taken > 0, 'the player has an epoch');
  const epochAt = performance.now();
  await store(player, taken);
  const storedAt = performance.now();
  await notice(player);
  return { epoch: epochAt - began, store: storedAt - epochAt, notice: performance.now() - storedAt };
}

async function noticeOf({ commands, subscriber }: RedisLink): Promise<(player: PlayerId) => Promise<void>> {
  let heard: (() => void) | undefined;
  await subscriber.subscribe(CHANNEL);
  subscriber.on('message', () => heard?.());
  return async (player) => {
    const hearing = new Promise<void>((resolve) => (heard = resolve));
    await Promise.all([hearing, commands.publish(CHANNEL, player)]);
  };
}

function figuresOf(took: readonly Steps[]): Record<string, number> {
  const wholes = took.map(({ epoch, store, notice }) => epoch + store + notice);
  return { p50: quantile(wholes, 0.5), p99: quantile(wholes, 0.99), ...Object.fromEntries(STEPS.map((step) => [step, quantile(took.map((each) => each[step]), 0.5)])) };
}
