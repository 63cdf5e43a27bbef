import express, { type Router } from 'express';
import { z } from 'zod';
import { PlayerId } from '../../schema/ids.ts';
import { AROUND_RADIUS_MAX, GLOBAL, TOP_MAX } from '../../schema/leaderboard.ts';
import { Refusal } from '../../schema/refusals.ts';
import type { Leaderboards } from '../leaderboards/index.ts';
import type { Players } from '../players/index.ts';
import { FRESH, type LeaderboardPages } from './leaderboard-pages.ts';

const Region = z.string().max(32).default(GLOBAL);
const TopQuery = z.object({ region: Region, limit: z.coerce.number().int().min(1).max(TOP_MAX).default(TOP_MAX), season: z.coerce.number().int().min(1).max(2 ** 31 - 1).optional() });
const PlaceQuery = z.object({ region: Region });
const AroundQuery = z.object({ region: Region, radius: z.coerce.number().int().min(0).max(AROUND_RADIUS_MAX).default(5) });

export interface LeaderboardRoutesOptions {
  leaderboards: Leaderboards;
  pages: LeaderboardPages;
  players: Pick<Players, 'read'>;
}

/** What anyone may read of the leaderboards. */
export function leaderboardRoutes({ leaderboards, pages, players }: LeaderboardRoutesOptions): Router {
  const routes = express.Router();
  routes.get('/', (_request, response) => {
    response.set('cache-control', FRESH).json({ boards: leaderboards.list() });
  });
  routes.get('/:board', async (request, response) => {
    const { region, limit, season } = TopQuery.parse(request.query);
    const { board } = request.params;
    if (season === undefined) await pages.top(request, response, { board, region, limit }, request.originalUrl);
    else pages.send(request, response, await leaderboards.seasonTop(board, season, region), limit);
  });
  routes.get('/:board/seasons', async (request, response) => {
    response.set('cache-control', FRESH).json({ seasons: await leaderboards.seasons(request.params.board) });
  });
  routes.get('/:board/players/:playerId', async (request, response) => {
    const { region } = PlaceQuery.parse(request.query);
    const playerId = PlayerId.parse(request.params.playerId);
    const place = await leaderboards.place(request.params.board, playerId, region);
    if (place.score === null && !(await players.read([playerId])).has(playerId)) throw new Refusal('UNKNOWN_PLAYER', { playerId });
    response.set('cache-control', FRESH).json(place);
  });
  routes.get('/:board/players/:playerId/around', async (request, response) => {
    const { region, radius } = AroundQuery.parse(request.query);
    const rows = await leaderboards.around(request.params.board, PlayerId.parse(request.params.playerId), region, radius);
    response.set('cache-control', FRESH).json(rows);
  });
  return routes;
}
