import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ClusterError, isConnectionLoss, openShards, openStorage, type FaultPoint } from '../../persistence/index.ts';
import { seededRandom } from '../../loadtest/bench/kit/holdings.ts';
import { loadCatalog } from '../../server/catalog/index.ts';
import { createFeatures } from '../../server/features.ts';
import { startResolver } from '../../server/resolver.ts';
import { createLogger, Metrics } from '../../server/telemetry/index.ts';
import type { Order, Orders, Report } from './messages.ts';
import { anybody, rings } from './trade-plans.ts';
import { Trader } from './trader.ts';

const POOL_MAX = 6;
const RESOLVE_EVERY_MS = 250;
const COUNT_EVERY_MS = 250;
const OPEN_ATTEMPTS_MAX = 200;
const OPEN_RETRY_MS = 100;
const CATALOG = path.resolve(import.meta.dirname, '../../catalog.yaml');

/**
 * A process that trades until it is told to finish, or killed: the features of a server, without its sockets. It ends in
 * disorder, and its parent says so, when anything but a refusal or a lost connection comes of a trade.
 */
async function main({ urls, players, seed, inFlight, inRings = false }: Orders, finish: Promise<void>): Promise<void> {
  const shards = await openWhenServing(urls);
  const storage = await openStorage(shards, { reach, onUnfinished: () => undefined });
  const metrics = new Metrics();
  const features = createFeatures({
    storage, metrics, reach,
    catalog: loadCatalog(CATALOG),
    limits: { inventoryCacheMax: players.length, inventoryCacheTtlMs: 60_000, tradesOpenMax: 1 },
  });
  const resolver = startResolver({ storage, metrics, log: createLogger('silent'), intervalMs: RESOLVE_EVERY_MS });
  const counting = setInterval(() => void countRetries(metrics), COUNT_EVERY_MS);
  let going = true;
  void finish.then(() => (going = false));

  await report({ type: 'ready' });
  const random = seededRandom(seed);
  const plan = (inRings ? rings : anybody)(players.length, random);
  const trader = new Trader({ features, players, plan, random, report });
  const lane = async () => {
    while (going) {
      await standingBy?.promise;
      await trader.tradeOnce();
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));

  await features.ledger.drain();
  await resolver.stop();
  clearInterval(counting);
  await countRetries(metrics);
  await storage.close();
}

/** In the pipe when it resolves: there the parent finds it, whatever happens to this process. */
function report(message: Report): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send?.(message, undefined, undefined, (error) => (error ? reject(error) : resolve()));
  });
}

async function countRetries(metrics: Metrics): Promise<void> {
  const { values } = await metrics.retries.get();
  await report({ type: 'retries', count: values.reduce((sum, { value }) => sum + value, 0) });
}

/** A process that starts while the database is stopped is started again by whoever watches it; here it tries again itself. */
async function openWhenServing(urls: readonly string[]): ReturnType<typeof openShards> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await openShards(urls, POOL_MAX);
    } catch (error) {
      if (attempt >= OPEN_ATTEMPTS_MAX || !(error instanceof ClusterError || isConnectionLoss(error))) throw error;
      await delay(OPEN_RETRY_MS);
    }
  }
}

let standingBy: PromiseWithResolvers<void> | undefined;
function resume(): void {
  standingBy?.resolve();
  standingBy = undefined;
}

let doom: FaultPoint | undefined;
function reach(point: FaultPoint): void {
  if (point === doom) process.kill(process.pid, 'SIGKILL');
}

const begun = Promise.withResolvers<Orders>();
const finish = Promise.withResolvers<void>();
process.on('message', (order: Order) => {
  if (order.type === 'begin') begun.resolve(order.orders);
  else if (order.type === 'die') doom = order.point;
  else if (order.type === 'pause') standingBy ??= Promise.withResolvers();
  else {
    resume();
    if (order.type === 'finish') finish.resolve();
  }
});
// Nobody is left to report to.
process.once('disconnect', () => process.exit(1));

await main(await begun.promise, finish.promise);
process.exit(0);
