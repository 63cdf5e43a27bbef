import path from 'node:path';
import express, { type Router } from 'express';
import { SAMPLES_KEPT_MS, type OpsSamples, type Storage } from '../../persistence/index.ts';
import { ItemId, PlayerId, TransactionId } from '../../schema/ids.ts';
import { FindPlayers, Freeze, ListEntries, ReadSeries, Reverse, SetPause, type EntriesAnswer, type ItemFile, type OpsState, type ProcessSample, type SupportEntry } from '../../schema/messages/ops.ts';
import { Refusal } from '../../schema/refusals.ts';
import type { Catalog } from '../catalog/index.ts';
import { SAMPLE_EVERY_MS, seriesOf, type ProcessWatch } from '../ops/index.ts';
import type { Support } from '../support/index.ts';
import { jsonBody } from './json-body.ts';

const PAGE = path.resolve(import.meta.dirname, '../../web/dist/ops.html');
const BODY_BYTES_MAX = '16kb';
/** A process that said nothing for so long is gone. */
const PRESENT_MS = 3 * SAMPLE_EVERY_MS;

export interface OpsRoutesOptions {
  support: Support;
  samples: OpsSamples;
  watch: Pick<ProcessWatch, 'look'>;
  storage: Pick<Storage, 'itemHistory' | 'shardStates' | 'auditRuns'>;
  catalog: Catalog;
  redis: () => OpsState['redis'];
}

/** The operations page and what it asks for: how the processes are, and what support may do; behind the admin's password. [OP1] [OP5] */
export function opsRoutes({ support, samples, watch, storage, catalog, redis }: OpsRoutesOptions): Router {
  const routes = express.Router();
  routes.use(jsonBody(BODY_BYTES_MAX));
  // The page's files are beside it: one folder further down they would not be found.
  routes.get('/', (request, response) => (request.originalUrl.startsWith('/ops/') ? response.redirect('../ops') : response.sendFile(PAGE)));

  const api = express.Router();
  api.use((_request, response, next) => (response.setHeader('cache-control', 'no-store'), next()));
  api.get('/state', async (_request, response) => {
    const now = Date.now();
    const [own, kept, faults, shards, pauses, audit] = await Promise.all([
      watch.look(), samples.since(now - PRESENT_MS).catch((): ProcessSample[][] => []), samples.faults().catch(() => []), storage.shardStates(), support.pauses(), storage.auditRuns.last(),
    ]);
    const others = kept.flatMap((some) => some.slice(-1)).filter(({ processId }) => processId !== own.processId);
    const state: OpsState = {
      at: now,
      processes: [own, ...others].toSorted((a, b) => a.instance - b.instance || a.startedAt - b.startedAt),
      faults, shards, redis: redis(), pauses, audit: audit ?? null,
      assets: catalog.assets.map(({ name, title, type }) => ({ name, title, type })),
    };
    response.json(state);
  });
  api.get('/series', async (request, response) => {
    const { minutes } = ReadSeries.parse(request.query);
    const to = Date.now();
    const from = to - Math.min(minutes * 60_000, SAMPLES_KEPT_MS);
    response.json(seriesOf(await samples.since(from), { from, to, stepMs: SAMPLE_EVERY_MS }));
  });
  api.get('/players', async (request, response) => {
    response.json({ players: await support.find(FindPlayers.parse(request.query).q) });
  });
  api.get('/players/:playerId', async (request, response) => {
    response.json(await support.file(PlayerId.parse(request.params.playerId)));
  });
  api.post('/players/:playerId/freeze', async (request, response) => {
    response.json({ entry: await support.freeze(PlayerId.parse(request.params.playerId), Freeze.parse(request.body)) });
  });
  api.get('/items/:itemId', async (request, response) => {
    const itemId = ItemId.parse(request.params.itemId);
    const history = await storage.itemHistory(itemId);
    if (history === undefined) throw new Refusal('UNKNOWN_ASSET', { itemId });
    response.json({ ...history, names: await support.namesOf(history.entries) } satisfies ItemFile);
  });
  api.get('/trades/:transactionId', async (request, response) => {
    response.json(await support.trade(TransactionId.parse(request.params.transactionId)));
  });
  api.post('/trades/:transactionId/reverse', async (request, response) => {
    response.json(await support.reverse(TransactionId.parse(request.params.transactionId), Reverse.parse(request.body).reason));
  });
  api.get('/pauses', async (_request, response) => {
    response.json({ pauses: await support.pauses() });
  });
  api.post('/pauses', async (request, response) => {
    const change = SetPause.parse(request.body);
    if (change.asset !== '*' && change.paused && !catalog.assets.some(({ name }) => name === change.asset)) throw new Refusal('UNKNOWN_ASSET', { asset: change.asset });
    response.json({ entry: await support.setPause(change), pauses: await support.pauses() });
  });
  api.get('/entries', async (request, response) => {
    const { before, limit } = ListEntries.parse(request.query);
    const entries = await support.entries(before, limit);
    response.json({ entries, names: await support.namesOf(entries.flatMap(accountOf)) } satisfies EntriesAnswer);
  });
  api.use(() => {
    throw new Refusal('BAD_REQUEST', { reason: 'no such route' });
  });
  routes.use('/api', api);
  return routes;
}

/** Whose account it is about, as one end of a posting. */
function accountOf({ action, target }: SupportEntry): { giver: PlayerId; receiver: null }[] {
  return action === 'freeze' || action === 'unfreeze' || action === 'erase' ? [{ giver: target as PlayerId, receiver: null }] : [];
}
