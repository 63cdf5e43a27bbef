import { setTimeout as delay } from 'node:timers/promises';
import { quantile, type Figures } from '../kit/measure.ts';
import type { GameServer } from '../sockets/game-server.ts';
import { Bots } from './bots.ts';
import { isServed, type Service } from './limit.ts';

const SETTLE_MS = 2_000;

export interface ClimbOptions {
  /** Whether the server has accounts. */
  signsIn: boolean;
  patchIntervalMs: number;
  /** How many players there are at each step, rising. */
  sizes: readonly number[];
  /** How long each step is measured. */
  listenMs: number;
}

/** What one step came to; `NaN` where the machine cannot tell. */
export interface Step extends Figures, Service {
  players: number;
  patches: number;
  p50: number;
  p99: number;
  /** Of the server process, per player and second. */
  serverMs: number;
  /** Of the server process, above what it had without players, per player. */
  bytesEach: number;
  /** What the server's event loop was late, in ms. */
  lateMs: number;
  /** In shares of a core. */
  server: number;
  postgres: number;
  bots: number;
}

/**
 * Players come to a server until there are more than it can serve, and then all who shall come. What is not served is measured
 * twice and the better one kept: what else a machine does for some seconds shall not end a climb.
 */
export async function climb(start: () => Promise<GameServer>, { sizes, listenMs, ...joining }: ClimbOptions): Promise<Step[]> {
  const server = await start();
  const bots = new Bots();
  const steps: Step[] = [];
  try {
    await delay(SETTLE_MS);
    const emptyBytes = server.residentBytes();
    for (const players of sizes) {
      if (steps.some((step) => !isServed(step)) && players !== sizes.at(-1)) continue;
      await bots.walk(false);
      await bots.gather(players - (steps.at(-1)?.players ?? 0), { url: server.url, ...joining });
      await bots.walk(true);
      await delay(SETTLE_MS);
      const first = await measured(server, bots, { players, listenMs, emptyBytes });
      steps.push(isServed(first) ? first : better(first, await measured(server, bots, { players, listenMs, emptyBytes })));
    }
    return steps;
  } finally {
    await bots.leave();
    await server.stop();
  }
}

const better = (a: Step, b: Step): Step => (isServed(b) || (!isServed(a) && b.patches > a.patches) ? b : a);

async function measured(server: GameServer, bots: Bots, { players, listenMs, emptyBytes }: { players: number; listenMs: number; emptyBytes: number }): Promise<Step> {
  await loopLateMs(server); // it counts from when it was last asked
  const before = { atMs: performance.now(), server: server.cpuUs(), postgres: server.postgresUs() };
  const heard = await bots.listen(listenMs);
  const seconds = (performance.now() - before.atMs) / 1000;
  const [serverUs, postgresUs] = [server.cpuUs() - before.server, server.postgresUs() - before.postgres];
  const gone = heard.reduce((sum, { gone }) => sum + gone, 0);
  if (gone > 0) throw new Error(`${gone} of ${players} players lost their connections`);
  const echoesMs = heard.flatMap((one) => one.echoesMs);
  return {
    players,
    patches: heard.reduce((sum, { patchesPerSecond }) => sum + patchesPerSecond, 0) / heard.length,
    p50: quantile(echoesMs, 0.5),
    p99: quantile(echoesMs, 0.99),
    serverMs: serverUs / 1000 / players / seconds,
    bytesEach: (server.residentBytes() - emptyBytes) / players,
    lateMs: await loopLateMs(server),
    server: serverUs / 1e6 / seconds,
    postgres: postgresUs / 1e6 / seconds,
    bots: heard.reduce((sum, { cores }) => sum + cores, 0),
  };
}

/** The 99th percentile since it was last asked. */
async function loopLateMs({ url }: GameServer): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(/^nodejs_eventloop_lag_p99_seconds (\S+)$/m.exec(metrics)?.[1]) * 1000;
}
