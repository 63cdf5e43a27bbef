import { comings } from './guilds/comings.ts';
import { fanOut } from './guilds/fan-out.ts';
import { lists } from './guilds/lists.ts';
import { lonely } from './guilds/lonely.ts';
import { openStage, type Stage } from './guilds/stage.ts';
import { throughput } from './guilds/throughput.ts';
import { openTown } from './guilds/town.ts';
import { transactions } from './guilds/transactions.ts';
import type { Bench, BenchOptions, BenchResult } from './kit/bench.ts';
import { audited } from './shards/grounds.ts';

const PARTS: readonly ((stage: Stage, options: BenchOptions) => Promise<BenchResult[]>)[] = [transactions, throughput, comings, lists];

/** Guilds: many actions in one transaction, members who come and go, who is in it, and what everybody hears. */
export const guilds: Bench = {
  name: 'guilds',
  title: 'Guilds (embedded PostgreSQL, fsync on): deposits of one gold below the socket, against the bare statement written by hand on the same tables; comings and lists against the Go peer’s figures; a lonely action and the news over real sockets',
  async run(options) {
    const results: BenchResult[] = [];
    const stage = await openStage();
    try {
      for (const part of PARTS) results.push(...(await part(stage, options)));
      for (const { hall } of [stage.one, stage.hand, stage.four]) results.push(await audited(hall.cluster));
    } finally {
      await stage.close();
    }
    const town = await openTown();
    try {
      return [...results, ...(await lonely(town, options)), ...(await fanOut(town, options))];
    } finally {
      await town.close();
    }
  },
};
