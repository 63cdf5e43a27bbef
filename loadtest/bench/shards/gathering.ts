import { randomUUID } from 'node:crypto';
import type { Movement } from '../../../persistence/index.ts';
import type { CommandId, PlayerId } from '../../../schema/ids.ts';
import { invariant } from '../../../schema/invariant.ts';
import type { BenchOptions, BenchResult } from '../kit/bench.ts';
import { goodsOf } from '../kit/economy.ts';
import { FreePlayers, PairsWithin } from '../kit/free-players.ts';
import { pick, seededRandom, type Random } from '../kit/holdings.ts';
import { ItemView } from '../kit/item-view.ts';
import { inTurn } from '../kit/measure.ts';
import { forMs, Meter, rateRows, type More } from '../kit/rate.ts';
import type { Grounds } from './grounds.ts';
import { SettleCrew } from './settle-crew.ts';

const BATCH = 100;
const LOOT = ['ore', 'coal', 'wood'];
const WARM_UP_SHARE = 0.5;
const HASH = Buffer.alloc(32, 9);

/** What players do most: the settlement of a gathering (loot and experience for one), against that of a trade, both in batches of 100 on one shard. */
export async function gathering({ one: { economy, groups } }: Grounds, { rounds, roundMs }: BenchOptions): Promise<BenchResult[]> {
  const trades = new SettleCrew(economy.storage, new ItemView(await goodsOf(economy, groups.flat())), new PairsWithin(groups));
  const gatherers = new FreePlayers(groups.flat());
  const random = seededRandom(13);
  const gather = async (more: More, random: Random) => {
    const tookMs: number[] = [];
    while (more()) {
      const players = Array.from({ length: BATCH }, () => gatherers.take(random));
      const began = performance.now();
      const outcomes = await economy.storage.settle(players.map((player) => gathered(player, random)));
      invariant(outcomes.every(({ status }) => status === 'committed'), 'nothing speaks against loot');
      tookMs.push(...players.map(() => performance.now() - began));
      gatherers.release(players);
    }
    return tookMs;
  };
  const trade = (ms: number) => trades.run({ atOnce: 1, batch: BATCH }, forMs(ms), random);
  const meter = new Meter(economy.postgresPid);
  await gather(forMs(roundMs * WARM_UP_SHARE), random);
  await trade(roundMs * WARM_UP_SHARE);
  const measured = await inTurn(rounds, { ours: () => meter.rate(() => gather(forMs(roundMs), random)), ceiling: () => meter.rate(() => trade(roundMs)) });
  return rateRows(`a gathering in batches of ${BATCH}`, 'a trade in such batches', measured).map((result) => ({ ...result, unit: result.unit.replace('trade', 'movement') }));
}

function gathered(player: PlayerId, random: Random): Movement {
  return {
    reason: 'gather',
    postings: [{ asset: pick(random, LOOT), quantity: 1, giver: null, receiver: player }],
    commands: [{ actor: player, id: randomUUID() as CommandId, hash: HASH, answer: () => ({}) }],
    fences: [{ player, epoch: 0 }],
    experience: { player, xp: 1 },
  };
}
