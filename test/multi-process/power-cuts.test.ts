import assert from 'node:assert/strict';
import { FAULT_POINTS, type FaultPoint } from '../../persistence/index.ts';
import type { Recovery } from '../kit/crash.ts';
import { MortalHost } from '../kit/mortal-host.ts';
import { assertGoesRed, withMutant } from '../kit/mutant.ts';
import type { MutationName } from '../kit/mutations.ts';
import { assertSoon } from '../kit/patience.ts';
import { until } from '../kit/player.ts';
import { startServer } from '../kit/server.ts';
import { arm, judgeStopped, stopAtPoint, type Armed, type ArmOptions } from '../kit/stopped.ts';

/** The points that a movement over one shard passes. */
const ON_ONE_SHARD: readonly FaultPoint[] = ['locked', 'acted-first', 'acted', 'committed', 'published'];
/** From when PostgreSQL is up and the process goes on. */
const RESOLVED_MAX_MS = 2_000;
const SETTINGS = { max_connections: 500 };
const DATABASES = [0, 1, 2, 3].map((shard) => `cut_${shard}`);

/** What came of each point, once PostgreSQL is back. */
interface Cut {
  verdicts: Map<FaultPoint, Promise<Recovery['result']>>;
  resolvedMs: Promise<number>;
  stop(): Promise<void>;
}

/**
 * At each of the points a process of its own stands still; PostgreSQL is stopped like by a power cut under all of them and
 * started again; they go on.
 */
async function cutAt(points: readonly FaultPoint[], host: MortalHost, options: Omit<ArmOptions, 'shards'>): Promise<Cut> {
  const armed: Armed[] = [];
  const stop = async () => {
    await Promise.all(armed.map(({ server }) => server.kill('SIGKILL').then(() => server.stop())));
  };
  try {
    // Few at a time: what starts takes a whole core.
    const waiting = [...points];
    const lane = async () => {
      for (let point = waiting.shift(); point !== undefined; point = waiting.shift()) armed.push(await arm(point, { ...options, shards: host.urls.join(',') }));
    };
    await Promise.all([lane(), lane(), lane()]);
    const stopped = await Promise.all(armed.map(stopAtPoint));
    await host.crash();
    await host.revive();
    for (const { server } of armed) process.kill(server.pid, 'SIGCONT');
    const upAt = performance.now();
    const resolvedMs = until(async () => (await host.prepared()).length === 0, RESOLVED_MAX_MS, 'no transaction is left prepared').then(() => performance.now() - upAt);
    const verdicts = new Map(armed.map((one, at) => [one.point, Promise.all([stopped[at]!.answer, resolvedMs]).then(([answer]) => judgeStopped(one, answer))]));
    // Each is looked at by a test of its own, later.
    await Promise.allSettled([...verdicts.values(), resolvedMs]);
    return { verdicts, resolvedMs, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** With its tables made, and with what Node keeps compiled written: a process that stops itself writes it first. */
async function startHost(): Promise<MortalHost> {
  const host = await MortalHost.start(DATABASES, SETTINGS);
  const server = await startServer({ env: { SHARD_URLS: host.urls.join(',') } });
  await server.stop();
  return host;
}

describe('PostgreSQL stops like by a power cut', function () {
  // Nine servers start before anything is stopped.
  this.timeout(120_000);
  let host: MortalHost;
  before(async () => {
    host = await startHost();
  });
  after(() => host?.stop());

  for (const [where, place, points] of [['over two shards', 'distinct', FAULT_POINTS], ['on one shard', 'same', ON_ONE_SHARD]] as const) {
    describe(`while a trade ${where} commits`, () => {
      let cut: Cut;
      before(async () => {
        cut = await cutAt(points, host, { place });
      });
      after(() => cut?.stop());

      for (const point of points) {
        it(`[CR4] dupe 26: at "${point}" ${where}, the trade is there whole or not at all, and the answer says which`, async () => {
          // With the database back soon, whatever was not done yet is done again.
          assert.equal(await cut.verdicts.get(point), 'both legs');
        });
      }
      it(`[CR4] dupe 27: ${where}, nothing is prepared any more within 2 s`, async () => {
        assertSoon(await cut.resolvedMs, RESOLVED_MAX_MS, 'resolving');
      });
    });
  }
});

describe('negative controls of dupe 26 at a power cut', () => {
  const controls: { mutation: MutationName; point: FaultPoint; symptom: RegExp }[] = [
    { mutation: 'no-decision', point: 'committed', symptom: /neither both legs nor none/ },
    { mutation: 'resolver-absent', point: 'prepared', symptom: /no transaction is left prepared/ },
  ];
  let host: MortalHost;
  before(async () => {
    host = await startHost();
  });
  after(() => host?.stop());

  for (const { mutation, point, symptom } of controls) {
    it(`dupe 26 goes red at "${point}" when the process is "${mutation}"`, async () => {
      await withMutant(mutation, async (root) => {
        const { verdicts, stop } = await cutAt([point], host, { place: 'distinct', root });
        await assertGoesRed(Promise.all(verdicts.values()), symptom).finally(stop);
      });
    });
  }
});
