import { createHash } from 'node:crypto';
import express, { type Request, type Response, type Router } from 'express';
import { z } from 'zod';
import { PlayerId } from '../../schema/ids.ts';
import { AROUND_RADIUS_MAX, GLOBAL, TOP_MAX, type BoardRows } from '../../schema/leaderboard.ts';
import { Refusal } from '../../schema/refusals.ts';
import type { Leaderboards } from '../leaderboards/index.ts';
import type { Players } from '../players/index.ts';

/** How long a cache before us may show what it has. */
const FRESH_S = 1;

const Region = z.string().max(32).default(GLOBAL);
const TopQuery = z.object({ region: Region, limit: z.coerce.number().int().min(1).max(TOP_MAX).default(TOP_MAX), season: z.coerce.number().int().min(1).max(2 ** 31 - 1).optional() });
const PlaceQuery = z.object({ region: Region });
const AroundQuery = z.object({ region: Region, radius: z.coerce.number().int().min(0).max(AROUND_RADIUS_MAX).default(5) });

interface Page {
  /** As bytes, which are sent again as they are. */
  body: Buffer;
  etag: string;
}

export interface LeaderboardRoutesOptions {
  leaderboards: Leaderboards;
  players: Pick<Players, 'read'>;
}

/** What anyone may read of the leaderboards. */
export function leaderboardRoutes({ leaderboards, players }: LeaderboardRoutesOptions): Router {
  const routes = express.Router();
  /** What was written once is sent again for as long as the rows are the same. */
  const pages = new WeakMap<BoardRows, Map<number, Page>>();

  function pageOf(rows: BoardRows, limit: number): Page {
    const known = pages.get(rows) ?? new Map<number, Page>();
    pages.set(rows, known);
    let page = known.get(limit);
    if (page === undefined) {
      const body = Buffer.from(JSON.stringify({ ...rows, rows: rows.rows.slice(0, limit) }));
      page = { body, etag: `"${createHash('sha1').update(body).digest('base64url')}"` };
      known.set(limit, page);
    }
    return page;
  }

  function send(request: Request, response: Response, { body, etag }: Page): void {
    const headers = { 'cache-control': `public, max-age=${FRESH_S}`, etag };
    if (request.headers['if-none-match'] === etag) {
      response.writeHead(304, headers).end();
      return;
    }
    response.writeHead(200, { ...headers, 'content-type': 'application/json; charset=utf-8', 'content-length': body.length }).end(request.method === 'HEAD' ? undefined : body);
  }

  routes.get('/', (_request, response) => {
    response.set('cache-control', `public, max-age=${FRESH_S}`).json({ boards: leaderboards.list() });
  });
  routes.get('/:board', async (request, response) => {
    const { region, limit, season } = TopQuery.parse(request.query);
    const { board } = request.params;
    const rows = season === undefined ? await leaderboards.top(board, region) : await leaderboards.seasonTop(board, season, region);
    send(request, response, pageOf(rows, limit));
  });
  routes.get('/:board/seasons', async (request, response) => {
    response.set('cache-control', `public, max-age=${FRESH_S}`).json({ seasons: await leaderboards.seasons(request.params.board) });
  });
  routes.get('/:board/players/:playerId', async (request, response) => {
    const { region } = PlaceQuery.parse(request.query);
    const playerId = PlayerId.parse(request.params.playerId);
    const place = await leaderboards.place(request.params.board, playerId, region);
    if (place.score === null && !(await players.read([playerId])).has(playerId)) throw new Refusal('UNKNOWN_PLAYER', { playerId });
    response.set('cache-control', `public, max-age=${FRESH_S}`).json(place);
  });
  routes.get('/:board/players/:playerId/around', async (request, response) => {
    const { region, radius } = AroundQuery.parse(request.query);
    const rows = await leaderboards.around(request.params.board, PlayerId.parse(request.params.playerId), region, radius);
    response.set('cache-control', `public, max-age=${FRESH_S}`).json(rows);
  });
  return routes;
}
