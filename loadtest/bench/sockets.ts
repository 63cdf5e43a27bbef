import type { Bench, BenchResult } from './kit/bench.ts';
import { inTurn, quantile, type Figures } from './kit/measure.ts';
import { Clients } from './sockets/clients.ts';
import { startBare, startOurs, type GameServer } from './sockets/game-server.ts';
import { STEPS } from './sockets/trader.ts';

const PAIRS = [1, 16, 64];
const ROUND_MS = 1_200;
const WARM_UP_MS = 1_000;
const NAMES: Record<(typeof STEPS)[number], string> = {
  invite: 'invitation', join: 'both join the trade room', offer: 'both offer', accept: 'both accept, until settled', leave: 'both leave',
};

/** A server in its process, and its clients in theirs. */
interface Side {
  server: GameServer;
  clients: Clients;
}

/** Whole trades end to end: a real server process with its PostgreSQL, and real clients in another, against Colyseus alone. */
export const sockets: Bench = {
  name: 'sockets',
  title: 'Trades over real sockets (server, PostgreSQL and clients on this machine, four shards), against Colyseus rooms that answer the same messages at once and do nothing',
  async run({ rounds }) {
    const sides: Side[] = [];
    try {
      for (const start of [startOurs, () => startBare(new URL('./sockets/bare-rooms.ts', import.meta.url))]) sides.push(await gathered(await start()));
      const [ours, bare] = sides as [Side, Side];
      const results: BenchResult[] = [];
      for (const pairs of PAIRS) {
        for (const side of sides) await traded(side, pairs, WARM_UP_MS);
        results.push(...rows(pairs, await inTurn(rounds, { ours: () => traded(ours, pairs, ROUND_MS), ceiling: () => traded(bare, pairs, ROUND_MS) })));
      }
      return results;
    } finally {
      for (const { server, clients } of sides) {
        await clients.leave();
        await server.stop();
      }
    }
  },
};

async function gathered(server: GameServer): Promise<Side> {
  try {
    return { server, clients: await Clients.gather(Math.max(...PAIRS), server) };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** What one round came to, by name. */
async function traded({ server, clients }: Side, pairs: number, ms: number): Promise<Figures> {
  const before = { server: server.cpuUs(), postgres: server.postgresUs() };
  const { steps, cpuUs, seconds } = await clients.trade(pairs, ms);
  const after = { server: server.cpuUs(), postgres: server.postgresUs() };
  const wholes = steps.invite.map((_, at) => STEPS.reduce((sum, step) => sum + (steps[step][at] ?? 0), 0));
  const sumOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
  return {
    perSecond: wholes.length / seconds,
    p50: quantile(wholes, 0.5),
    p99: quantile(wholes, 0.99),
    serverUs: (after.server - before.server) / wholes.length,
    postgresUs: (after.postgres - before.postgres) / wholes.length,
    clientUs: cpuUs / wholes.length,
    ...Object.fromEntries(STEPS.flatMap((step) => [
      [`${step} p50`, quantile(steps[step], 0.5)],
      [`${step} p99`, quantile(steps[step], 0.99)],
      [`${step} share`, (sumOf(steps[step]) / sumOf(wholes)) * 100],
    ])),
  };
}

function rows(pairs: number, { ours, ceiling }: Record<'ours' | 'ceiling', Figures>): BenchResult[] {
  const at = `${pairs} pair${pairs > 1 ? 's' : ''}`;
  const row = (what: string, figure: string, unit: string): BenchResult => ({ what: `${at}: ${what}`, ours: ours[figure] ?? Number.NaN, ceiling: ceiling[figure] ?? Number.NaN, unit });
  return [
    row('whole trades', 'perSecond', 'trades/s'),
    row('a whole trade, p50', 'p50', 'ms'),
    row('a whole trade, p99', 'p99', 'ms'),
    ...STEPS.flatMap((step) => [
      row(`${NAMES[step]}, p50`, `${step} p50`, 'ms'),
      row(`${NAMES[step]}, p99`, `${step} p99`, 'ms'),
      row(`${NAMES[step]}, share of the whole`, `${step} share`, '%'),
    ]),
    row("the server process's CPU", 'serverUs', 'µs/trade'),
    row("the clients' CPU", 'clientUs', 'µs/trade'),
    { what: `${at}: PostgreSQL's CPU, against our server process's`, ours: ours['postgresUs'] ?? Number.NaN, ceiling: ours['serverUs'] ?? Number.NaN, unit: 'µs/trade' },
  ].filter((result) => Number.isFinite(result.ours) && Number.isFinite(result.ceiling));
}
