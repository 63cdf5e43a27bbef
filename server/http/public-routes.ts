import path from 'node:path';
import compression from 'compression';
import express, { type Request, type Router } from 'express';
import type { Storage } from '../../persistence/index.ts';
import { Refusal } from '../../schema/refusals.ts';
import type { Catalog } from '../catalog/index.ts';
import type { Logger, Metrics } from '../telemetry/index.ts';
import { isDraining } from './matchmaking.ts';
import { bearsKey } from './service-routes.ts';

const LOOPBACK = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1']);
const WEB_ROOT = path.resolve(import.meta.dirname, '../../web/dist');

export interface PublicRoutesOptions {
  storage: Pick<Storage, 'ready'>;
  backplane: { isUp(): boolean };
  catalog: Catalog;
  metrics: Metrics;
  serviceKey: string;
  log: Logger;
}

/** Health, metrics, the catalogue for clients, and the web client. */
export function publicRoutes({ storage, backplane, catalog, metrics, serviceKey, log }: PublicRoutesOptions): Router {
  const routes = express.Router();
  routes.get('/healthz', (_request, response) => {
    response.json({ ok: true });
  });
  routes.get('/readyz', async (_request, response) => {
    if (isDraining()) return void response.status(503).json({ ok: false, reason: 'shutting down' });
    if (!backplane.isUp()) return void response.status(503).json({ ok: false, reason: 'Redis does not answer' });
    try {
      await storage.ready();
      response.json({ ok: true });
    } catch (error) {
      // Anyone may ask, so the cause, which names addresses, is for the log alone.
      log.warn({ err: error }, 'not ready');
      response.status(503).json({ ok: false, reason: 'a shard does not answer, or has migrations to run' });
    }
  });
  routes.get('/metrics', async (request, response) => {
    if (!isLoopback(request) && !bearsKey(request.headers.authorization, serviceKey)) throw new Refusal('UNAUTHENTICATED');
    response.type(metrics.registry.contentType).send(await metrics.registry.metrics());
  });
  routes.get('/catalog', (_request, response) => {
    response.json({ assets: catalog.assets, guilds: catalog.guilds, regions: catalog.regions });
  });
  // It lies among the client's files, and is shown to whoever signs in.
  routes.get('/ops.html', (_request, response) => response.redirect('ops'));
  routes.use(compression(), express.static(WEB_ROOT));
  return routes;
}

/** Behind a proxy every request comes from loopback, so one that was forwarded does not count. */
function isLoopback(request: Request): boolean {
  return LOOPBACK.has(request.socket.remoteAddress ?? '') && request.headers['x-forwarded-for'] === undefined;
}
