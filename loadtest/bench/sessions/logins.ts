import type { BenchResult } from '../kit/bench.ts';
import { openEconomy } from '../kit/economy.ts';
import { inTurn, quantile, type Figures } from '../kit/measure.ts';
import { treeCpuUs } from '../kit/process-cpu.ts';
import { startBare, startOurs, type GameServer } from '../sockets/game-server.ts';
import { signInFrom } from './sign-ins.ts';

const ACCOUNTS_MAX = 6_000;
const CONNECTIONS = 64;
const WARM_UPS = 2;
/** What a server in Go reached with the same work. */
const PEER_PER_S = 2_250;

/** New anonymous accounts end to end: a real server process with its PostgreSQL, and clients in another process. */
export async function loginRows(rounds: number, playersMax: number): Promise<BenchResult[]> {
  const economy = await openEconomy(1);
  const accounts = Math.min(ACCOUNTS_MAX, playersMax);
  const servers: GameServer[] = [];
  try {
    servers.push(await startOurs());
    servers.push(await startBare(new URL('./bare-sign-in.ts', import.meta.url), [economy.spareUrls[0] ?? ''], () => treeCpuUs(economy.postgresPid) ?? Number.NaN));
    const [ours, bare] = servers as [GameServer, GameServer];
    for (let count = 0; count < WARM_UPS; count++) for (const server of servers) await round(server, accounts);
    return rows(await inTurn(rounds, { ours: () => round(ours, accounts), ceiling: () => round(bare, accounts) }));
  } finally {
    for (const server of servers) await server.stop();
    await economy.close();
  }
}

async function round(server: GameServer, accounts: number): Promise<Figures> {
  const before = { server: server.cpuUs(), postgres: server.postgresUs() };
  const { tookMs, cpuUs, seconds } = await signInFrom({ port: Number(new URL(server.url).port), accounts, connections: CONNECTIONS });
  return {
    perSecond: accounts / seconds,
    p50: quantile(tookMs, 0.5),
    p99: quantile(tookMs, 0.99),
    serverUs: (server.cpuUs() - before.server) / accounts,
    postgresUs: (server.postgresUs() - before.postgres) / accounts,
    clientUs: cpuUs / accounts,
  };
}

function rows({ ours, ceiling }: Record<'ours' | 'ceiling', Figures>): BenchResult[] {
  const row = (what: string, figure: string, unit: string): BenchResult => ({ what: `new accounts by HTTP: ${what}`, ours: ours[figure] ?? Number.NaN, ceiling: ceiling[figure] ?? Number.NaN, unit });
  return [
    { ...row('against bare HTTP with a statement and a commit for each', 'perSecond', 'accounts/s'), targets: [{ of: 'ours' as const, bound: 'at least' as const, value: PEER_PER_S }] },
    row(`p50, ${CONNECTIONS} in flight`, 'p50', 'ms'),
    row(`p99, ${CONNECTIONS} in flight`, 'p99', 'ms'),
    row("the server process's CPU", 'serverUs', 'µs/account'),
    row("PostgreSQL's CPU", 'postgresUs', 'µs/account'),
    row("the clients' CPU", 'clientUs', 'µs/account'),
  ].filter((result) => result.ours > 0 && result.ceiling > 0);
}
