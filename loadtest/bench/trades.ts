import type { Bench, BenchResult } from './kit/bench.ts';
import { contention } from './trades/contention.ts';
import { crossing } from './trades/crossing.ts';
import { lonely } from './trades/lonely.ts';
import { ITEMS, PLAYERS } from './kit/market.ts';
import { openStage, type Stage } from './trades/stage.ts';
import { throughput } from './trades/throughput.ts';
import { unitOfWork } from './trades/unit-of-work.ts';

const PARTS: readonly ((stage: Stage, rounds: number) => Promise<BenchResult[]>)[] = [throughput, lonely, unitOfWork, contention, crossing];

/** Whole trades through the trading feature, below the socket, against what could be written by hand. */
export const trades: Bench = {
  name: 'trades',
  title: `One item against one item and gold, ${PLAYERS.toLocaleString('en')} players with ${ITEMS} items (embedded PostgreSQL, fsync on): two offers, two acceptances and the settlement, against a hand-written loop that only settles`,
  async run({ rounds }) {
    const stage = await openStage();
    try {
      const parts: BenchResult[] = [];
      for (const part of PARTS) parts.push(...(await part(stage, rounds)));
      return parts;
    } finally {
      await stage.close();
    }
  },
};
