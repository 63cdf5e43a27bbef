import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { invariant } from '../../../schema/invariant.ts';
import type { BenchOptions, BenchResult } from '../kit/bench.ts';
import { inTurn, quantile, type Figures } from '../kit/measure.ts';
import { isTold } from '../kit/rate.ts';
import { startBare, startFleet, type GameServer } from '../sockets/game-server.ts';
import { startPageReaders } from './page-readers.ts';
import { PEER } from './peer.ts';
import { BOARD, type Stadium } from './stadium.ts';

const CONNECTIONS = 100;
const WARM_UPS = 2;
const SAME = 0.05;
const PAGE = `/leaderboards/${BOARD}`;
/** A server that starts alone brings every score to its sets once more. */
const QUIET = { shareMax: 0.05, everyMs: 500, waitMaxMs: 120_000 };

/** The top 100 over all regions as a page: a real server process on the same shards and Redis, and clients in a process of their own. */
export async function pages({ economy, redis, catalogFile }: Stadium, { rounds, roundMs }: BenchOptions): Promise<BenchResult[]> {
  const folder = mkdtempSync(path.join(realpathSync(tmpdir()), 'strongroom-bench-'));
  const catalogPath = path.join(folder, 'catalog.yaml');
  // JSON is YAML.
  writeFileSync(catalogPath, JSON.stringify(catalogFile));
  const readers = startPageReaders();
  const fleet = await startFleet({ shardUrls: economy.urls, redisUrl: redis.url, catalogPath });
  try {
    const [ours] = fleet.servers as readonly [GameServer];
    await untilQuiet(ours);
    const bare = await startBare(new URL('./bare-page.ts', import.meta.url), [`${ours.url}${PAGE}`]);
    try {
      const round = async (server: GameServer, connections: number): Promise<Figures> => {
        const before = server.cpuUs();
        const { tookMs, bytes, cpuUs, seconds } = await readers.ask({ port: Number(new URL(server.url).port), path: PAGE, connections, ms: roundMs });
        return { perSecond: tookMs.length / seconds, p50: quantile(tookMs, 0.5), p99: quantile(tookMs, 0.99), bytes, serverUs: (server.cpuUs() - before) / tookMs.length, clientUs: cpuUs / tookMs.length };
      };
      for (let count = 0; count < WARM_UPS; count++) for (const server of [ours, bare]) await round(server, CONNECTIONS);
      const many = await inTurn(rounds, { ours: () => round(ours, CONNECTIONS), ceiling: () => round(bare, CONNECTIONS) });
      const one = await inTurn(rounds, { ours: () => round(ours, 1), ceiling: () => round(bare, 1) });
      invariant(Math.abs((many.ours.bytes ?? 0) / (many.ceiling.bytes ?? 0) - 1) < SAME, 'both answer the same page, but for a region that was late');
      return rows(many, one);
    } finally {
      await bare.stop();
    }
  } finally {
    await readers.end();
    await fleet.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function rows(many: Record<'ours' | 'ceiling', Figures>, one: Record<'ours' | 'ceiling', Figures>): BenchResult[] {
  const row = (what: string, figures: Record<'ours' | 'ceiling', Figures>, figure: string, unit: string): BenchResult => ({ what: `top 100 by HTTP, ${what}`, ours: figures.ours[figure] ?? Number.NaN, ceiling: figures.ceiling[figure] ?? Number.NaN, unit });
  return [
    { what: `top 100 by HTTP, ${CONNECTIONS} connections, against the Go peer’s`, ours: many.ours.perSecond ?? Number.NaN, ceiling: PEER.topsPerSecond, unit: 'pages/s', targets: [{ of: 'ratio' as const, bound: 'at least' as const, value: 5 }] },
    row(`${CONNECTIONS} connections, against Node’s HTTP alone with the same bytes`, many, 'perSecond', 'pages/s'),
    row(`${CONNECTIONS} connections, p50`, many, 'p50', 'ms'),
    row(`${CONNECTIONS} connections, p99`, many, 'p99', 'ms'),
    row("the server process's CPU", many, 'serverUs', 'µs/page'),
    row("the clients' CPU", many, 'clientUs', 'µs/page'),
    row('one connection, p50', one, 'p50', 'ms'),
    row('one connection, p99', one, 'p99', 'ms'),
    row('the page', many, 'bytes', 'bytes'),
  ].filter(isTold);
}

/** Where the CPU of a process cannot be known, it is given no time. */
async function untilQuiet(server: GameServer): Promise<void> {
  const end = performance.now() + QUIET.waitMaxMs;
  for (let used = server.cpuUs(); performance.now() < end && !Number.isNaN(used); ) {
    await delay(QUIET.everyMs);
    const now = server.cpuUs();
    if (now - used <= QUIET.shareMax * QUIET.everyMs * 1_000) return;
    used = now;
  }
}
