import { createHash, timingSafeEqual } from 'node:crypto';
import express, { type RequestHandler, type Router } from 'express';
import type { Storage } from '../../persistence/index.ts';
import { GuildId, ItemId, PlayerId } from '../../schema/ids.ts';
import { Erase } from '../../schema/messages/ops.ts';
import { Burn, Grant, ReadPlayers, SubmitScore } from '../../schema/messages/service.ts';
import { Refusal } from '../../schema/refusals.ts';
import type { Guilds } from '../guilds/index.ts';
import type { Leaderboards } from '../leaderboards/index.ts';
import type { ServiceCommands } from '../ledger/index.ts';
import type { Players } from '../players/index.ts';
import type { Sessions } from '../sessions/index.ts';
import type { Erasure } from '../support/index.ts';
import { jsonBody } from './json-body.ts';

const BODY_BYTES_MAX = '1mb';

export interface ServiceRoutesOptions {
  serviceKey: string;
  commands: ServiceCommands;
  players: Players;
  sessions: Pick<Sessions, 'find'>;
  guilds: Pick<Guilds, 'whole'>;
  leaderboards: Pick<Leaderboards, 'submit'>;
  erasure: Erasure;
  storage: Pick<Storage, 'audit' | 'itemHistory'>;
}

/** Lets pass who bears the service key, compared in constant time. [SV4] */
export function demandServiceKey(serviceKey: string): RequestHandler {
  return (request, _response, next) => next(bearsKey(request.headers.authorization, serviceKey) ? undefined : new Refusal('UNAUTHENTICATED'));
}

export function bearsKey(authorization: string | undefined, serviceKey: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(authorization ?? ''), digest(`Bearer ${serviceKey}`));
}

/** The studio's own back door: mint, burn, and read the durable truth. */
export function serviceRoutes({ serviceKey, commands, players, sessions, guilds, leaderboards, erasure, storage }: ServiceRoutesOptions): Router {
  const routes = express.Router();
  routes.use(demandServiceKey(serviceKey), jsonBody(BODY_BYTES_MAX));
  routes.post('/grants', async (request, response) => {
    response.json(await commands.grant(Grant.parse(request.body)));
  });
  routes.post('/burns', async (request, response) => {
    response.json(await commands.burn(Burn.parse(request.body)));
  });
  routes.post('/scores', async (request, response) => {
    response.json(await leaderboards.submit(SubmitScore.parse(request.body)));
  });
  routes.get('/players/:playerId', async (request, response) => {
    const playerId = PlayerId.parse(request.params.playerId);
    const player = (await players.read([playerId])).get(playerId);
    if (player === undefined) throw new Refusal('UNKNOWN_PLAYER', { playerId });
    response.json(player);
  });
  routes.get('/players/:playerId/export', async (request, response) => {
    response.json(await erasure.export(PlayerId.parse(request.params.playerId)));
  });
  routes.delete('/players/:playerId', async (request, response) => {
    const { reason } = Erase.parse(request.body ?? {});
    response.json(await erasure.erase(PlayerId.parse(request.params.playerId), reason));
  });
  routes.get('/players/:playerId/session', async (request, response) => {
    response.json({ session: (await sessions.find(PlayerId.parse(request.params.playerId))) ?? null });
  });
  routes.post('/players', async (request, response) => {
    const { ids } = ReadPlayers.parse(request.body);
    const found = await players.read(ids);
    response.json({ players: ids.flatMap((id) => found.get(id) ?? []), missing: ids.filter((id) => !found.has(id)) });
  });
  routes.get('/guilds/:guildId', async (request, response) => {
    const found = await guilds.whole(GuildId.parse(request.params.guildId));
    if (found === undefined) throw new Refusal('GUILD_NOT_FOUND');
    response.json({ ...found.guild, members: found.members });
  });
  routes.get('/items/:itemId/history', async (request, response) => {
    const itemId = ItemId.parse(request.params.itemId);
    const history = await storage.itemHistory(itemId);
    if (history === undefined) throw new Refusal('UNKNOWN_ASSET', { itemId });
    response.json(history);
  });
  routes.get('/audit', async (_request, response) => {
    const report = await storage.audit();
    response.status(report.ok ? 200 : 409).json(report);
  });
  routes.use(() => {
    throw new Refusal('BAD_REQUEST', { reason: 'no such route' });
  });
  return routes;
}
