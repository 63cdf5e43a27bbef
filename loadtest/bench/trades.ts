import type { Bench } from './kit/bench.ts';
import { crossing } from './trades/crossing.ts';
import { lonely } from './trades/lonely.ts';
import { ITEMS, PLAYERS } from './trades/market.ts';
import { openStage } from './trades/stage.ts';
import { throughput } from './trades/throughput.ts';

/** Whole trades through the trading feature, below the socket, against what could be written by hand. */
export const trades: Bench = {
  name: 'trades',
  title: `One item against one item and gold, ${PLAYERS.toLocaleString('en')} players with ${ITEMS} items (embedded PostgreSQL, fsync on): two offers, two acceptances and the settlement, against a hand-written loop that only settles`,
  async run({ rounds }) {
    const stage = await openStage();
    try {
      return [...(await throughput(stage, rounds)), ...(await lonely(stage, rounds)), ...(await crossing(stage, rounds))];
    } finally {
      await stage.close();
    }
  },
};
