import { flushCompileCache } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { matchMaker } from '@colyseus/core';
import { ClusterError, EmbeddedPostgresError, faultPoints, migrateShards, namesFaultPoint, openShards, openStorage, RedisError } from '../persistence/index.ts';
import { BrokenInvariant } from '../schema/invariant.ts';
import { createApp } from './app.ts';
import { openBackplane } from './backplane.ts';
import { openBoardRegions } from './board-regions.ts';
import { CatalogError, loadCatalog, watchCatalog } from './catalog/index.ts';
import { ConfigError, loadConfig } from './config/index.ts';
import { openDatabases } from './databases.ts';
import { createFeatures } from './features.ts';
import { listen } from './listen.ts';
import { startAudits } from './ops/index.ts';
import { startResolver } from './resolver.ts';
import { shutDown } from './shutdown.ts';
import { createLogger, Metrics, type FaultListener } from './telemetry/index.ts';
import { keepHeapYoung } from './young-heap.ts';

const SHUTDOWN_MAX_MS = 15_000;

async function start(): Promise<void> {
  keepHeapYoung();
  const config = loadConfig();
  let tellFault: FaultListener = () => undefined;
  const log = createLogger(config.logLevel, config.instance, (fault) => tellFault(fault));
  const catalog = loadCatalog(config.catalogPath);
  const metrics = new Metrics();
  const backplane = await openBackplane({ redisUrl: config.redisUrl, metrics, log });
  const strange = Object.keys(config.leaderboardUrls).find((region) => !catalog.regions.includes(region));
  if (strange !== undefined) throw new ConfigError(`LEADERBOARD_URLS names the region "${strange}", which the catalogue has not: name one of ${catalog.regions.join(', ')}.`);
  const regions = await openBoardRegions(config.leaderboardUrls, log);
  const { urls, embedded } = await openDatabases(config);
  const shards = await openShards(urls, config.limits.shardPoolMax);
  await migrateShards(shards);

  const reach = faultPoints(config.faultPoint);
  const storage = await openStorage(shards, {
    reach,
    foresees: !namesFaultPoint(config.faultPoint, 'locked'),
    onUnfinished: (error) => log.warn({ err: error }, 'a participant was not told; the resolver will'),
    onLostRace: () => metrics.retries.inc({ cause: 'race' }),
  });
  const lookAfterBoards = () => void features.leaderboards.recover().catch((error: unknown) => log.warn({ err: error }, 'what was left prepared was not looked after on the leaderboards'));
  const resolver = startResolver({ storage, metrics, log, intervalMs: config.limits.resolverIntervalMs, onCommitted: lookAfterBoards });
  const features = createFeatures({
    storage,
    catalog,
    metrics,
    limits: config.limits,
    reach,
    bus: backplane.bus,
    sessionStore: backplane.sessionStore,
    cooldowns: backplane.cooldowns,
    processId: () => matchMaker.processId,
    isAlive: backplane.isAlive,
    onStoreFault: (error) => log.debug({ err: error }, 'the session store is away'),
    boards: {
      sets: regions.sets,
      others: backplane.boardSets,
      onFault: (error, what) => log.warn({ err: error }, what),
      onFilled: (filled) => log.info(filled, 'a leaderboard was filled from PostgreSQL'),
      onSeason: (what) => log.info(what, what.archived === undefined ? 'a season is open' : 'a season is written down'),
    },
  });
  features.versions.start(config.limits.versionCheckIntervalMs, (error) => log.warn({ err: error }, 'versions were not compared'));
  features.guildVersions.start(config.limits.versionCheckIntervalMs, (error) => log.warn({ err: error }, "guilds' versions were not compared"));
  const stopCatalog = watchCatalog(catalog, config.catalogPath, {
    changed: () => log.info('the catalogue changed'),
    refused: (error) => log.error(`the catalogue keeps its old content: ${error.message}`),
  });

  const app = createApp({ config, storage, catalog, features, backplane, metrics, log, onFault: (listener) => (tellFault = listener) });
  const audits = startAudits({ storage, metrics, log, intervalMs: config.limits.auditIntervalMs });
  await features.leaderboards.start();
  await listen(app, config);

  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    log.info('shutting down');
    // Rooms first: what they still settle is told to their players, then the queue is empty, then the others may miss us.
    const inOrder = await shutDown(
      [
        ['catalogue', stopCatalog],
        ['versions', () => (features.versions.stop(), features.guildVersions.stop())],
        ['rooms', () => app.gracefullyShutdown(false)],
        ['queue', () => features.ledger.drain()],
        ['leaderboards', () => features.leaderboards.stop()],
        ['backplane', () => backplane.leave()],
        ['audits', () => audits.stop()],
        ['resolver', () => resolver.stop()],
        ['storage', () => storage.close()],
        ['redis', () => Promise.all([backplane.close(), regions.close()])],
        ['postgres', () => embedded?.stop()],
      ],
      { maxMs: SHUTDOWN_MAX_MS, log },
    );
    process.exit(inOrder ? 0 : 1);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stop());
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, error instanceof BrokenInvariant ? 'an invariant is broken' : 'uncaught');
    // Nothing is saved on the way out: what was acknowledged is committed, and what was not must not be.
    process.exit(1);
  });
  process.on('unhandledRejection', (error) => {
    throw error;
  });
  void embedded?.exited.then(() => {
    if (!stopping) log.fatal('the embedded PostgreSQL ended; this process ends with it');
    if (!stopping) process.exit(1);
  });

  await backplane.join({ storage, features });
  features.leaderboards.lookBack({ alone: backplane.isAlone() });
  // With NODE_COMPILE_CACHE, the next start takes a third less, also of a process that is killed before its end.
  flushCompileCache();
  process.send?.('ready');
  log.info(`listening on http://localhost:${config.port} with ${shards.length} shards`);
}

try {
  await start();
} catch (error) {
  const expected = error instanceof ConfigError || error instanceof CatalogError || error instanceof ClusterError || error instanceof EmbeddedPostgresError || error instanceof RedisError;
  process.stderr.write(expected ? `${(error as Error).message}\n` : `${(error as Error).stack}\n`);
  await delay(0);
  process.exit(1);
}
